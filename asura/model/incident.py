"""An incident: one spell of being down, from the moment it was confirmed until it is resolved."""

from enum import StrEnum
from typing import Any

import attrs

from asura.ids import IncidentId, MonitorId


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@attrs.frozen(kw_only=True)
class Incident:
    """An incident's own fields. `evidence` holds the votes that opened it, as JSON values."""

    id: IncidentId
    monitor_id: MonitorId
    status: IncidentStatus
    cause: str
    started_at: int
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    resolved_at: int | None = None
    resolved_by: str | None = None
    next_reminder_at: int | None = None
    evidence: Any = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class IncidentEvent:
    """A line of an incident's timeline; `type` is one of `opened`, `notified`, `acknowledged`, `comment` and so on."""

    type: str
    at: int
    message: str
    actor: str | None = None
    detail: Any = None
