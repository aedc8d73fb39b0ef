"""Settings of a check type that has nothing but the two fields of change detection."""

import attrs

from asura.content.ignoring import paths_field, patterns_field


@attrs.frozen(kw_only=True)
class Ignoring:
    """What of a content is not compared."""

    ignore_patterns: tuple[str, ...] = patterns_field()
    ignore_paths: tuple[str, ...] = paths_field()
