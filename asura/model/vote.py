"""A vote: the latest accepted result of one region, and how long it has been saying the same."""

import attrs

from asura.model.monitor import Status


@attrs.frozen(kw_only=True)
class Vote:
    """One region's voice on one monitor."""

    region: str
    status: Status
    effective_at: int
    """When the check began, by the primary's clock."""
    message: str = ""
    streak: int = 1
    """How many results in a row failed, or in a row did not fail."""
    streak_since: int = 0

    @property
    def is_down(self) -> bool:
        """Whether the region sees a failure."""
        return self.status is Status.DOWN
