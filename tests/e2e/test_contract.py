"""The dashboard's types are those of the daemon's own OpenAPI document."""

import runpy
from pathlib import Path

FRONTEND = Path(__file__).parents[2] / "frontend"


def test_the_dashboard_s_types_are_made_from_the_contract() -> None:
    made = runpy.run_path(str(FRONTEND / "scripts/schema.py"))
    stands = (FRONTEND / "src/api/schema.ts").read_text(encoding="utf-8")
    # The formatter wraps long lines; what counts is what the file says.
    assert "".join(made["generate"]().split()) == "".join(stands.split()), "run python frontend/scripts/schema.py"
