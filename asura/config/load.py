"""From a file to a `Config`, or to every problem that stands in its way, all at once.

Environment variables expand after parsing and in text values only, so that no variable can add a key. Relative
paths start at the file's folder, because a daemon's working directory is nobody's expectation.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from asura.config import document
from asura.config.parse import Expanded
from asura.config.schema import Config
from asura.errors import ConfigError

MAX_ENTRIES = 1000
_VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}|(\{))", re.ASCII)
_FAILED = object()


def load(path: Path, *, environ: Mapping[str, str] | None = None) -> Config:
    """Read and check the configuration in `path`. Raises ConfigError with every problem."""
    try:
        with path.open("rb") as file:
            raw = file.read(document.MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file; `asura serve` writes one where it is missing"]) from None
    except OSError as exc:
        raise ConfigError([f"{path}: can't be read: {exc.strerror}"]) from None
    folder = Path(os.path.abspath(path)).parent
    return parse(raw, name=str(path), folder=folder, environ=os.environ if environ is None else environ)


def parse(raw: bytes, *, name: str, folder: Path, environ: Mapping[str, str]) -> Config:
    """Check a configuration's text. `name` is what problems call the file; `folder` is where relative paths start."""
    reader = _Reader(name, environ)
    config = reader.section(document.compose(raw, name=name), Config, "")
    for path, involved, text in _contradictions(config):
        if not reader.failed.intersection((path, *involved)):
            reader.problem(path, text)
    if reader.problems:
        raise ConfigError([text for _, text in sorted(reader.problems)])
    return _with_absolute_paths(config, folder)


class _Reader:
    """Walks the nodes beside the schema and collects what is wrong."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.problems: list[tuple[int, str]] = []
        self.failed: set[str] = set()
        self._name = name
        self._environ = environ
        self._lines: dict[str, int] = {}

    def problem(self, path: str, text: str, *, line: int | None = None) -> None:
        """Note that the value at `path` is wrong."""
        line = line or self._lines.get(path) or self._lines.get(path.rpartition(".")[0]) or 1
        self.problems.append((line, f"{self._name}:{line}: {path + ': ' if path else ''}{text}"))
        self.failed.add(path)

    def section(self, node: document.Node | None, cls: type[Any], path: str) -> Any:
        """A `cls` from a mapping node; where a value is wrong its default stands in, and a problem is noted."""
        fields = {field.name: field for field in attrs.fields(cls)}
        values: dict[str, Any] = {}
        for name, child in self._pairs(node, path, fields):
            values[name] = self._value(child, fields[name], f"{path}.{name}".lstrip("."))
        for name, field in fields.items():
            if field.default is attrs.NOTHING and name not in values:
                if path not in self.failed:
                    self.problem(f"{path}.{name}", "is missing", line=self._lines.get(path))
                values[name] = ""
        return cls(**{name: value for name, value in values.items() if value is not _FAILED} | _stand_ins(cls, values))

    def _pairs(
        self, node: document.Node | None, path: str, fields: Mapping[str, Any]
    ) -> Iterator[tuple[str, document.Node]]:
        if node is None or (isinstance(node, document.Scalar) and document.scalar(node) is None):
            return
        if not isinstance(node, document.Mapping):
            self.problem(path, f"must be keys with values: {', '.join(fields)}", line=document.line_of(node))
            return
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = document.line_of(key_node)
            name = key_node.value if isinstance(key_node, document.Scalar) else "?"
            where = f"{path}.{name}".lstrip(".")
            if name in seen:
                self.problem(where, f"is given twice, first in line {seen[name]}; keep one", line=line)
            elif name not in fields:
                self.problem(where, _unknown(name, where, fields), line=line)
            else:
                self._lines[where] = line
                yield name, value_node
            seen.setdefault(name, line)

    def _value(self, node: document.Node, field: "attrs.Attribute[Any]", path: str) -> Any:
        rules = field.metadata
        if "section" in rules:
            return self.section(node, rules["section"], path)
        if "entries" in rules:
            return self._each(node, path, lambda item, where: self.section(item, rules["entries"], where))
        if rules["many"]:
            return self._each(node, path, lambda item, where: self._single(item, rules["parse"], where))
        if field.default is None and isinstance(node, document.Scalar) and document.scalar(node) is None:
            return None
        return self._single(node, rules["parse"], path)

    def _each(self, node: document.Node, path: str, read: Any) -> Any:
        if not isinstance(node, document.Sequence) or len(node.value) > MAX_ENTRIES:
            self.problem(path, f"must be a list of at most {MAX_ENTRIES} entries; [] for none")
            return _FAILED
        found = []
        for index, item in enumerate(node.value):
            self._lines[f"{path}[{index}]"] = document.line_of(item)
            found.append(read(item, f"{path}[{index}]"))
        if any(item is _FAILED for item in found):
            self.failed.add(path)
            return _FAILED
        return tuple(found)

    def _single(self, node: document.Node, parser: Any, path: str) -> Any:
        self._lines[path] = document.line_of(node)
        try:
            value: object = [] if not isinstance(node, document.Scalar) else document.scalar(node)
            return parser(self._expanded(value) if isinstance(value, str) else value)
        except ValueError as exc:
            self.problem(path, str(exc))
            return _FAILED

    def _expanded(self, text: str) -> str:
        if "$" not in text:
            return text

        def replace(match: re.Match[str]) -> str:
            name, has_default, default, broken = match.groups()
            if broken:
                raise ValueError("has ${ without a variable's name; write ${NAME}, or $${ for the two characters")
            if name is None:
                return "$"
            found = self._environ.get(name)
            if found is None and not has_default:
                raise ValueError(f"needs the environment variable {name}; set it, or write ${{{name}:-default}}")
            return found or default or ""

        return Expanded(_VARIABLE.sub(replace, text))


def _stand_ins(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    required = [field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING]
    return {name: "" for name in required if values[name] is _FAILED}


def _unknown(name: str, where: str, fields: Mapping[str, Any]) -> str:
    if near := difflib.get_close_matches(name, fields, n=1):
        return f"unknown key; did you mean {near[0]}?"
    elsewhere = [path for path in _all_keys(Config, "") if path.rpartition(".")[2] == name and path != where]
    if elsewhere:
        return f"unknown key here; did you mean {elsewhere[0]}?"
    return f"unknown key; there are {', '.join(fields)}"


def _all_keys(cls: type[Any], path: str) -> Iterator[str]:
    for field in attrs.fields(cls):
        yield f"{path}{field.name}"
        if "section" in field.metadata:
            yield from _all_keys(field.metadata["section"], f"{path}{field.name}.")


def _contradictions(config: Config) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Values that are right each for itself and wrong together: path, other paths, what is wrong."""
    server, database = config.server, config.database
    if (server.tls_cert is None) != (server.tls_key is None):
        given = "server.tls_cert" if server.tls_cert else "server.tls_key"
        yield given, ("server.tls_cert", "server.tls_key"), "needs the other one too: tls_cert and tls_key go together"
    if database.raw_retention_days > database.retention_days:
        wrong = "must not be more than database.retention_days"
        yield "database.raw_retention_days", ("database.retention_days",), wrong
    if config.monitor.default_timeout > config.monitor.default_interval:
        wrong = "must not be more than monitor.default_interval"
        yield "monitor.default_timeout", ("monitor.default_interval",), wrong
    yield from _wrong_keys(config)


def _wrong_keys(config: Config) -> Iterator[tuple[str, tuple[str, ...], str]]:
    names: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for index, one in enumerate(config.auth.api_keys):
        path = f"auth.api_keys[{index}]"
        if (one.role is None) == (not one.permissions):
            parts = (f"{path}.role", f"{path}.permissions")
            yield path, parts, "needs either a role (admin, readonly) or a list of permissions"
        for value, seen, word in ((one.name, names, "name"), (one.hash, hashes, "hash")):
            if value and value in seen:
                yield f"{path}.{word}", (), f"is that of {seen[value]} too; each key needs its own"
            seen.setdefault(value, path)


def _with_absolute_paths(config: Config, folder: Path) -> Config:
    server, database = config.server, config.database
    return attrs.evolve(
        config,
        server=attrs.evolve(
            server,
            tls_cert=server.tls_cert and folder / server.tls_cert,
            tls_key=server.tls_key and folder / server.tls_key,
        ),
        database=attrs.evolve(database, path=folder / database.path),
    )
