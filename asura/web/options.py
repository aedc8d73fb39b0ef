"""Where to listen, and every limit that a stranger meets before any of our handlers runs."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import attrs

Network = IPv4Network | IPv6Network


@attrs.frozen(kw_only=True)
class ListenOptions:
    """One listening address. `port` 0 takes any free one; TLS when both files are given."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[Network, ...] = ()
    """Proxies hold many clients' connections, so the limit for each address does not count for them."""

    max_connections: int = 1000
    max_connections_per_address: int = 100
    crowd_wait_s: float = 2
    """How long a connection above that waits for another of its address to end."""
    handshake_timeout_s: float = 10
    header_timeout_s: float = 10
    """From the first byte (for a fresh connection: from accept) to the end of the request's head."""
    idle_timeout_s: float = 60
    """Between two requests on one connection."""
    body_timeout_s: float = 30
    """From the end of the head to the end of the body."""
    ping_silence_s: float = 5
    """How long the body of a ping may stop before the ping counts with what came of it: a client that hangs costs
    its job no alarm, and one on a poor line has sent its 100 kB within `body_timeout_s`."""
    write_timeout_s: float = 30
    """For each 64 KiB that a client has to take."""
    linger_s: float = 2
    """How long a client that is still sending may go on reading our refusal before the connection goes."""
    max_header_bytes: int = 16 * 1024
    """The request line and all header fields together."""
    max_body_bytes: int = 1024 * 1024
    shutdown_timeout_s: float = 10

    @property
    def is_tls(self) -> bool:
        """Whether the listener speaks TLS."""
        return self.tls_cert is not None and self.tls_key is not None
