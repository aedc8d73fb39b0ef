"""Write docs/monitors/, a page for each type of monitor, from the very definitions that the daemon works with.

    python scripts/monitor_docs.py            # write them
    python scripts/monitor_docs.py --check    # fail when they don't say what the program does

What a page says of a setting is what the form and the OpenAPI document say of it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from asura.api.schema import Schemas
from asura.api.types import Field, TypeView, monitor_types
from asura.checks import CHECK_TYPES

FOLDER = Path(__file__).parents[1] / "docs" / "monitors"
GUIDE = "\nHow a job is made to report, with ready lines: [heartbeats](../heartbeats.md).\n"
LOCAL_ONLY = "\nOnly the machine that Asura runs on can check this; probes elsewhere can't.\n"
MAX_SHOWN_DEFAULT = 60


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    views = monitor_types()
    return {"README.md": _index(views)} | {f"{view.name}.md": _page(view) for view in views}


def _index(views: list[TypeView]) -> str:
    rows = [f"| [{view.label}]({view.name}.md) | `{view.name}` | {_first_sentence(view.about)} |" for view in views]
    return "\n".join(
        [
            "# Types of monitors",
            "",
            "| | `type` | |",
            "|---|---|---|",
            *rows,
            "",
            "What every type has in common: [README](../../README.md); what can be asserted of an answer:",
            "[assertions](../assertions.md).",
            "",
        ]
    )


def _first_sentence(text: str) -> str:
    flat = " ".join(text.split())
    end = flat.find(". ")
    return flat if end < 0 else flat[: end + 1]


def _page(view: TypeView) -> str:
    kind = CHECK_TYPES[view.name]
    example: dict[str, Any] = {"name": f"{view.label} example", "type": view.name}
    if view.target_required:
        example["target"] = view.target_placeholder
    if kind.example:
        example["settings"] = dict(kind.example)
    lines = [
        f"# {view.label}",
        "",
        view.about.strip(),
        LOCAL_ONLY if kind.is_local else GUIDE if kind.is_passive else "",
        "```json",
        json.dumps(example, ensure_ascii=False),
        "```",
        "",
        f"**{view.target_label}** (`target`{_optional(view)}): {view.target_help}",
        "",
        *_settings(view, _schemas(kind.settings)),
        *_asserted(view),
    ]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def _optional(view: TypeView) -> str:
    return "" if view.target_required else ", optional"


def _schemas(settings: type) -> Mapping[str, Any]:
    schemas = Schemas()
    name = schemas.of(settings, is_input=True)["$ref"].rpartition("/")[2]
    found: Mapping[str, Any] = schemas.named[name]["properties"]
    return found


def _settings(view: TypeView, limits: Mapping[str, Any]) -> Iterator[str]:
    if not view.fields:
        yield "This type has no settings."
        return
    yield from ("## Settings", "", "| setting | kind | default | |", "|---|---|---|---|")
    for field in view.fields:
        yield from _rows(field, field.name, limits.get(field.name, {}))


def _rows(field: Field, path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    default = "required" if field.required else _shown(field.default)
    about = " ".join([f"**{field.label}.**", field.help, "Reads back masked." if field.secret else ""])
    yield f"| `{path}` | {_kind(field, schema)} | {default} | {_cell(about)} |"
    for variant in field.variants or ():
        several = len(field.variants or ()) > 1
        for inner in variant.fields:
            label = f'{path}.{inner.name}` with `"type": "{variant.name}"' if several else f"{path}.{inner.name}"
            yield from _rows(inner, label, {})


def _kind(field: Field, schema: Mapping[str, Any]) -> str:
    if field.choices:
        return _cell(" ".join(f"`{each.value}`" if each.value else "(empty)" for each in field.choices))
    low, high = schema.get("minimum"), schema.get("maximum")
    unit = f" {field.unit}" if field.unit and field.unit != "bytes" else " bytes" if field.unit else ""
    if low is not None and high is not None:
        return f"{low}–{high}{unit}"
    names = {"text": "string, several lines", "variant": "object", "map": "object of strings"}
    return names.get(field.type, field.type) + unit


def _shown(default: Any) -> str:
    text = json.dumps(default, ensure_ascii=False)
    return f"`{text}`" if len(text) <= MAX_SHOWN_DEFAULT else "(see the form)"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _asserted(view: TypeView) -> Iterator[str]:
    yield from ("", "## Assertions", "")
    if view.assertions:
        yield "[Assertions](../assertions.md) can be about " + ", ".join(f"`{each}`" for each in view.assertions) + "."
    else:
        yield "Nothing can be asserted of what this type finds."
    if view.tracks_changes:
        yield ""
        yield "With `track_changes` each change of the answer is kept as a diff and told as `content.changed`."


def main() -> int:
    """Write the pages, or with --check compare them."""
    wanted = pages()
    found = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if stale:
            print(f"docs/monitors is out of date: {', '.join(stale)}; run `just docs`", file=sys.stderr)
        return int(bool(stale))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in found.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
