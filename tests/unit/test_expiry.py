"""When the end of a certificate or a domain is told: each threshold once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.incidents.expiry import DAY_MS, NEVER, THRESHOLDS_DAYS, Known, chain_key, decide
from tests.factories import certificate

END = 1000 * DAY_MS


@pytest.mark.parametrize(
    ("known", "left_days", "tells", "passed", "next_days"),
    [
        pytest.param(None, 90, None, None, 30, id="first seen long before its end"),
        pytest.param(None, 20, 30, 30, 14, id="first seen within a threshold"),
        pytest.param(None, 5, 7, 7, 1, id="first seen within three: told once"),
        pytest.param(None, 0.5, 1, 1, None, id="first seen on its last day"),
        pytest.param(None, 0, None, None, 30, id="first seen when it had ended: that is down"),
        pytest.param((0, None), 30, 30, 30, 14, id="at the threshold itself"),
        pytest.param((0, None), 30.001, None, None, 30, id="a moment before it"),
        pytest.param((0, 30), 29, None, 30, 14, id="told already"),
        pytest.param((0, 30), 14, 14, 14, 7, id="the next threshold"),
        pytest.param((0, 30), 6, 7, 7, 1, id="two thresholds passed while nobody looked"),
        pytest.param((0, 1), 0.2, None, 1, None, id="all told"),
        pytest.param((0, 7), 20, None, 7, 1, id="a clock that was set back tells nothing twice"),
        pytest.param((-60, 7), 90, None, None, 30, id="a renewal begins anew"),
        pytest.param((-2, 1), 6, None, 7, 1, id="one that lives for six days is not told at its birth"),
        pytest.param((80, None), 10, 14, 14, 7, id="an older one that is still shown by one of several servers"),
        pytest.param((80, 14), 10, None, 14, 7, id="and again"),
    ],
)
def test_each_threshold_is_told_once(
    known: tuple[float, int | None] | None,
    left_days: float,
    tells: int | None,
    passed: int | None,
    next_days: int | None,
) -> None:
    """`known`: the latest end seen so far, in days after this one, and what was told."""
    before = None if known is None else Known(expires_at=END + int(known[0] * DAY_MS), days=known[1])
    found = decide(END, known=before, now_ms=END - int(left_days * DAY_MS))
    assert (found.tell_days, found.known.days) == (tells, passed)
    assert found.due_at == (NEVER if next_days is None else END - next_days * DAY_MS)
    assert found.known.expires_at == max(END, before.expires_at if before else 0)


@given(st.lists(st.integers(-2, 40), min_size=1, max_size=30))
def test_no_threshold_is_told_twice_of_one_end_and_none_is_missed(looks: list[int]) -> None:
    known, told = None, []
    for left_days in looks:
        found = decide(END, known=known, now_ms=END - left_days * DAY_MS)
        known = found.known
        told += [found.tell_days] if found.tell_days else []
    assert told == sorted(set(told), reverse=True)
    nearest = min((left for left in looks if left > 0), default=99)
    assert (told[-1] if told else None) == min((each for each in THRESHOLDS_DAYS if nearest <= each), default=None)


@given(st.integers(0, 40), st.integers(0, 40))
def test_before_it_is_due_there_is_nothing_to_tell(first_days: int, later_days: int) -> None:
    first = decide(END, known=None, now_ms=END - first_days * DAY_MS)
    now_ms = END - later_days * DAY_MS
    if now_ms < first.due_at:
        assert decide(END, known=first.known, now_ms=now_ms).tell_days is None


def test_a_chain_is_known_by_its_fingerprints() -> None:
    leaf, other = certificate(fingerprint="ab" * 32), certificate(fingerprint="cd" * 32)
    assert chain_key([leaf, other]) == f"{'ab' * 8} {'cd' * 8}"
    assert chain_key([]) == ""
