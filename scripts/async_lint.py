"""flake8-async over all that runs under trio, with the rules that mean something here and that ruff doesn't have.

It takes a third of a second of CPU for a file, so files without a coroutine are left out.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Left out, because they can't see what they ask for, or ask for what isn't wanted:
#   109  httpcore's interface has `timeout` parameters;  111  closing the inner nursery first is the point;
#   114, 128  a `task_status` that is passed on;  120  a cancelled task need not tell its failure;
#   124, 910-913  handlers that need not wait;  127  another library.
RULES = {
    *("ASYNC101", "ASYNC102", "ASYNC103", "ASYNC104", "ASYNC106", "ASYNC112", "ASYNC113", "ASYNC118", "ASYNC119"),
    *("ASYNC121", "ASYNC122", "ASYNC123", "ASYNC125", "ASYNC211", "ASYNC231", "ASYNC232"),
}
# The store's threads hand each exception, whatever it is, to the caller that waits for it, and its parts shield
# their own closing.
NOT_IN_STORE = {"ASYNC102", "ASYNC103", "ASYNC104"}


def main() -> int:
    """Lint; the exit status."""
    files = {path for folder in ("asura", "bench") for path in (ROOT / folder).rglob("*.py")}
    files = {path for path in files if "async def" in path.read_text("utf-8")}
    store = {path for path in files if ROOT / "asura" / "store" in path.parents}
    return _lint(files - store, RULES) | _lint(store, RULES - NOT_IN_STORE)


def _lint(files: set[Path], rules: set[str]) -> int:
    names = sorted(str(path.relative_to(ROOT)) for path in files)
    command = [sys.executable, "-m", "flake8_async", f"--enable={','.join(sorted(rules))}", "--", *names]
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - ours


if __name__ == "__main__":
    sys.exit(main())
