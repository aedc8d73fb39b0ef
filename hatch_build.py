"""The build hook: a wheel or an sdist carries the dashboard, built from frontend/ if it is stale."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DashboardHook(BuildHookInterface[Any]):
    """Runs scripts/bundle.py before anything is packed. An editable install doesn't need a bundle."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the dashboard if its sources changed since."""
        if version == "editable":
            return
        script = Path(self.root) / "scripts" / "bundle.py"
        status = runpy.run_path(str(script))["main"]()
        if status != 0:
            raise SystemExit(
                "the dashboard could not be built: it needs Node 20.19, 22.12 or newer with npm; "
                "ASURA_SKIP_FRONTEND=1 packs what is there"
            )
