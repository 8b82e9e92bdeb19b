"""YAML that tests write: by libyaml where it is there, as Python's own emitter takes ten times as long."""

from __future__ import annotations

from typing import Any

import yaml

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def yaml_text(tree: Any, **options: Any) -> str:
    return str(yaml.dump(tree, Dumper=_DUMPER, **options))
