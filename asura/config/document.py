"""YAML, as little of it as a configuration needs: mappings, lists, text, whole numbers, decimals, true, false, null.

Nodes are kept instead of values, because a node knows its line. Tags, aliases and great depth are refused: a
configuration needs none of them, and each is a way to make a small file very large or to run code.
"""

import re

import yaml

from asura.errors import ConfigError

MAX_FILE_BYTES = 256 * 1024
"""A thousand keys fit in; PyYAML needs a few seconds for more."""
MAX_DEPTH = 10

Node = yaml.Node
Scalar = yaml.ScalarNode
Mapping = yaml.MappingNode
Sequence = yaml.SequenceNode

NULL, BOOL, INT, FLOAT, TEXT = (f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))


class _Loader(yaml.SafeLoader):
    """Composes nodes only. Resolves as YAML 1.2 does: `on` is text, `010` is no octal, `12:30` no number of seconds."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not used here", event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.composer.ComposerError(None, None, "tags such as !!text are not used here", event.start_mark)
        if self._depth >= MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "too deeply nested", event.start_mark)
        self._depth += 1
        try:
            node: Node | None = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        return node


_Loader.add_implicit_resolver(NULL, re.compile(r"(?:~|null|)\Z"), ["~", "n", ""])
_Loader.add_implicit_resolver(BOOL, re.compile(r"(?:true|false)\Z"), ["t", "f"])
_Loader.add_implicit_resolver(INT, re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z"), list("-0123456789"))
_Loader.add_implicit_resolver(FLOAT, re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}\Z"), list("-0123456789"))


def compose(raw: bytes, *, name: str) -> Node | None:
    """The root node of one YAML document; None for an empty one. Raises ConfigError with file and line."""
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError([f"{name}: is larger than {MAX_FILE_BYTES // 1024} KiB, which no configuration needs"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise ConfigError([f"{name}:{line}: is not UTF-8; save it as UTF-8"]) from None
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise ConfigError([f"{name}:{line}: holds a control character; remove it"]) from None
    except yaml.MarkedYAMLError as exc:
        raise ConfigError([_syntax_problem(exc, text, name=name)]) from None


def line_of(node: Node) -> int:
    """The line a node starts in, from 1."""
    return int(node.start_mark.line) + 1


def scalar(node: Scalar) -> object:
    """The value of a scalar node: text, int, float, bool or None."""
    if node.tag == NULL:
        return None
    if node.tag == BOOL:
        return node.value == "true"
    if node.tag == INT:
        return int(node.value)
    return float(node.value) if node.tag == FLOAT else str(node.value)


def _syntax_problem(exc: yaml.MarkedYAMLError, text: str, *, name: str) -> str:
    mark = exc.problem_mark or exc.context_mark
    line = mark.line + 1 if mark else 1
    rows = text.splitlines()
    row = rows[line - 1] if 0 < line <= len(rows) else ""
    hint = ""
    if "${" in row:
        hint = '; put "${NAME}" in quotes inside { } and [ ]'
    elif "\t" in row:
        hint = "; indent with spaces, not tabs"
    return f"{name}:{line}: is not valid YAML: {exc.problem or exc.context}{hint}"
