"""The addresses of the servers, in the format of each library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

_DRIVER = "postgresql+psycopg2"
_SOCKET_SCHEMES = ("unix", "redis+socket")
#: Valkey's names of the schemes, and the ones that libraries read.
_VALKEY_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}
_SENTINEL = "sentinel"
_SENTINEL_PORT = 26379
#: Parameters of an address that hold a password.
_SECRET_PARAMETERS = ("password", "sslpassword", "ssl_password", "sentinel_password")


def sqlalchemy_address(url: str) -> str:
    """Add the driver to an address of PostgreSQL.

    Raises:
        ValueError: The address is not one of PostgreSQL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", _DRIVER}:
        raise ValueError("Expected an address that starts with postgresql://")
    # A second one is part of a password, and libpq would show the rest behind the first as the host.
    if rest.partition("?")[0].count("@") > 1:
        raise ValueError("Expected special characters of the password as %XX")
    return _with_hosts_in_query(rest) or f"{_DRIVER}://{rest}"


def _with_hosts_in_query(rest: str) -> str | None:
    """Write several hosts as parameters, which both SQLAlchemy and libpq read; None for one host."""
    authority, slash, path = rest.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return None
    names, ports = zip(*map(_host_and_port, hosts.split(",")), strict=True)
    database, _, query = path.partition("?")
    parameters = {"host": ",".join(names), "port": ",".join(ports), **dict(parse_qsl(query))}
    # The first host that answers may be a standby, which takes no orders.
    parameters.setdefault("target_session_attrs", "read-write")
    return f"{_DRIVER}://{credentials}{at}{slash}{database}?{urlencode(parameters, safe=',')}"


def _host_and_port(place: str) -> tuple[str, str]:
    host, _, port = place.rpartition(":") if _has_port(place) else (place, "", "")
    return host.strip("[]"), port


def _has_port(place: str) -> bool:
    """Return whether a host is followed by a port; the address of an IPv6 host has colons too."""
    return ":" in place.rpartition("]")[2]


def collector_address(url: str) -> str:
    """Return the address of a collector of traces, with the path of OTLP where it has none.

    Raises:
        ValueError: The address is not one of HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("Expected an address that starts with http:// or https://")
    return url if parts.path.strip("/") else parts._replace(path="/v1/traces").geturl()


def redis_address(url: str) -> str:
    """Write an address in our format: ``redis://``, ``rediss://``, ``unix://`` or ``sentinel://``.

    Raises:
        ValueError: The address is not one of Redis or Valkey.
    """
    scheme, _, rest = url.partition("://")
    if scheme in _VALKEY_SCHEMES:
        return redis_address(f"{_VALKEY_SCHEMES[scheme]}://{rest}")
    if scheme in {"redis", "rediss"}:
        _check_host(urlsplit(url))
        return url
    if scheme == _SENTINEL:
        SentinelAddress.parse(url)
        return url
    if scheme not in _SOCKET_SCHEMES:
        raise ValueError(
            "Expected an address that starts with redis://, rediss://, valkey://, valkeys://, "
            "sentinel:// or unix://"
        )
    return _respelled(url, "unix", "virtual_host", "db")


def kombu_address(url: str) -> str:
    """Write an address in the format of Celery, where each Sentinel and a Unix socket have their own."""
    if is_sentinel(url):
        return SentinelAddress.parse(url).kombu_url
    if urlsplit(url).scheme not in _SOCKET_SCHEMES:
        return url
    return _respelled(url, "redis+socket", "db", "virtual_host")


def is_sentinel(url: str) -> bool:
    """Return whether an address names Sentinels."""
    return url.startswith(f"{_SENTINEL}://")


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Sentinels, and the master that they are asked for.

    Written as ``sentinel://user:password@host:26379,host:26379/0?master=name``; the Sentinels' own
    password is ``sentinel_password``.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    database: int
    #: User and password of the servers, as they stand in the address.
    credentials: str
    sentinel_username: str | None
    sentinel_password: str | None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an address.

        Raises:
            ValueError: A part is missing or cannot be read.
        """
        parts = urlsplit(url)
        credentials, _, hosts = parts.netloc.rpartition("@")
        options = dict(parse_qsl(parts.query))
        try:
            if "@" in credentials:
                raise ValueError(hosts)  # noqa: TRY301 - one refusal for all
            return cls(
                hosts=tuple(map(_sentinel_host, hosts.split(","))),
                master=options["master"],
                database=int(parts.path.strip("/") or 0),
                credentials=credentials,
                sentinel_username=options.get("sentinel_username"),
                sentinel_password=options.get("sentinel_password"),
            )
        except (KeyError, ValueError):
            raise ValueError(
                "Expected Sentinels and their master as in "
                "sentinel://:password@host:26379,host:26379/0?master=name, "
                "with special characters of the password as %XX"
            ) from None

    @property
    def username(self) -> str | None:
        return unquote(self.credentials.partition(":")[0]) or None

    @property
    def password(self) -> str | None:
        return unquote(self.credentials.partition(":")[2]) or None

    @property
    def sentinel_options(self) -> dict[str, str]:
        """Return user and password of the Sentinels themselves, as far as they have some."""
        named = {"username": self.sentinel_username, "password": self.sentinel_password}
        return {name: value for name, value in named.items() if value}

    @property
    def kombu_url(self) -> str:
        """Return the address of every Sentinel, as Celery reads them."""
        at = f"{self.credentials}@" if self.credentials else ""
        return ";".join(
            f"{_SENTINEL}://{at}{host}:{port}/{self.database}" for host, port in self.hosts
        )


def _sentinel_host(place: str) -> tuple[str, int]:
    host, port = _host_and_port(place)
    if not host:
        raise ValueError(place)
    return host, int(port or _SENTINEL_PORT)


def tls_options(url: str) -> dict[str, object]:
    """Return the options of TLS in an address of Redis, empty for one without TLS.

    Celery and Flower want them apart from the address.  Without any, kombu connects to ``rediss://``
    without TLS, so the default of redis-py is among them: certificates are verified.
    """
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return {}
    given: dict[str, object] = {k: v for k, v in parse_qsl(parts.query) if k.startswith("ssl_")}
    if "ssl_check_hostname" in given:
        given["ssl_check_hostname"] = str(given["ssl_check_hostname"]).lower() in {
            "true",
            "1",
            "yes",
        }
    return {"ssl_cert_reqs": "required", **given}


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
