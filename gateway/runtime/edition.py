"""Whether this is the compiled edition, in which mypyc has compiled what each request executes."""

from __future__ import annotations

from importlib.machinery import ExtensionFileLoader

from gateway.runtime import hex_ids


def is_compiled() -> bool:
    """As the modules that run show it themselves: all are compiled, or none."""
    spec = hex_ids.__spec__
    return spec is not None and isinstance(spec.loader, ExtensionFileLoader)


def version_text(version: str, *, compiled: bool) -> str:
    """A version as people read it, such as `1.2.3 (compiled)`."""
    return f"{version} (compiled)" if compiled else version
