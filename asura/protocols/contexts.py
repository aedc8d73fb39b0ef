"""The SSL contexts for connecting, one for each set of options: what verifies whom, and what is shown and offered."""

import ssl

from asura.protocols import pem
from asura.protocols.pem import ClientCertificate
from asura.trust import blind_context, verifying_context

MAX_CONTEXTS = 128
"""Those that trust the machine's authorities are 700 kB each: 90 MB, if each one has its own client certificate."""

_Options = tuple[bool, tuple[str, ...], str, ClientCertificate | None]


class TlsContexts:
    """The shared SSL contexts. Those used last are kept."""

    def __init__(self, cafile: str | None = None) -> None:
        """Trust the machine's certificate authorities, or only those of `cafile`."""
        self._cafile = cafile
        self._made: dict[_Options, ssl.SSLContext] = {}

    def client(
        self,
        *,
        verify: bool = True,
        alpn: tuple[str, ...] = (),
        ca_cert: str = "",
        client_cert: ClientCertificate | None = None,
    ) -> ssl.SSLContext:
        """A context for connecting. It is shared: don't change it.

        `ca_cert`: trust these authorities (PEM) in place of the machine's. `alpn`: offer these protocols.

        Making one blocks the event loop: 1 ms with authorities of one's own, 20 ms with the machine's, each with a
        client certificate anew. So ask for it when a check is prepared, and hold on to it.

        Raises ValueError: certificates that validation would have refused.
        """
        options = (verify, alpn, ca_cert, client_cert)
        context = self._made.pop(options, None) or self._make(*options)
        self._made[options] = context
        if len(self._made) > MAX_CONTEXTS:
            del self._made[next(iter(self._made))]
        return context

    def _make(
        self, verify: bool, alpn: tuple[str, ...], ca_cert: str, client_cert: ClientCertificate | None
    ) -> ssl.SSLContext:
        if not verify:
            context = blind_context()
        elif ca_cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            pem.trust(context, ca_cert)
        else:
            context = verifying_context(self._cafile)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if client_cert is not None:
            pem.show(context, client_cert)
        return context
