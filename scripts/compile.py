"""Hatch's build hook for the compiled edition: `HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip wheel .`

mypyc compiles the modules that `scripts/compiled.toml` lists, in a folder of their own: nothing appears in
the source tree, where a compiled module would hide the source beside it when it changes. The wheel has both:
Python imports the compiled module; tracebacks and people read the source.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIST = Path("scripts/compiled.toml")
LIBRARY = "gateway.compiled"
"""What the shared library of all compiled modules is called, with `__mypyc` behind it."""

# In a process of its own, as setuptools and mypyc take the current folder and what is imported for theirs.
_BUILD = """
import sys
from setuptools import setup
from mypyc.build import mypycify

library, *arguments = sys.argv[1:]
modules = mypycify(arguments, opt_level="2", debug_level="0", group_name=library)
setup(name="gatepost", ext_modules=modules, script_args=["--quiet", "build_ext", "--build-lib", "built"])
"""


def compiled_files(root: Path) -> list[str]:
    """The source files that are compiled, relative to the project's folder."""
    listed = tomllib.loads((root / LIST).read_text())["modules"]
    return [f"{package}/{name}.py" for package, names in listed.items() for name in names]


def compile_into(folder: Path, root: Path) -> dict[Path, str]:
    """The compiled modules beneath `folder`, each with its place in the wheel."""
    for package in ("gateway", "plugins"):
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    # What is not installed, as it belongs to an extra, has no types then.
    options = [
        f"--config-file={root / 'pyproject.toml'}",
        "--ignore-missing-imports",
        "--no-warn-unused-ignores",
    ]
    command = [sys.executable, "-c", _BUILD, LIBRARY, *options, *compiled_files(root)]
    subprocess.run(command, cwd=folder, check=True)
    built = folder / "built"
    return {path: str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}


class CompiledEdition(BuildHookInterface[BuilderConfig]):
    """Adds the compiled modules to a wheel, which is then one of this Python and platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable installation is never compiled: its source changes."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="gatepost-")
        modules = compile_into(Path(self._folder.name), Path(self.root))
        build_data["force_include"].update({str(path): place for path, place in modules.items()})
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written."""
        if version != "editable":
            self._folder.cleanup()
