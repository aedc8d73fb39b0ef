"""Numbers for Prometheus: a registry of our own, small because a scrape of the usual library costs 132 ms.

A metric is declared once, at module level, where it is counted. Every label needs a bound, and MAX_SERIES holds
whatever was believed: past it, new label values are counted together as `other`. No I/O and no locks: an update
is a few dictionary operations, safe enough under the GIL.
"""

import math
import re
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TypeVar

MAX_SERIES = 200
"""Series of one metric. A label that could grow past this (an address, a path, a name) is a mistake."""
OTHER = "other"
"""The value of every label in the series that takes what is past the bound."""
LATENCY_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What `render()` is, for the answer that carries it."""

Key = tuple[str, ...]

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_VALUE_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Metric(ABC):
    """What all kinds share: a name, a sentence of help, and labels."""

    kind = ""

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        if not all(_NAME.fullmatch(word) for word in (name, *labels)):
            raise ValueError(f"metric {name!r}: names and labels are lower-case letters, digits and underscores")
        self.name = name
        self.help = help
        self.labels = tuple(labels)

    @abstractmethod
    def samples(self) -> Iterator[str]:
        """The lines with the values."""

    def _key(self, given: dict[str, object], series: dict[Key, object]) -> Key:
        if len(given) != len(self.labels):
            raise ValueError(f"metric {self.name} has the labels {self.labels}, not {tuple(given)}")
        key = tuple([str(given[name]) for name in self.labels])
        if key in series or len(series) < MAX_SERIES:
            return key
        return (OTHER,) * len(self.labels)

    def _labelled(self, key: Key, *more: tuple[str, str]) -> str:
        pairs = [*zip(self.labels, key, strict=True), *more]
        return (
            "{" + ",".join(f'{name}="{value.translate(_VALUE_ESCAPES)}"' for name, value in pairs) + "}"
            if pairs
            else ""
        )


class Counter(Metric):
    """Something that only grows. Its name ends in `_total`."""

    kind = "counter"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, help, labels)
        self._values: dict[Key, float] = {} if labels else {(): 0}

    def inc(self, n: float = 1, **labels: object) -> None:
        """Add `n`, which must not be negative."""
        if n < 0:
            raise ValueError(f"metric {self.name} only grows")
        key = self._key(labels, self._values)  # type: ignore[arg-type]
        self._values[key] = self._values.get(key, 0) + n

    def value(self, **labels: object) -> float:
        """The count so far; 0 for a series that was never counted."""
        return self._values.get(tuple(str(labels[name]) for name in self.labels), 0)

    def samples(self) -> Iterator[str]:
        """One line for each series."""
        for key, value in list(self._values.items()):
            yield f"{self.name}{self._labelled(key)} {_number(value)}"


class Gauge(Counter):
    """Something that goes up and down."""

    kind = "gauge"

    def inc(self, n: float = 1, **labels: object) -> None:
        """Add `n`, which may be negative."""
        key = self._key(labels, self._values)  # type: ignore[arg-type]
        self._values[key] = self._values.get(key, 0) + n

    def set(self, value: float, **labels: object) -> None:
        """Put `value` in the place of what was there."""
        self._values[self._key(labels, self._values)] = value  # type: ignore[arg-type]


class _Buckets:
    """One series of a histogram: a count for each bound and one for what lies above all of them."""

    def __init__(self, size: int) -> None:
        self.counts = [0] * (size + 1)
        self.sum = 0.0


class Histogram(Metric):
    """How observations are spread. Its name ends in its unit; `bounds` are upper ones, rising."""

    kind = "histogram"

    def __init__(
        self, name: str, help: str, labels: Sequence[str] = (), *, bounds: Sequence[float] = LATENCY_BOUNDS_S
    ) -> None:
        super().__init__(name, help, labels)
        if "le" in labels or list(bounds) != sorted(set(bounds)):
            raise ValueError(f"metric {name}: bounds must rise, and no label may be called le")
        self.bounds = tuple(bounds)
        self._series: dict[Key, _Buckets] = {} if labels else {(): _Buckets(len(self.bounds))}

    def observe(self, value: float, **labels: object) -> None:
        """Count one observation."""
        key = self._key(labels, self._series)  # type: ignore[arg-type]
        buckets = self._series.get(key)
        if buckets is None:
            buckets = self._series.setdefault(key, _Buckets(len(self.bounds)))
        buckets.counts[bisect_left(self.bounds, value)] += 1
        buckets.sum += value

    def samples(self) -> Iterator[str]:
        """For each series its buckets, cumulative, then sum and count."""
        for key, buckets in list(self._series.items()):
            counts, total = list(buckets.counts), 0
            for bound, count in zip((*self.bounds, math.inf), counts, strict=True):
                total += count
                yield f"{self.name}_bucket{self._labelled(key, ('le', _number(bound)))} {total}"
            yield f"{self.name}_sum{self._labelled(key)} {_number(buckets.sum)}"
            yield f"{self.name}_count{self._labelled(key)} {total}"


M = TypeVar("M", bound=Metric)

_registry: dict[str, Metric] = {}


def counter(name: str, help: str, labels: Sequence[str] = ()) -> Counter:
    """The counter called `name`, made on first use. Raises ValueError if it exists as something else."""
    return _registered(Counter(name, help, labels))


def gauge(name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
    """The gauge called `name`, made on first use. Raises ValueError if it exists as something else."""
    return _registered(Gauge(name, help, labels))


def histogram(
    name: str, help: str, labels: Sequence[str] = (), *, bounds: Sequence[float] = LATENCY_BOUNDS_S
) -> Histogram:
    """The histogram called `name`, made on first use. Raises ValueError if it exists as something else."""
    return _registered(Histogram(name, help, labels, bounds=bounds))


def render() -> str:
    """Every metric in Prometheus's text format 0.0.4, sorted by name."""
    lines: list[str] = []
    for name in sorted(_registry):
        metric = _registry[name]
        lines += [f"# HELP {name} {metric.help.translate(_HELP_ESCAPES)}", f"# TYPE {name} {metric.kind}"]
        lines += metric.samples()
    return "\n".join(lines) + "\n"


def _registered(metric: M) -> M:
    there = _registry.setdefault(metric.name, metric)
    if type(there) is not type(metric) or there.labels != metric.labels:
        raise ValueError(f"metric {metric.name} is already declared as another kind or with other labels")
    return there


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
