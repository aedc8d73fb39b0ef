"""Lists: which part is asked for, and the part that is given."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import attrs

from asura.fields import between

T = TypeVar("T")

MAX_PER_PAGE = 500
MAX_PAGE = 1_000_000
MAX_ID = 2**63 - 1


@attrs.frozen(kw_only=True)
class Paging:
    """Which page, counted from 1."""

    page: int = attrs.field(default=1, validator=between(1, MAX_PAGE))
    per_page: int = attrs.field(default=20, validator=between(1, MAX_PER_PAGE))

    @property
    def offset(self) -> int:
        """How many rows stand before the page."""
        return (self.page - 1) * self.per_page


@attrs.frozen(kw_only=True)
class DeepPaging(Paging):
    """The same for long histories: `before` goes on after a row's id, at a cost that doesn't grow with depth."""

    before: int | None = attrs.field(default=None, validator=between(0, MAX_ID))


@attrs.frozen(kw_only=True, slots=False)
class Page(Generic[T]):
    """One page of a list, and how much there is in all."""

    data: Sequence[T]
    total: int
    page: int
    per_page: int
    total_pages: int


def page_of(data: Sequence[T], *, total: int, paging: Paging) -> Page[T]:
    """The page with its numbers. An empty list has 0 pages."""
    return Page(
        data=data,
        total=total,
        page=paging.page,
        per_page=paging.per_page,
        total_pages=-(-total // paging.per_page),
    )
