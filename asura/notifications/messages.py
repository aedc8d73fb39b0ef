"""What is said, frozen at the moment it was decided, in the shapes of the webhook's body. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from asura.model.incident import Incident
from asura.model.monitor import Monitor, MonitorState, MonitorStatus
from asura.model.notification import TEST_EVENT, EventName, Message
from asura.units import iso

_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*://)[^/?#\\]*@")


def incident_message(
    event: EventName,
    *,
    monitor: Monitor,
    state: MonitorState,
    incident: Incident,
    now_ms: int,
    base_url: str,
    detail: Mapping[str, Any],
) -> Message:
    """The message that tells of an incident."""
    return Message(
        event=event.value,
        at=now_ms,
        monitor=_monitor(monitor, state, base_url=base_url),
        incident={
            "id": incident.id,
            "status": incident.status.value,
            "cause": incident.cause,
            "started_at": iso(incident.started_at),
            "acknowledged_at": _instant(incident.acknowledged_at),
            "resolved_at": _instant(incident.resolved_at),
            "url": f"{base_url.rstrip('/')}/incidents/{incident.id}",
        },
        evidence=incident.evidence,
        detail=dict(detail),
    )


def news_message(
    event: EventName, *, monitor: Monitor, state: MonitorState, now_ms: int, base_url: str, detail: Mapping[str, Any]
) -> Message:
    """The message that tells of a monitor what is no incident."""
    about = _monitor(monitor, state, base_url=base_url)
    return Message(event=event.value, at=now_ms, monitor=about, incident=None, detail=dict(detail))


def test_message(*, channel_name: str, now_ms: int) -> Message:
    """The message that only shows that a channel works. It names no monitor: nobody shall think that one is down."""
    text = f"This is a test of the channel “{channel_name}”. Nothing is wrong."
    return Message(event=TEST_EVENT, at=now_ms, monitor=None, incident=None, detail={"message": text})


def without_credentials(target: str) -> str:
    """A target as others may read it: a URL without its user and password."""
    return _USERINFO.sub(r"\1", target)


def _monitor(monitor: Monitor, state: MonitorState, *, base_url: str) -> Mapping[str, Any]:
    return {
        "id": monitor.id,
        "name": monitor.name,
        "type": monitor.type,
        "target": without_credentials(monitor.target),
        "status": (state.status if monitor.enabled else MonitorStatus.PAUSED).value,
        "url": f"{base_url.rstrip('/')}/monitors/{monitor.id}",
    }


def _instant(ms: int | None) -> str | None:
    return None if ms is None else iso(ms)
