"""The addresses of the servers, in the format of each library."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

_DRIVER = "postgresql+psycopg2"
_SOCKET_SCHEMES = ("unix", "redis+socket")
#: Parameters of an address that hold a password.
_SECRET_PARAMETERS = ("password", "sslpassword")


def sqlalchemy_address(url: str) -> str:
    """Add the driver to an address of PostgreSQL.

    Raises:
        ValueError: The address is not one of PostgreSQL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", _DRIVER}:
        raise ValueError("Expected an address that starts with postgresql://")
    return f"{_DRIVER}://{rest}"


def redis_address(url: str) -> str:
    """Write an address in the format of redis-py: ``redis://``, ``rediss://`` or ``unix://``.

    Raises:
        ValueError: The address is not one of Redis.
    """
    parts = urlsplit(url)
    if (scheme := parts.scheme) in {"redis", "rediss"}:
        _check_host(parts)
        return url
    if scheme not in _SOCKET_SCHEMES:
        raise ValueError("Expected an address that starts with redis://, rediss:// or unix://")
    return _respelled(url, "unix", "virtual_host", "db")


def kombu_address(url: str) -> str:
    """Write an address in the format of Celery: a Unix socket is ``redis+socket://``."""
    if urlsplit(url).scheme not in _SOCKET_SCHEMES:
        return url
    return _respelled(url, "redis+socket", "db", "virtual_host")


def passwords(secret: str) -> tuple[str, ...]:
    """Return the passwords in an address; a secret that is not an address is returned itself."""
    _, separator, rest = secret.partition("://")
    if not separator:
        return (secret,)
    credentials = rest.rpartition("@")[0].partition(":")[2]
    named = [v for k, v in parse_qsl(rest.partition("?")[2]) if k in _SECRET_PARAMETERS]
    return tuple(filter(None, (credentials, *named)))


def _check_host(parts: SplitResult) -> None:
    """Refuse an unescaped password that ends the host part: libraries would show it in errors."""
    try:
        is_sound = parts.port != 0 and "@" not in f"{parts.path}?{parts.query}#{parts.fragment}"
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ValueError(
            "Expected host and port as in redis://:password@host:6379/0, "
            "with special characters of the password as %XX"
        )


def _respelled(url: str, scheme: str, old_key: str, new_key: str) -> str:
    parts = urlsplit(url)
    query = [(new_key if k == old_key else k, v) for k, v in parse_qsl(parts.query)]
    address = f"{scheme}://{parts.netloc}{parts.path}"
    return f"{address}?{urlencode(query)}" if query else address
