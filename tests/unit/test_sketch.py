import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura import sketch

RESPONSE_MS = st.integers(min_value=1, max_value=120_000)


def sketch_of(values: list[int]) -> bytes | None:
    blob: bytes | None = None
    for value in values:
        blob = sketch.add(blob, value)
    return blob


def true_percentile(values: list[int], fraction: float) -> int:
    return sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]


@given(st.lists(RESPONSE_MS, min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_percentile_lies_within_five_percent_of_the_true_one(values: list[int], fraction: float) -> None:
    found = sketch.percentile_ms(sketch_of(values), fraction)
    true = true_percentile(values, fraction)
    assert found is not None
    assert abs(found - true) <= 0.05 * true + 0.5  # and half a millisecond of rounding


@given(st.lists(st.lists(RESPONSE_MS, max_size=30), max_size=6), st.randoms(use_true_random=False))
def test_merging_gives_the_same_in_any_order_as_adding_one_by_one(parts: list[list[int]], random: object) -> None:
    blobs = [sketch_of(part) for part in parts]
    shuffled = list(blobs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = sketch_of([value for part in parts for value in part]) or b""
    assert sketch.merge(blobs) == sketch.merge(shuffled) == whole


@given(st.lists(RESPONSE_MS, min_size=1, max_size=50))
def test_the_order_of_adding_makes_no_difference(values: list[int]) -> None:
    assert sketch_of(values) == sketch_of(values[::-1])


def test_a_missing_response_time_adds_nothing() -> None:
    assert sketch.add(None, None) is None
    assert sketch.add(sketch.add(None, 5), None) == sketch.add(None, 5)


@pytest.mark.parametrize("empty", [None, b""], ids=["no sketch", "an empty one"])
def test_nothing_has_no_percentile(empty: bytes | None) -> None:
    assert sketch.percentile_ms(empty, 0.95) is None


@pytest.mark.parametrize("value_ms", [-5, 0, 1], ids=["negative", "zero", "one"])
def test_what_is_at_most_a_millisecond_reads_as_one(value_ms: int) -> None:
    assert sketch.percentile_ms(sketch.add(None, value_ms), 0.5) == 1


def test_what_is_longer_than_a_year_stays_in_the_last_bucket() -> None:
    longest, longer = sketch.add(None, 10**12), sketch.add(None, 10**15)
    assert longest == longer
    assert sketch.percentile_ms(longest, 0.5) is not None


def test_a_full_count_stays_full_rather_than_spill_into_another_bucket() -> None:
    full = (30 << 24 | 0xFFFFFF).to_bytes(4, "little")
    assert sketch.merge([full, full]) == full
    assert sketch.add(full, round(math.exp(29.5 * math.log(1.1)))) == full


def test_an_ordinary_hour_stays_small() -> None:
    hour = sketch_of([80 + minute % 12 for minute in range(60)])
    assert hour is not None
    assert len(hour) <= 16
