"""The configuration as the program sees it: a section a class, a key a field.

A field is called what its key is called in the file. Durations are whole seconds and sizes are bytes. Each field
carries how its value is parsed, one line of explanation, and whether a reload puts a new value in force at once.
"""

# ruff: noqa: RUF009 - key() and its like return attrs fields, not values
from pathlib import Path
from typing import Any

import attrs

from asura import log
from asura.config import parse
from asura.config.access import ROLE_PERMISSIONS, Role

DAY_S = 86_400
MIB = 1 << 20


def key(
    default: Any, parser: parse.Parse, help_text: str, *, many: bool = False, live: bool = False, is_shown: bool = True
) -> Any:
    """A field for one key. `many`: a list, each entry of which is parsed. A default of None: may be left empty."""
    metadata = {"parse": parser, "help": help_text, "many": many, "live": live}
    return attrs.field(default=default, metadata=metadata, repr=is_shown)


def entries(item: type, help_text: str, *, live: bool = False) -> Any:
    """A field for a list of mappings, each of which becomes an `item`."""
    return attrs.field(default=(), metadata={"entries": item, "help": help_text, "live": live})


def section(cls: type) -> Any:
    """A field for keys below a key."""
    return attrs.field(factory=cls, metadata={"section": cls})


@attrs.frozen(kw_only=True)
class Server:
    """Where and how HTTP is served."""

    listen: str = key("127.0.0.1:8090", parse.listen, "address and port; 0.0.0.0:8090 for every address")
    base_path: str = key("", parse.base_path, 'path prefix behind a proxy, such as "/asura"')
    external_url: str = key(
        "", parse.url, "address for links in messages and for ping URLs; empty: http://{listen}{base_path}", live=True
    )
    tls_cert: Path | None = key(None, parse.path, "certificate chain in PEM, for HTTPS without a proxy")
    tls_key: Path | None = key(None, parse.path, "its private key in PEM")
    trusted_proxies: tuple[str, ...] = key(
        (), parse.network, "addresses or networks whose X-Forwarded-For counts", many=True
    )
    cors_origins: tuple[str, ...] = key(
        (), parse.origin, "other origins whose pages may call the API", many=True, live=True
    )
    max_body_size: int = key(MIB, parse.size(minimum=1024, maximum=64 * MIB), "largest body of a request")
    rate_limit_per_sec: float = key(
        10.0, parse.rate, "per client address, for requests without a key and for logins; 0 = off", live=True
    )
    rate_limit_burst: int = key(
        40, parse.integer(minimum=1, maximum=1_000_000), "requests at once before that limit holds", live=True
    )
    heartbeat_rate_limit_per_sec: float = key(
        5.0, parse.rate, "pings a second that one token may send before it is answered 429; 0 = off", live=True
    )
    shutdown_timeout: int = key(
        10, parse.duration(minimum=1, maximum=300), "how long running checks and requests may take to finish"
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        return parse.split_listen(self.listen)


@attrs.frozen(kw_only=True)
class Database:
    """The SQLite file and how long it remembers."""

    path: Path = key(Path("asura.db"), parse.path, "SQLite file; a relative path starts at this file's folder")
    max_read_conns: int = key(4, parse.integer(minimum=1, maximum=64), "connections for reading, beside the one writer")
    synchronous: str = key(
        "full", parse.choice("full", "normal"), "full: an answered write survives a power cut; normal: perhaps not"
    )
    raw_retention_days: int = key(14, parse.integer(minimum=1, maximum=3660), "days to keep single checks", live=True)
    retention_days: int = key(
        400, parse.integer(minimum=1, maximum=36_600), "days to keep rollups, resolved incidents and history", live=True
    )
    retention_period: int = key(
        3600, parse.duration(minimum=60, maximum=DAY_S), "time between two clean-ups", live=True
    )


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key's hash, and what it may do: all that its role grants, or the permissions that are listed."""

    name: str = key(attrs.NOTHING, parse.name, "who uses it; shown in the audit log")
    hash: str = key(attrs.NOTHING, parse.sha256, "SHA-256 hash of the key", is_shown=False)
    role: Role | None = key(None, parse.role, "admin or readonly")
    permissions: tuple[str, ...] = key((), parse.permission, "in place of a role", many=True)

    @property
    def granted(self) -> frozenset[str]:
        """Every permission that this key has."""
        return ROLE_PERMISSIONS[self.role] if self.role else frozenset(self.permissions)


@attrs.frozen(kw_only=True)
class Session:
    """A browser's login."""

    lifetime: int = key(DAY_S, parse.duration(minimum=60, maximum=90 * DAY_S), "how long a login lasts", live=True)


@attrs.frozen(kw_only=True)
class Auth:
    """Who may come in."""

    api_keys: tuple[ApiKey, ...] = entries(
        ApiKey,
        "each has a name, the hash of its key (asura setup makes both) and a role (admin, readonly) or permissions",
        live=True,
    )
    session: Session = section(Session)


@attrs.frozen(kw_only=True)
class MonitorDefaults:
    """What a monitor gets that says nothing else, and what every check must keep to."""

    max_concurrent: int = key(4000, parse.integer(minimum=1, maximum=10_000), "checks that may run at the same time")
    default_interval: int = key(60, parse.duration(minimum=1, maximum=DAY_S), "time between two checks", live=True)
    default_timeout: int = key(10, parse.duration(minimum=1, maximum=300), "when a check gives up", live=True)
    failure_threshold: int = key(
        3, parse.integer(minimum=1, maximum=1000), "failures in a row before a monitor is down", live=True
    )
    success_threshold: int = key(
        1, parse.integer(minimum=1, maximum=1000), "successes in a row before it is up again", live=True
    )
    heartbeat_check_interval: int = key(
        30,
        parse.duration(minimum=1, maximum=3600),
        "longest sleep of the watcher of heartbeats, which otherwise wakes at the next deadline",
        live=True,
    )
    allow_private_targets: bool = key(
        False, parse.boolean, "whether checks and webhooks may go to loopback and private networks", live=True
    )
    allowed_networks: tuple[str, ...] = key(
        (), parse.network, "networks they may go to all the same, such as 10.0.0.0/8", many=True, live=True
    )
    command_allowlist: tuple[str, ...] = key(
        (),
        parse.program,
        "programs that command monitors may run, as absolute paths; empty: none",
        many=True,
        live=True,
    )
    command_timeout: int = key(
        30, parse.duration(minimum=1, maximum=300), "longest run of a command, whatever its monitor says", live=True
    )
    docker_sockets: tuple[str, ...] = key(
        (),
        parse.socket_path,
        "sockets that docker monitors may open beside the usual ones of Docker and Podman, as absolute paths",
        many=True,
        live=True,
    )


@attrs.frozen(kw_only=True)
class Logging:
    """What is logged, and in which shape."""

    level: str = key("info", parse.choice(*log.LEVELS), "debug, info, warning or error", live=True)
    format: str = key("text", parse.choice(*log.FORMATS), "text, or json for a log collector", live=True)


@attrs.frozen(kw_only=True)
class Config:
    """The whole configuration. Every part has a default."""

    server: Server = section(Server)
    database: Database = section(Database)
    auth: Auth = section(Auth)
    monitor: MonitorDefaults = section(MonitorDefaults)
    logging: Logging = section(Logging)

    @property
    def base_url(self) -> str:
        """Where people reach this instance, without a slash at its end: for links and for the first greeting."""
        scheme = "https" if self.server.tls_cert else "http"
        return self.server.external_url or f"{scheme}://{self.server.listen}{self.server.base_path}"
