"""The certificates that a monitor's target shows."""

from collections.abc import Sequence

import attrs

from asura.api.endpoint import Call, Routes
from asura.api.wire import Instant, instant
from asura.model.observation import Certificate
from asura.store import certificates, monitors
from asura.store.certificates import CertificateChange
from asura.store.database import Conn

routes = Routes("certificates", tag="Monitors")

DAY_MS = 86_400_000


@attrs.frozen(kw_only=True, slots=False)
class CertificateView:
    """One certificate. `days_left` is floored, and negative once it has ended."""

    subject: str
    names: Sequence[str]
    issuer: str
    expires_at: Instant
    days_left: int
    fingerprint: str = attrs.field(metadata={"help": "SHA-256 of its DER, hexadecimal"})


@attrs.frozen(kw_only=True, slots=False)
class CertificateChangeView:
    """The target's own certificate was another than at the check before."""

    at: Instant
    old_fingerprint: str
    old_issuer: str
    old_expires_at: Instant
    new_fingerprint: str
    new_issuer: str
    new_expires_at: Instant


@attrs.frozen(kw_only=True, slots=False)
class Certificates:
    """What was shown last, the target's own certificate first, and how that changed, the latest first."""

    chain: Sequence[CertificateView]
    changes: Sequence[CertificateChangeView]


@routes.add(
    "GET",
    "/monitors/<id:monitor_id>/certificates",
    needs="monitors.read",
    summary="Read a monitor's certificates",
    gives=Certificates,
)
async def read_certificates(call: Call, monitor_id: int) -> Certificates:
    """Empty where there are none: without TLS, or before the first check."""

    def read(conn: Conn) -> Certificates:
        monitors.get(conn, monitor_id)
        return Certificates(
            chain=[_view(each, now_ms=call.now_ms) for each in certificates.chain_of(conn, monitor_id)],
            changes=[_change_view(each) for each in certificates.changes_of(conn, monitor_id)],
        )

    return await call.services.store.read(read)


def _view(each: Certificate, *, now_ms: int) -> CertificateView:
    return CertificateView(
        subject=each.subject,
        names=each.names,
        issuer=each.issuer,
        expires_at=instant(each.expires_at),
        days_left=(each.expires_at - now_ms) // DAY_MS,
        fingerprint=each.fingerprint,
    )


def _change_view(change: CertificateChange) -> CertificateChangeView:
    return CertificateChangeView(
        at=instant(change.at),
        old_fingerprint=change.old_fingerprint,
        old_issuer=change.old_issuer,
        old_expires_at=instant(change.old_expires_at),
        new_fingerprint=change.new_fingerprint,
        new_issuer=change.new_issuer,
        new_expires_at=instant(change.new_expires_at),
    )
