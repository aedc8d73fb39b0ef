import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura import sketch

RESPONSE_MS = st.integers(min_value=1, max_value=120_000)


def true_percentile(values: list[int], fraction: float) -> int:
    return sorted(values)[max(1, math.ceil(fraction * len(values))) - 1]


@given(st.lists(RESPONSE_MS, min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_percentile_lies_within_five_percent_of_the_true_one(values: list[int], fraction: float) -> None:
    found = sketch.percentile_ms(Counter(map(sketch.bucket, values)), fraction)
    true = true_percentile(values, fraction)
    assert found is not None
    assert abs(found - true) <= 0.05 * true + 0.5  # and half a millisecond of rounding


def test_nothing_has_no_percentile() -> None:
    assert sketch.percentile_ms({}, 0.95) is None


@pytest.mark.parametrize("value_ms", [-5, 0, 1], ids=["negative", "zero", "one"])
def test_what_is_at_most_a_millisecond_reads_as_one(value_ms: int) -> None:
    assert sketch.percentile_ms({sketch.bucket(value_ms): 1}, 0.5) == 1


@given(RESPONSE_MS, RESPONSE_MS)
def test_a_longer_time_is_never_in_a_lower_bucket(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert sketch.bucket(low) <= sketch.bucket(high)
