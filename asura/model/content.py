"""What a target said, as change detection compares it, and a change of it."""

import attrs

from asura.ids import MonitorId


@attrs.frozen(kw_only=True)
class Content:
    """What one check found of a monitor's content; made of the body at once, so that the body need not be kept."""

    raw_hash: bytes
    """Of the body as it came: while it is the same, nothing else has to be looked at."""
    hash: bytes
    """Of `text`."""
    text: str = attrs.field(repr=False)
    """The body as it is compared: in lines of a bounded length, without what is to be ignored."""


@attrs.frozen(kw_only=True)
class ContentChange:
    """The content differs from that of the check before."""

    id: int
    monitor_id: MonitorId
    region: str
    at: int
    """When the check began that saw it."""
    added: int
    """Lines that are new."""
    removed: int
    """Lines that are gone."""
    is_cut: bool
    """The diff shows only part of the change."""
    diff: str = attrs.field(repr=False)
    """The hunks of a unified diff."""
    is_told: bool = True
    """Whether `content.changed` was raised; not when the monitor's content changes all the time."""
