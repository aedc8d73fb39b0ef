"""The registry and its text, read back by the rules of Prometheus's exposition format 0.0.4."""

import re
from collections.abc import Callable

import pytest

from asura import metrics
from asura.metrics import MAX_SERIES, OTHER

_SAMPLE = re.compile(
    r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})?'
    r" (?P<value>[+-]?Inf|NaN|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)"
)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_registry", {})


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels. Each family's HELP and TYPE must stand once, and before its samples."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    samples = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped
            kinds[name] = kind
        else:
            found = _SAMPLE.fullmatch(line)
            assert found, line
            family = re.sub("_(bucket|sum|count)$", "", found["name"])
            assert (family if family in kinds else found["name"]) in kinds
            labels = tuple((name, _unescaped(value)) for name, value in _LABEL.findall(found["labels"] or ""))
            key = (found["name"], labels)
            assert key not in samples
            samples[key] = float(found["value"].replace("Inf", "inf"))
    return samples


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


def test_a_counter_without_labels_is_there_before_it_is_counted() -> None:
    counted = metrics.counter("things_total", "Things.")
    assert read(metrics.render()) == {("things_total", ()): 0}
    counted.inc()
    counted.inc(2)
    assert read(metrics.render()) == {("things_total", ()): 3}


def test_a_counter_keeps_a_series_for_each_set_of_labels() -> None:
    counted = metrics.counter("answers_total", "Answers.", ("status", "method"))
    counted.inc(status=200, method="GET")
    counted.inc(status=200, method="GET")
    counted.inc(method="PUT", status=404)
    assert read(metrics.render()) == {
        ("answers_total", (("status", "200"), ("method", "GET"))): 2,
        ("answers_total", (("status", "404"), ("method", "PUT"))): 1,
    }
    assert counted.value(status=200, method="GET") == 2
    assert counted.value(status=500, method="GET") == 0


def test_a_counter_does_not_go_down() -> None:
    with pytest.raises(ValueError, match="only grows"):
        metrics.counter("things_total", "Things.").inc(-1)


def test_a_gauge_goes_up_and_down() -> None:
    level = metrics.gauge("level", "Level.")
    level.set(5.5)
    level.inc(-7)
    assert read(metrics.render()) == {("level", ()): -1.5}


@pytest.mark.parametrize("value", ["", "a b", '"', "\\", "\n", 'a\\"\nb', "é😀", "{}=,", "\\n"])
def test_any_label_value_survives_the_escaping(value: str) -> None:
    metrics.gauge("level", "Level.", ("of",)).set(1, of=value)
    assert read(metrics.render()) == {("level", (("of", value),)): 1}


def test_help_with_a_line_break_stays_on_its_line() -> None:
    metrics.counter("things_total", "Things\nand \\ more.")
    assert "# HELP things_total Things\\nand \\\\ more.\n" in metrics.render()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3.0, "3"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (-2.5, "-2.5"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_are_written_as_prometheus_reads_them(value: float, text: str) -> None:
    metrics.gauge("level", "Level.").set(value)
    assert metrics.render().splitlines()[-1] == f"level {text}"


def test_a_histogram_counts_each_observation_in_every_bucket_that_holds_it() -> None:
    spread = metrics.histogram("wait_seconds", "Waits.", bounds=(0.1, 1, 10))
    for value in (0.05, 0.1, 0.5, 5, 50):
        spread.observe(value)
    samples = read(metrics.render())
    buckets = {labels[0][1]: count for (name, labels), count in samples.items() if name == "wait_seconds_bucket"}
    assert buckets == {"0.1": 2, "1": 3, "10": 4, "+Inf": 5}
    assert samples["wait_seconds_count", ()] == 5
    assert samples["wait_seconds_sum", ()] == pytest.approx(55.65)


def test_past_the_bound_new_label_values_are_counted_together() -> None:
    counted = metrics.counter("requests_total", "Requests.", ("path",))
    for number in range(MAX_SERIES + 50):
        counted.inc(path=f"/{number}")
    counted.inc(path="/0")
    samples = read(metrics.render())
    assert len(samples) == MAX_SERIES + 1
    assert samples["requests_total", (("path", OTHER),)] == 50
    assert samples["requests_total", (("path", "/0"),)] == 2


def test_declaring_a_metric_twice_gives_the_same_one() -> None:
    assert metrics.counter("things_total", "Things.") is metrics.counter("things_total", "Things.")


@pytest.mark.parametrize(
    "declare",
    [
        lambda: metrics.gauge("things_total", "Things."),
        lambda: metrics.counter("things_total", "Things.", ("kind",)),
        lambda: metrics.counter("Things-total", "Things."),
        lambda: metrics.counter("more_total", "More.", ("a b",)),
        lambda: metrics.histogram("wait_seconds", "Waits.", ("le",)),
        lambda: metrics.histogram("wait_seconds", "Waits.", bounds=(2, 1)),
    ],
    ids=["another kind", "other labels", "bad name", "bad label", "label le", "falling bounds"],
)
def test_a_wrong_declaration_is_an_error(declare: Callable[[], object]) -> None:
    metrics.counter("things_total", "Things.")
    with pytest.raises(ValueError, match="metric"):
        declare()


def test_labels_must_be_those_declared() -> None:
    counted = metrics.counter("answers_total", "Answers.", ("status",))
    with pytest.raises(ValueError, match="labels"):
        counted.inc()
    with pytest.raises(KeyError):
        counted.inc(state=1)
