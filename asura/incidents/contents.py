"""From what a check found of a monitor's content to a change in the history and a message, once for each change.

`compare` works before the transaction, because a diff may take a second and would hold up every other write;
`record` works within it, and only where what is stored is still what was compared with. What lost such a race is
found again by the next check.
"""

from collections.abc import Sequence

import attrs
import trio

from asura.content import diff
from asura.content.diff import Difference
from asura.live import Event
from asura.model.content import Content, ContentChange
from asura.model.monitor import Monitor
from asura.model.notification import EventName
from asura.model.observation import Observation
from asura.notifications import routing
from asura.store import contents, monitors, states
from asura.store.contents import StoredContent
from asura.store.database import Conn, Store, emit

MAX_TOLD = 5
"""Changes of one monitor that are told within `TOLD_WITHIN_MS`. A page that shows the time changes with each check;
the next message says how many were not told, and the history has them all."""
TOLD_WITHIN_MS = 3_600_000


COMPARING_S = 0.5
"""For the changes of one batch: states and incidents are recorded after them, and must not wait for pages that are
made to be hard to compare. What is left out is found again by the next check."""


@attrs.frozen(kw_only=True)
class Finding:
    """What one observation means for the stored content of its monitor, if that is still `against`."""

    observation: Observation
    content: Content
    against: bytes | None
    """The hash of what is stored; None: nothing."""
    packed: bytes | None = attrs.field(default=None, repr=False)
    """None: the content is what is stored."""
    difference: Difference | None = None
    """None: the content is the first, or the same."""


async def compare(store: Store, observations: Sequence[Observation], *, limiter: trio.CapacityLimiter) -> list[Finding]:
    """What is to be recorded of those of the observations that bring a content."""
    bringing = [each for each in observations if each.content is not None]
    if not bringing:
        return []
    stored = await store.read(lambda conn: contents.of_monitors(conn, [each.monitor_id for each in bringing]))
    findings = []
    until_s = trio.current_time() + COMPARING_S
    for each in bringing:
        assert each.content is not None
        before = stored.get((each.monitor_id, each.region))
        if before is not None and before.hash == each.content.hash:
            findings.append(Finding(observation=each, content=each.content, against=before.hash))
        elif trio.current_time() < until_s:
            findings.append(await trio.to_thread.run_sync(_finding, each, each.content, before, limiter=limiter))
    return findings


def _finding(observation: Observation, content: Content, before: StoredContent | None) -> Finding:
    return Finding(
        observation=observation,
        content=content,
        against=None if before is None else before.hash,
        packed=contents.pack(content.text),
        difference=None if before is None else diff.compare(before.text, content.text),
    )


def record(conn: Conn, findings: Sequence[Finding], *, now_ms: int, base_url: str) -> None:
    """Store contents and changes, and tell of these."""
    for finding in findings:
        monitor = _concerned(conn, finding, now_ms=now_ms)
        if monitor is None:
            continue
        observation, content = finding.observation, finding.content
        if finding.packed is not None:
            contents.save(
                conn, monitor.id, observation.region, content, packed=finding.packed, seen_at=observation.checked_at
            )
        if finding.difference is not None:
            _change(conn, monitor, observation, finding.difference, now_ms=now_ms, base_url=base_url)
        stored = {
            "region": observation.region,
            "config_version": observation.config_version,
            "raw_hash": content.raw_hash,
            "hash": content.hash,
        }
        emit(conn, Event(kind="content.stored", id=monitor.id, detail=stored))


def _concerned(conn: Conn, finding: Finding, *, now_ms: int) -> Monitor | None:
    """The monitor, if what was found still concerns it; None otherwise."""
    observation = finding.observation
    monitor = monitors.find(conn, observation.monitor_id)
    if monitor is None or not monitor.enabled or not monitor.track_changes:
        return None
    if observation.config_version != monitor.config_version:
        return None
    before = contents.find(conn, monitor.id, observation.region)
    if finding.against != (before and before[0]):
        return None
    if before is not None and observation.checked_at < before[1] <= now_ms:
        return None  # an older check that took longer; but a moment to come was dated by a clock that was set back
    return monitor


def _change(
    conn: Conn, monitor: Monitor, observation: Observation, difference: Difference, *, now_ms: int, base_url: str
) -> None:
    at = observation.checked_at
    told = contents.told_between(conn, monitor.id, since=at - TOLD_WITHIN_MS, until=at)
    untold = contents.untold(conn, monitor.id)
    change = ContentChange(
        id=0,
        monitor_id=monitor.id,
        region=observation.region,
        at=at,
        added=difference.added,
        removed=difference.removed,
        is_cut=difference.is_cut,
        diff=difference.diff,
        is_told=told < MAX_TOLD,
    )
    change_id = contents.add_change(conn, change)
    if change.is_told:
        routing.announce_news(
            conn,
            event=EventName.CONTENT_CHANGED,
            monitor=monitor,
            state=states.get(conn, monitor.id),
            now_ms=now_ms,
            base_url=base_url,
            detail={
                "added": difference.added,
                "removed": difference.removed,
                "diff": difference.brief,
                "is_cut": difference.is_cut or difference.brief != difference.diff,
                "not_told_before": untold,
                "is_last_for_now": told + 1 == MAX_TOLD,
                "url": f"{base_url.rstrip('/')}/monitors/{monitor.id}#changes",
            },
        )
    emit(conn, Event(kind="monitor.content", id=monitor.id, detail={"change": change_id}))
