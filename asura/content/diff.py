"""A unified line diff of bounded size, at a bounded cost.

Both texts are a target's to choose, and the usual algorithms take quadratic time or worse on texts made for it. Here
equal lines at both ends are set aside, then lines that stand once in each text anchor the rest (patience diff), and
only small gaps get the exact table; all of it draws on one budget. What is left when that is spent is told as
replaced: the diff is then longer than it need be, but still true.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs

CONTEXT = 3
"""Unchanged lines shown around a change, as `diff -u` does."""
MAX_DIFF_CHARS = 16_000
"""What a person reads of a change, and a row of the history holds."""
SIDE_CHARS = 4_000
"""Of each side of one change when the whole doesn't fit, so that what is new is seen beside what is gone."""
MAX_BRIEF_CHARS = 1_500
"""Of a diff in a message: what a chat shows without a fold."""
BRIEF_SIDE_CHARS = 500
MAX_WORK = 2_000_000
"""Lines looked at and cells of tables filled: about half a second."""

_REST = "\\ the rest is left out"

Pair = tuple[int, int]
"""A line of the old text and its equal in the new."""
Block = tuple[int, int, int, int]
"""Lines of the old text from `[0]` to before `[1]`, and of the new one from `[2]` to before `[3]`."""


@attrs.frozen(kw_only=True)
class Difference:
    """How two texts differ. `diff` are the hunks of a unified diff; `is_cut` says that it leaves something out."""

    added: int
    removed: int
    is_cut: bool
    diff: str
    brief: str
    """The same for a message, much shorter."""


def compare(old: str, new: str) -> Difference:
    """How `new` differs from `old`, line by line. Lines end with a line feed alone."""
    before, after = old.split("\n") if old else [], new.split("\n") if new else []
    changes = list(_changes(before, after))
    shown = list(_hunk_lines(before, after, changes, most_chars=MAX_DIFF_CHARS))
    is_cut = shown[-1:] == [_REST]  # a line of the texts has a sign before it
    if is_cut:
        shown = list(_hunk_lines(before, after, changes, most_chars=MAX_DIFF_CHARS, side_chars=SIDE_CHARS))
    diff = brief = "\n".join(shown)
    if len(diff) > MAX_BRIEF_CHARS:
        shown = list(_hunk_lines(before, after, changes, most_chars=MAX_BRIEF_CHARS, side_chars=BRIEF_SIDE_CHARS))
        brief = "\n".join(shown)
    return Difference(
        added=sum(b_end - b for _, _, b, b_end in changes),
        removed=sum(a_end - a for a, a_end, _, _ in changes),
        is_cut=is_cut,
        diff=diff,
        brief=brief,
    )


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[Block]:
    """What is not equal, in order."""
    numbers: dict[str, int] = {}
    partners = _partners(
        [numbers.setdefault(line, len(numbers)) for line in before],
        [numbers.setdefault(line, len(numbers)) for line in after],
    )
    at, to = 0, 0
    for a, b in enumerate([*partners, len(after)]):
        if b is None:
            continue
        if a > at or b > to:
            yield at, a, to, b
        at, to = a + 1, b + 1


def _partners(old: Sequence[int], new: Sequence[int]) -> list[int | None]:
    """For each old line its equal in the new text, if it has one; they ascend."""
    found: list[int | None] = [None] * len(old)
    work = MAX_WORK
    gaps: list[Block] = [(0, len(old), 0, len(new))]
    while gaps:
        a, a_end, b, b_end = gaps.pop()
        while a < a_end and b < b_end and old[a] == new[b]:
            found[a] = b
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and old[a_end - 1] == new[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            found[a_end] = b_end
        height, width = a_end - a, b_end - b
        if not height or not width:
            continue
        work -= height + width
        if work < 0:
            continue
        anchors = _anchors(old, new, (a, a_end, b, b_end))
        if anchors:
            ends = [(a - 1, b - 1), *anchors, (a_end, b_end)]
            gaps += [(left[0] + 1, right[0], left[1] + 1, right[1]) for left, right in pairwise(ends)]
        elif height * width <= work:
            work -= height * width
            anchors = _longest_common(old[a:a_end], new[b:b_end])
            anchors = [(a + i, b + j) for i, j in anchors]
        for i, j in anchors:
            found[i] = j
    return found


def _anchors(old: Sequence[int], new: Sequence[int], gap: Block) -> list[Pair]:
    """Lines that stand once in each side of the gap: the longest run of them in the same order (Bram Cohen, 2010)."""
    a, a_end, b, b_end = gap
    old_counts, new_counts = Counter(old[a:a_end]), Counter(new[b:b_end])
    places = {new[j]: j for j in range(b, b_end) if new_counts[new[j]] == 1}
    piles: list[int] = []
    tops: list[tuple[Pair, int]] = []  # each pair with the one before it in its run
    top_of: list[int] = []
    for i in range(a, a_end):
        j = places.get(old[i])
        if j is None or old_counts[old[i]] != 1:
            continue
        pile = bisect_left(piles, j)
        tops.append(((i, j), top_of[pile - 1] if pile else -1))
        if pile == len(piles):
            piles.append(j)
            top_of.append(len(tops) - 1)
        else:
            piles[pile], top_of[pile] = j, len(tops) - 1
    run: list[Pair] = []
    at = top_of[-1] if top_of else -1
    while at >= 0:
        pair, at = tops[at]
        run.append(pair)
    return run[::-1]


def _longest_common(old: Sequence[int], new: Sequence[int]) -> list[Pair]:
    """A longest common subsequence, by the table of all lengths."""
    table = [[0] * (len(new) + 1)]
    for line in reversed(old):
        below, row = table[-1], [0] * (len(new) + 1)
        for j in range(len(new) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if line == new[j] else max(below[j], row[j + 1])
        table.append(row)
    table.reverse()
    found: list[Pair] = []
    i = j = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _hunk_lines(
    before: Sequence[str],
    after: Sequence[str],
    changes: Sequence[Block],
    *,
    most_chars: int,
    side_chars: int = MAX_DIFF_CHARS,
) -> Iterator[str]:
    """The hunks, and where they are longer than that, their beginning, and that there is more."""
    left = most_chars - len(_REST)
    for hunk in _hunks(changes):
        for line in _lines_of(before, after, hunk, side_chars=side_chars):
            left -= len(line) + 1
            if left < 0:
                yield _REST
                return
            yield line


def _hunks(changes: Sequence[Block]) -> Iterator[Sequence[Block]]:
    """Changes whose surroundings touch, together."""
    hunk: list[Block] = []
    for change in changes:
        if hunk and change[0] - hunk[-1][1] > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _lines_of(before: Sequence[str], after: Sequence[str], hunk: Sequence[Block], *, side_chars: int) -> Iterator[str]:
    lead = min(CONTEXT, hunk[0][0])
    tail = min(CONTEXT, len(before) - hunk[-1][1])
    a, b = hunk[0][0] - lead, hunk[0][2] - lead
    yield f"@@ -{_range(a, hunk[-1][1] + tail)} +{_range(b, hunk[-1][3] + tail)} @@"
    for a_start, a_end, b_start, b_end in hunk:
        for line in before[a:a_start]:
            yield f" {line}"
        yield from _side("-", before, a_start, a_end, side_chars=side_chars)
        yield from _side("+", after, b_start, b_end, side_chars=side_chars)
        a = a_end
    for line in before[a : a + tail]:
        yield f" {line}"


def _side(sign: str, text: Sequence[str], start: int, end: int, *, side_chars: int) -> Iterator[str]:
    for at in range(start, end):
        side_chars -= len(text[at]) + 2
        if side_chars < 0 and at > start:
            yield f"\\ {end - at} more line{'s' if end - at > 1 else ''} {'added' if sign == '+' else 'removed'}"
            return
        yield f"{sign}{text[at]}"


def _range(start: int, end: int) -> str:
    """As GNU diff writes it: an empty range stands behind the line before it."""
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
