/* A layer between a program and its files that notes how to undo what was not forced to the disk.
 *
 * Loaded with LD_PRELOAD.  For each change of a regular file below FORGETFUL_ROOTS it appends the bytes and
 * the size from before to FORGETFUL_JOURNAL, and a mark for each fsync.  One lock orders changes and marks
 * of all processes.  Names of files are not covered: they survive. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct record {
    uint64_t inode, offset, size;
    uint32_t length, is_forced;
};

static int journal = -1;
static pid_t owner;

/* Return the journal of this process, whose lock is not shared with its parent. */
static int opened(void) {
    if (journal < 0 || owner != getpid()) {
        journal = syscall(SYS_openat, AT_FDCWD, getenv("FORGETFUL_JOURNAL"), O_WRONLY | O_APPEND | O_CLOEXEC);
        owner = getpid();
    }
    return journal;
}

static int is_ours(int fd, struct stat *status) {
    char link[64], path[PATH_MAX];
    const char *root = getenv("FORGETFUL_ROOTS");
    if (!root || !getenv("FORGETFUL_JOURNAL") || fstat(fd, status) || !S_ISREG(status->st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    for (size_t each; *root; root += each + (root[each] == ':')) {
        each = strcspn(root, ":");
        if (strncmp(path, root, each) == 0) return 1;
    }
    return 0;
}

static void note(struct record record, const void *old) {
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)old, record.length}};
    if (syscall(SYS_writev, opened(), parts, 2) < 0) abort();
}

/* Note what the bytes from ``offset`` on are now; the lock is held until ``done``. */
static void begin(int fd, struct stat *status, off_t offset, size_t length) {
    flock(opened(), LOCK_EX);
    fstat(fd, status);
    off_t end = offset + (off_t)length < status->st_size ? offset + (off_t)length : status->st_size;
    char part[65536], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reader = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    if (reader < 0) abort();
    struct record record = {status->st_ino, offset, status->st_size, 0, 0};
    note(record, part);
    for (; offset < end; offset += record.length) {
        size_t wanted = end - offset < (off_t)sizeof part ? (size_t)(end - offset) : sizeof part;
        ssize_t found = syscall(SYS_pread64, reader, part, wanted, offset);
        if (found <= 0) abort();
        record.offset = offset;
        record.length = found;
        note(record, part);
    }
    close(reader);
}

static void done(void) { flock(opened(), LOCK_UN); }

static off_t position(int fd, struct stat *status) {
    int flags = fcntl(fd, F_GETFL);
    return flags & O_APPEND ? status->st_size : lseek(fd, 0, SEEK_CUR);
}

static size_t total(const struct iovec *parts, int count) {
    size_t sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i].iov_len;
    return sum;
}

#define CHANGED(fd, offset, length, call)                 \
    struct stat status;                                   \
    if (!is_ours(fd, &status)) return call;               \
    begin(fd, &status, offset, length);                   \
    ssize_t result = call;                                \
    done();                                               \
    return result

ssize_t write(int fd, const void *bytes, size_t length) {
    CHANGED(fd, position(fd, &status), length, syscall(SYS_write, fd, bytes, length));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    CHANGED(fd, position(fd, &status), total(parts, count), syscall(SYS_writev, fd, parts, count));
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    CHANGED(fd, offset, length, syscall(SYS_pwrite64, fd, bytes, length, offset));
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    CHANGED(fd, offset, total(parts, count), syscall(SYS_pwritev, fd, parts, count, offset, 0));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(fd, parts, count, offset);
}
int ftruncate64(int fd, off64_t size) {
    CHANGED(fd, size, SIZE_MAX / 4, (int)syscall(SYS_ftruncate, fd, size));
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    CHANGED(fd, offset, 0, syscall(SYS_fallocate, fd, 0, offset, length) ? 95 : 0);
}
int posix_fallocate(int fd, off_t offset, off_t length) { return posix_fallocate64(fd, offset, length); }

static int forced(int fd, long number) {
    struct stat status;
    if (!is_ours(fd, &status)) return syscall(number, fd);
    flock(opened(), LOCK_EX);
    note((struct record){status.st_ino, 0, 0, 0, 1}, &status);
    done();
    return 0;
}
int fsync(int fd) { return forced(fd, SYS_fsync); }
int fdatasync(int fd) { return forced(fd, SYS_fdatasync); }

static int reopened(int directory, const char *path, int flags, mode_t mode) {
    int fd = syscall(SYS_openat, directory, path, flags & ~O_TRUNC, mode);
    if (fd >= 0 && flags & O_TRUNC && (flags & O_ACCMODE) != O_RDONLY) ftruncate(fd, 0);
    return fd;
}
#define MODE(flags)                        \
    mode_t mode = 0;                       \
    if (flags & (O_CREAT | O_TMPFILE)) {   \
        va_list more;                      \
        va_start(more, flags);             \
        mode = va_arg(more, mode_t);       \
        va_end(more);                      \
    }
int open(const char *path, int flags, ...) { MODE(flags) return reopened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return reopened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE(flags) return reopened(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE(flags) return reopened(directory, path, flags | O_LARGEFILE, mode); }
