"""Print what `GET /api/v1/types` answers, for the fake daemon: so its forms are always those of the real one."""

import sys

import msgspec

from asura.api import types
from asura.api.assertion_documents import specs

DEFAULTS = types.Defaults(interval=60, timeout=10, failure_threshold=3, success_threshold=1)


def main() -> None:
    """Write one JSON document."""
    told = types.Types(
        monitors=types.monitor_types(), channels=types.channel_types(), assertions=specs(), defaults=DEFAULTS
    )
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
