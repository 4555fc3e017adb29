from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
import structlog

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.redaction import FIELD_LIMIT, MASK, shortened
from config.loading import load

KEY = f"ax_0123456789ab_{'5ec7e7' * 10}abcd"
PASSWORD = "p4ss/w@rd:5ec7e7"
QUOTED = "p4ss%2Fw%40rd%3A5ec7e7"
ADDRESSES = {
    "DATABASE_URL": f"postgresql://angel:{QUOTED}@db:5432/angel_x",
    "BROKER_URL": f"rediss://angel:{QUOTED}-broker@queue:6379/0",
    "CACHE_URL": f"unix:///run/cache.sock?db=1&password={QUOTED}-cache",
    "FLOWER_PASSWORD": "flower 5ec7e7",
}
#: More than any line may take up.
LONGEST_LINE = 24_000

formats = pytest.mark.parametrize("log_format", ["json", "text"])


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().err


def start(log_format: str) -> None:
    variables = {f"ANGEL_X_{name}": value for name, value in ADDRESSES.items()}
    configure_logging(load({**variables, "ANGEL_X_LOG_FORMAT": log_format}), "api")


def fail(depth: int, headers: list[tuple[bytes, bytes]]) -> None:
    address = ADDRESSES["DATABASE_URL"]
    if depth:
        fail(depth - 1, headers)
    raise ValueError(f"no row {len(headers)} {len(address)}")


@formats
def test_a_traceback_shows_no_local_variables(log_format: str, written: Callable[[], str]) -> None:
    start(log_format)
    headers = [(b"authorization", f"Bearer {KEY}".encode())]

    try:
        fail(3, headers)
    except ValueError:
        structlog.get_logger().exception("request.failed")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    lines = written()
    assert lines.count("ValueError: no row 1") == 2
    assert lines.count("in fail") >= 2
    assert "5ec7e7" not in lines
    assert "authorization" not in lines


SPELLINGS = (
    PASSWORD,
    QUOTED,
    f"{QUOTED}-broker",
    f"{PASSWORD}-cache",
    "flower 5ec7e7",
    KEY,
    KEY[:-20],
    f"Bearer {KEY}",
    "Basic YW5nZWw6NWVjN2U3NWVjN2U3",
    "redis://:5ec7e7@host:6379/0",
    "redis://user:with/5ec7e7@host:6379/0",
    "redis+socket://:a@5ec7e7@/run/broker.sock?virtual_host=0",
    "postgresql://host/db?user=angel&password=5ec7e7",
)


@formats
@pytest.mark.parametrize("secret", SPELLINGS)
def test_a_secret_is_masked_wherever_it_stands(
    log_format: str, secret: str, written: Callable[[], str]
) -> None:
    start(log_format)
    event = structlog.get_logger()

    event.info(f"cannot reach {secret}")
    event.info("server.away", error=f"no answer of '{secret}'", tried=[{"at": secret}])
    event.info("server.away", scope={secret: (secret, secret.encode())}, error=OSError(secret))
    event.info("server.away", **{secret: 1})
    logging.getLogger("kombu").warning("lost %s", secret)
    logging.getLogger("asyncio").error("lost %(at)r", {"at": OSError(secret)})
    lost = ConnectionError(f"lost {secret}")
    lost.__cause__ = OSError(secret)
    event.error("server.away", exc_info=lost)

    lines = written()
    assert lines.count(MASK) >= 10
    for part in ("5ec7e7", "NWVjN2U3", "-broker"):
        assert part not in lines
    assert len(lines.splitlines()) >= 7


@pytest.mark.parametrize("before", range(0, 40, 2))
def test_a_secret_is_masked_where_a_text_is_cut(before: int, written: Callable[[], str]) -> None:
    start("json")

    text = "." * (FIELD_LIMIT // 2 - before) + PASSWORD + KEY
    structlog.get_logger().info("server.away", error=text + "." * 10_000)

    assert "5ec7" not in written()


@formats
def test_what_is_no_secret_stays_as_it_is(log_format: str, written: Callable[[], str]) -> None:
    start(log_format)

    structlog.get_logger().info(
        "key.issued", key_prefix="ax_0123456789ab", at="http://127.0.0.1:8000/x", ids=[1, 2], mb=1.5
    )

    line = written()
    assert MASK not in line
    assert "http://127.0.0.1:8000/x" in line
    if log_format == "json":
        shown = json.loads(line)
        assert (shown["ids"], shown["mb"]) == ([1, 2], 1.5)


def loop(depth: int) -> None:
    if depth:
        loop(depth - 1)
    raise ValueError("\N{GRINNING FACE}" * 100_000)


def chained(times: int) -> None:
    try:
        if times:
            chained(times - 1)
        loop(200)
    except ValueError as error:
        raise ValueError("again " * 1000) from error


@pytest.mark.parametrize(
    "fields",
    [
        {"error": "a" * 200_000},
        {"error": "\N{GRINNING FACE}" * 200_000},
        {"error": "\x00" * 200_000},
        {f"field {i}": "a" * 10_000 for i in range(1000)},
        {f"field {i}": "\N{GRINNING FACE}" * 1_900 for i in range(20)},
        {f"field {i}": list(range(10_000)) for i in range(50)},
        {"a" * 200_000: 1},
    ],
)
def test_a_line_is_bounded(fields: dict[str, object], written: Callable[[], str]) -> None:
    start("json")

    structlog.get_logger().error("a" * 100_000, **fields)
    try:
        chained(5)
    except ValueError:
        structlog.get_logger().exception("a" * 100_000, **fields)

    lines = written().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert len(line) < LONGEST_LINE
        assert json.loads(line)["level"]
    # The beginning and the end of a traceback say the most.
    plain, failed = map(json.loads, lines)
    trace = failed.pop("exception")
    assert len(failed) >= min(len(plain), 40)
    assert all(
        failed[name] == plain[name] for name in failed if name.startswith(("event", "error"))
    )
    assert "Traceback" in trace[:100]
    assert "again" in trace[-100:]


def down(depth: int) -> None:
    if not depth:
        raise ValueError("at the bottom")
    further_down(depth - 1)


def further_down(depth: int) -> None:
    down(depth)


def test_a_deep_traceback_shows_its_innermost_frames(written: Callable[[], str]) -> None:
    start("json")

    try:
        down(200)
    except ValueError:
        structlog.get_logger().exception("request.failed")

    trace = json.loads(written())["exception"]
    assert trace.count("in further_down") == 15
    assert "in test_a_deep" not in trace
    assert trace.endswith("ValueError: at the bottom")


def test_an_event_that_cannot_be_written_prints_no_arguments(written: Callable[[], str]) -> None:
    start("json")

    logging.getLogger("kombu").warning("%d messages", KEY)

    line = written()
    assert line.startswith("log.unwritten kombu ")
    assert "5ec7e7" not in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 50])
@pytest.mark.parametrize("character", ["a", "\x00", "\N{GRINNING FACE}"])
def test_a_shortened_text_keeps_both_ends_and_its_limit(limit: int, character: str) -> None:
    text = shortened(character * 100, limit)

    assert len(json.dumps(text.replace("…", ""))) <= max(limit, 2)
    assert text.startswith(text[-1])
