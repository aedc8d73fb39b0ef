"""What a check tells of certificates and of a domain's end: kept and announced in the transaction of its result."""

from collections.abc import Sequence
from typing import Any

from asura.incidents import expiry
from asura.incidents.expiry import DAY_MS, Known
from asura.model.monitor import Monitor, MonitorState
from asura.model.notification import EventName
from asura.model.observation import Certificate, Observation, Outcome
from asura.notifications import routing
from asura.notifications.messages import without_credentials
from asura.store import certificates, monitors
from asura.store.database import Conn
from asura.store.judging import Situation
from asura.units import iso

CERTIFICATE, DOMAIN = "certificate", "domain"
"""What can come to an end."""
MAX_CHAIN = 10
"""Certificates of a chain that are kept; real ones have two to four."""

MAX_TOLD = 5
"""Changed certificates of one monitor that are told within `TOLD_WITHIN_MS`: some targets make one for each caller."""
TOLD_WITHIN_MS = 3_600_000


def is_news(situation: Situation, outcome: Outcome, *, at: int) -> bool:
    """Whether `record` has anything to do. Asked of every check, before its result is in the situation's state."""
    if outcome.domain_expires_at is not None:
        return True
    if outcome.cert_expires_at is None:
        return False
    if outcome.chain and expiry.chain_key(outcome.chain) != situation.chain_key:
        return True
    is_same = outcome.cert_expires_at == situation.state.cert_expires_at and situation.expiry_due_at is not None
    return not is_same or at >= (situation.expiry_due_at or 0)


def record(
    conn: Conn, situation: Situation, state: MonitorState, observation: Observation, *, now_ms: int, base_url: str
) -> None:
    """Keep another chain, and announce the end of what has passed a threshold."""
    monitor, outcome, at = monitors.get(conn, state.monitor_id), observation.outcome, observation.checked_at
    told: list[tuple[EventName, dict[str, Any]]] = []
    if outcome.chain:
        told += _note_chain(conn, monitor, outcome.chain[:MAX_CHAIN], at=at)
        situation.chain_key = expiry.chain_key(outcome.chain)
    if outcome.cert_expires_at is not None:
        ending = next((each for each in outcome.chain if each.expires_at == outcome.cert_expires_at), None)
        name = (ending.names[:1] or (ending.subject,))[0] if ending else without_credentials(monitor.target)
        fingerprint = ending.fingerprint if ending else None
        situation.expiry_due_at, news = _note_end(
            conn, monitor, CERTIFICATE, outcome.cert_expires_at, name=name, fingerprint=fingerprint, at=at
        )
        told += news
    if outcome.domain_expires_at is not None:
        told += _note_end(conn, monitor, DOMAIN, outcome.domain_expires_at, name=monitor.target, at=at)[1]
    certificates.mark(conn, monitor.id, chain_key=situation.chain_key, expiry_due_at=situation.expiry_due_at)
    for event, detail in told:
        routing.announce_news(
            conn, event=event, monitor=monitor, state=state, now_ms=now_ms, base_url=base_url, detail=detail
        )


def _note_chain(
    conn: Conn, monitor: Monitor, chain: Sequence[Certificate], *, at: int
) -> list[tuple[EventName, dict[str, Any]]]:
    """Keep the chain; a target's own certificate that is new is told where changes are tracked.

    Always kept, seldom told: certificates are renewed every few weeks, and that shall wake nobody who didn't ask.
    """
    before, new = certificates.chain_of(conn, monitor.id), chain[0]
    if [each.fingerprint for each in before] == [each.fingerprint for each in chain]:
        return []
    certificates.save_chain(conn, monitor.id, chain)
    if not before or before[0].fingerprint == new.fingerprint:
        return []
    is_known = certificates.was_seen(conn, monitor.id, new.fingerprint)
    is_much = certificates.count_new(conn, monitor.id, since=at - TOLD_WITHIN_MS) >= MAX_TOLD
    certificates.add_change(conn, monitor.id, old=before[0], new=new, at=at)
    if is_known or is_much or not monitor.track_changes:
        return []
    detail = {"kind": CERTIFICATE, "old": _told(before[0]), "new": _told(new)}
    return [(EventName.CONTENT_CHANGED, detail)]


def _told(certificate: Certificate) -> dict[str, Any]:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "expires_at": iso(certificate.expires_at),
        "fingerprint": certificate.fingerprint,
    }


def _note_end(
    conn: Conn, monitor: Monitor, subject: str, expires_at: int, *, name: str, fingerprint: str | None = None, at: int
) -> tuple[int, list[tuple[EventName, dict[str, Any]]]]:
    """Note an end; answers when to look at it again, and what is to be told of it."""
    found = certificates.told(conn, monitor.id, subject)
    known = None if found is None else Known(expires_at=found[0], days=found[1])
    decision = expiry.decide(expires_at, known=known, now_ms=at)
    if decision.known != known:
        certificates.save_told(
            conn, monitor.id, subject, expires_at=decision.known.expires_at, days=decision.known.days
        )
    if decision.tell_days is None:
        return decision.due_at, []
    detail = {
        "subject": subject,
        "name": name,
        "expires_at": iso(expires_at),
        "days_left": (expires_at - at) // DAY_MS,
        "threshold_days": decision.tell_days,
        "fingerprint": fingerprint,
    }
    return decision.due_at, [(EventName.CERT_EXPIRING, detail)]
