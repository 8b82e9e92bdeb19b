"""The program as a whole: its commands are listed at once, and none costs what it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway import __version__
from gateway.cli import COMMANDS, main
from gateway.runtime.edition import is_compiled

HEAVY = ("aiohttp", "asyncio", "cryptography", "gunicorn", "pydantic", "redis", "yaml")


def gatepost(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="gatepost")


def loaded_by(*arguments: str) -> set[str]:
    """The packages that a command has imported when it is done, in a process of its own."""
    program = (
        "import sys; from gateway.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    words = [sys.executable, "-c", program, *arguments]
    output = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    return set(output.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_with_what_it_does(option: str) -> None:
    result = gatepost(option)
    assert (result.exit_code, result.stderr) == (0, "")
    for name, text in COMMANDS.items():
        assert f"  {name}  " in result.stdout
        assert text in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str) -> None:
    for option in ("--help", "-h"):
        result = gatepost(name, option)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(f"Usage: gatepost {name} ")


def test_the_version_is_the_packages() -> None:
    compiled = " (compiled)" if is_compiled() else ""
    assert gatepost("--version").stdout == f"gatepost, version {__version__}{compiled}\n"


@pytest.mark.parametrize(("wrong", "meant"), [("clint", "client"), ("chek", "check"), ("tokens", "token")])
def test_a_slip_of_the_pen_is_told_what_was_meant(wrong: str, meant: str) -> None:
    result = gatepost(wrong, "-c", "x")
    assert result.exit_code == 2
    assert f"No such command {wrong!r} (did you mean {meant}?)." in result.stderr


def test_what_is_like_nothing_is_no_command() -> None:
    result = gatepost("nonsense")
    assert result.exit_code == 2
    assert "did you mean" not in result.stderr
    assert "No such command 'nonsense'" in result.stderr


def test_without_a_word_it_helps() -> None:
    result = gatepost()
    assert result.exit_code == 2
    assert "Serve gateway.yaml." in result.output


def test_help_loads_none_of_the_gateway() -> None:
    assert loaded_by("--help") & set(HEAVY) == set()


@pytest.mark.parametrize("command", ["check", "schema"])
def test_what_serves_nothing_loads_no_web_server(command: str) -> None:
    assert loaded_by(command) & {"aiohttp", "gunicorn", "jinja2", "argon2"} == set()


def test_what_a_worker_imports_is_not_looked_through_by_the_collector_and_no_more_than_it_needs() -> None:
    program = (
        "import gc, sys; from gateway.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: from gateway.commands.run import import_gateway\n"
        "import_gateway()\n"
        "print('COUNTED', gc.get_freeze_count(), gc.get_stats()[2]['collections'], *sys.modules)"
    )
    words = [sys.executable, "-c", program]
    output = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    frozen, full_collections, *modules = output.rpartition("COUNTED ")[2].split()
    assert int(frozen) > 50_000
    assert int(full_collections) == 0
    packages = {".".join(module.split(".")[:2]) for module in modules}
    later = {"gateway.portal", "gateway.xds", "gateway.ext_authz", "gateway.converters", "gateway.demo"}
    later |= {"gateway.edge", "gateway.export", "multiprocessing", "prometheus_client"}
    later |= {"difflib", "logging.handlers"}
    assert packages & (later | {"gunicorn", "jinja2", "redis", "opentelemetry", "grpc", "acme"}) == set()
    assert len(modules) < 1150, "each takes memory in every worker, and time at each start"


def test_the_second_start_compiles_neither_dataclasses_nor_patterns(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gateway.runtime import bytecode_cache as cache\n"
        "sys.dont_write_bytecode, texts = False, []\n"
        "cache.cache_path = lambda: Path('file.texts')\n"
        "cache.compile = lambda text, *words, **more: texts.append(text) or compile(text, *words, **more)\n"
        "parts = cache.PatternCompiler._parts\n"
        "cache.PatternCompiler._parts = lambda self, *words: texts.append(words) or parts(self, *words)\n"
        "from gateway.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: from gateway.commands.run import import_gateway\n"
        "import_gateway()\n"
        "print('COUNTED', len(texts))"
    )

    def compiled() -> int:
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=True)
        return int(done.stdout.rpartition("COUNTED ")[2])

    assert compiled() > 1000
    # email makes a few patterns of sets, whose order differs.
    assert compiled() < 10


def test_the_embedded_store_starts_while_the_gateway_is_imported(tmp_path: Path) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text("server: {listen: [{host: 127.0.0.1, port: 0}]}")
    program = (
        "import sys; from gateway.cli import main; from gateway.store.embedded import EmbeddedStore\n"
        "def begin(store): sys.exit(str({'gateway.app', 'gateway.process.worker'} & {*sys.modules}))\n"
        "EmbeddedStore.begin = begin\n"
        "main(['run', '-c', 'gateway.yaml'])"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert done.stderr == "set()\n", "it is imported afterwards"


def test_no_command_looks_for_plugins_of_pydantic() -> None:
    program = (
        "from importlib import metadata; from gateway.cli import main\n"
        "def found(**chosen): print('LOOKED', chosen); return []\n"
        "metadata.entry_points = found\n"
        "main(['schema'])"
    )
    words = [sys.executable, "-c", program]
    output = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "'group': 'pydantic'" not in output


def test_python_can_run_it_as_a_module() -> None:
    words = [sys.executable, "-m", "gateway", "--help"]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.startswith("Usage: gatepost ")
