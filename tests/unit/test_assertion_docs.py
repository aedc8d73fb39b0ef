"""The page about assertions says what the table says."""

import json
import re
from pathlib import Path

import pytest

from asura.assertions import budget, json_path, parsing, regex
from asura.assertions.answer import MAX_JSON_CHARS, MAX_JSON_CONTAINERS
from asura.assertions.parsing import parse
from asura.assertions.table import SUBJECTS, ValueKind

PAGE = (Path(__file__).parents[2] / "docs/assertions.md").read_text()


def test_every_type_has_its_row() -> None:
    for kind, subject in SUBJECTS.items():
        by_value: dict[ValueKind, list[str]] = {}
        for operator, value in subject.operators.items():
            by_value.setdefault(value, []).append(f"`{operator}`")
        told = "; ".join(
            f"{' '.join(names)} ({'no value' if value is ValueKind.NONE else value})"
            for value, names in by_value.items()
        )
        assert f"| `{kind}` | {subject.target.label if subject.target else '–'} | {told} |\n" in PAGE
        assert f"**`{kind}`**" in PAGE


@pytest.mark.parametrize("example", re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL))
def test_the_examples_can_be_saved(example: str) -> None:
    assert list(parse(json.loads(example)).conditions())


def test_the_limits_are_those_of_the_program() -> None:
    assert {regex.MAX_PATTERN_CHARS, parsing.MAX_VALUE_CHARS, json_path.MAX_CHARS} == {1024}
    assert f"{regex.MAX_INSTRUCTIONS:,} instructions" in PAGE
    assert f"{budget.MATCHING // 10**6} million instructions" in PAGE
    assert f"{budget.STEPS:,} steps" in PAGE
    assert f"{MAX_JSON_CHARS // 2**20} MiB, {MAX_JSON_CONTAINERS:,} objects" in PAGE
    assert f"At most {parsing.MAX_CONDITIONS} conditions in at most {parsing.MAX_GROUPS} groups" in PAGE
