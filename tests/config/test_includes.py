"""`include`: several files are one configuration, and every problem has its own file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.includes import files_of
from gateway.config.load import load, load_text, problem_of
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog

ROUTE = 'routes:\n- {{path: /{0}, upstream: "http://127.0.0.1:1"}}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.d").mkdir()
    return tmp_path


def write(**files: str) -> None:
    for name, text in files.items():
        Path(name.replace("__", "/") + ".yaml").write_text(text)


def loaded() -> Settings:
    return load(Path("gateway.yaml"), {"LIMIT": "5m"}, PluginCatalog())


def problems() -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded()
    return [str(problem) for problem in caught.value.problems]


def test_lists_are_joined_in_the_order_of_the_files() -> None:
    write(gateway="include: ['routes.d/*.yaml', more.yaml]\n" + ROUTE.format("main"))
    write(
        **{"routes.d__b": ROUTE.format("b"), "routes.d__a": ROUTE.format("a"), "more": ROUTE.format("more")}
    )
    assert [route.path for route in loaded().routes] == ["/main", "/a", "/b", "/more"]


def test_mappings_are_merged_at_every_depth() -> None:
    write(
        gateway="include: [more.yaml]\nserver: {workers: 2, timeouts: {header: 5s}}\n",
        more='server: {max_body: "${LIMIT}", timeouts: {body: 7s}}\nupstreams: {a: {servers: [{url: "http://a"}]}}\n',
    )
    found = loaded()
    assert (found.server.workers, found.server.max_body) == (2, 5 * 1024 * 1024)
    assert (found.server.timeouts.header, found.server.timeouts.body) == (5, 7)
    assert list(found.upstreams) == ["a"]


def test_a_key_given_twice_names_both_places() -> None:
    write(
        gateway="include: [one.yaml, two.yaml]\nserver:\n  workers: 2\n",
        one="server:\n  workers: 3\ntokens: {format: jwt}\n",
        two="tokens:\n  format: opaque\n",
    )
    assert problems() == [
        "one.yaml:2:3: server.workers: duplicate key (the first is in the main file on line 3)",
        "two.yaml:2:3: tokens.format: duplicate key (the first is in one.yaml on line 3)",
    ]


def test_problems_have_the_file_that_they_are_in() -> None:
    write(
        gateway="include: [more.yaml]\nroutes:\n- {path: /a, upstream: nobody}\n",
        more="routes:\n- path: /a\n  upstream: somebody\nunknown: 1\n"
        "clients:\n- {id: a, secrets: ['${MISSING}']}\n",
    )
    found = problems()
    assert found[0].startswith("gateway.yaml:3:24: routes[0].upstream: there is no upstream")
    assert "more.yaml:4:1: unknown: unknown key" in found
    assert any(line.startswith("more.yaml:3:13: routes[1].upstream: there is no upstream") for line in found)
    assert any(line.startswith("more.yaml:6:") and "MISSING is not set" in line for line in found)


def test_two_that_clash_name_the_other_file() -> None:
    write(gateway="include: [more.yaml]\n" + ROUTE.format("a"), more=ROUTE.format("a"))
    (line,) = problems()
    assert line.startswith("more.yaml:2:")
    assert "(the first is in the main file on line 3)" in line


def test_what_turns_out_later_has_the_line_of_the_file_that_says_it() -> None:
    write(gateway="include: [more.yaml]\n", more="store:\n  url: redis://h\n")
    found = str(problem_of(loaded(), ("store", "url"), "is away"))
    assert found == "more.yaml:2:8: store.url: is away"
    assert str(problem_of(loaded(), ("tokens", "lifetime"), "is bad")) == (
        "gateway.yaml:1:1: tokens.lifetime: is bad"
    )


@pytest.mark.parametrize(
    ("include", "more", "line"),
    [
        ("[missing.yaml]", "", "gateway.yaml:1:11: include[0]: missing.yaml can't be read: No such file"),
        ("[more.yaml]", "- a\n", "more.yaml:1:1: the file must be a mapping"),
        ("[more.yaml]", "a: [\n", "more.yaml:"),
        ("[more.yaml]", "include: [other.yaml]\n", "more.yaml:1:1: include: works in the main file only"),
        ("more.yaml", "", "gateway.yaml:1:10: include: "),
        ("[7]", "", "gateway.yaml:1:11: include[0]: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(include: str, more: str, line: str) -> None:
    write(gateway=f"include: {include}\n", more=more)
    assert any(problem.startswith(line) for problem in problems()), problems()


def test_a_pattern_may_match_nothing_and_a_file_counts_once() -> None:
    write(gateway="include: ['none/*.yaml', '*.yaml', more.yaml]\n", more=ROUTE.format("a"))
    assert [route.path for route in loaded().routes] == ["/a"]


def test_files_are_found_beside_the_main_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(gateway="include: [more.yaml]\n", more=ROUTE.format("a"))
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert len(load(Path("../gateway.yaml"), {}, PluginCatalog()).routes) == 1


def test_a_configuration_can_be_loaded_again_from_its_source() -> None:
    write(gateway="include: ['*.yaml']\n", more='server: {max_body: "${LIMIT}"}\n' + ROUTE.format("a"))
    found = loaded()
    source = found.source
    assert source is not None
    assert source.variables == {"LIMIT": "5m"}
    again = load_text(source.text, source.variables, PluginCatalog(), files=files_of(source))
    assert again.model_dump() == found.model_dump()


def test_twenty_thousand_clients_in_files(folder: Path) -> None:
    for part in range(20):
        clients = "".join(
            f"- {{id: client-{part}-{number}, secrets: [sha256:{number:064x}]}}\n" for number in range(1000)
        )
        (folder / f"clients-{part:02}.yaml").write_text("clients:\n" + clients)
    write(gateway="include: ['clients-*.yaml']\n")
    assert len(loaded().clients) == 20_000
