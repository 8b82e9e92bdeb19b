from tests.config.example import problems, settings


def test_all_problems_are_reported_at_once_in_the_files_order() -> None:
    text = """\
        server:
          listn: []
        clients:
          - id: a
            secrets: [x, 5]
            lifetime: 3 days
          - name: nobody
        routes:
          - path: orders
            upstream: ordrs
            bogus: 1
        upstreams:
          orders: {servers: [{url: "http://h"}]}
        loging: {}
        """
    assert problems(text) == [
        "2:3: server.listn: unknown key (did you mean listen?)",
        "5:18: clients[0].secrets[1]: must be a string, not a number: write it in quotes",
        "6:15: clients[0].lifetime: must be a duration: seconds, or a string such as 90s, 10m, 1h or 7d",
        "7:5: clients[1].id: is missing",
        "7:5: clients[1].secrets: is missing, and so is every other credential: "
        "the client can't authenticate",
        "9:11: routes[0].path: must begin with /",
        "10:15: routes[0].upstream: there is no upstream of this name (did you mean orders?)",
        "11:5: routes[0].bogus: unknown key",
        "14:1: loging: unknown key (did you mean logging?)",
    ]


def test_the_names_in_a_route_without_a_valid_path_and_in_a_client_without_an_id_are_looked_up() -> None:
    text = """\
        clients:
          - {secrets: [x], grants: [nothing]}
        routes:
          - {upstream: nowhere, plugins: [{use: no_plugin}]}
          - {path: a, upstream: nowhere}
        """
    assert [problem.partition(" ")[2] for problem in problems(text)] == [
        "clients[0].id: is missing",
        "clients[0].grants[0]: there is no such grant",
        "routes[0].path: is missing",
        "routes[0].upstream: there is no upstream of this name",
        "routes[0].plugins[0].use: there is no plugin no_plugin",
        "routes[1].path: must begin with /",
        "routes[1].upstream: there is no upstream of this name",
    ]


def test_what_depends_on_a_path_that_is_not_valid_is_not_complained_of() -> None:
    text = """\
        upstreams:
          calls: {protocol: grpc, servers: [{url: "http://h"}]}
        server: {listen: [{port: 1, http: [2], tls: auto}]}
        routes:
          - {path: 1, upstream: calls, strip_prefix: true, plugins: [{use: cache}]}
          - {path: 2, upstream: calls, mcp: {default: [a]}}
        """
    assert [problem for problem in problems(text) if "strip_prefix" in problem or "/-" in problem] == []


def test_what_goes_with_a_faulty_part_is_not_complained_of() -> None:
    assert problems("clients:\n  - id: a\n    secrets: [5]\n") == [
        "3:15: clients[0].secrets[0]: must be a string, not a number: write it in quotes"
    ]
    assert problems("clients:\n  - id: 5\n    secrets: [x]\n") == [
        "2:9: clients[0].id: must be a string, not a number: write it in quotes"
    ]
    assert problems("server:\n  listen:\n    - {port: '${P}'}\n    - {prt: 1}\n", {"P": "80"}) == [
        "4:7: server.listen[1].port: is missing",
        "4:8: server.listen[1].prt: unknown key (did you mean port?)",
    ]


def test_list_positions_are_those_of_the_file_after_faulty_items_too() -> None:
    text = """\
        routes:
          - {path: 1, upstream: "http://a"}
          - {path: /a, upstream: "http://a"}
          - {path: 2, upstream: "http://a"}
          - {path: /a, upstream: "http://a"}
          - {path: /b, upstream: no}
        """
    assert problems(text)[2:] == [
        "5:5: routes[3]: can't be reached: an earlier route has this path and a method of this one "
        "(the first is on line 3)",
        "6:26: routes[4].upstream: must be a string, not a boolean: write it in quotes",
    ]


def test_a_part_by_alias_is_told_of_where_it_stands() -> None:
    text = "clients:\n  - &a {id: a, secrets: [5]}\n  - {<<: *a, id: b}\n"
    assert problems(text) == [
        "2:26: clients[0].secrets[0]: must be a string, not a number: write it in quotes",
        "2:26: clients[1].secrets[0]: must be a string, not a number: write it in quotes",
    ]


def test_an_unknown_key_is_found_in_the_words_of_its_mapping() -> None:
    assert problems("server: {listen: [{port: 1, tls: {certificat: a, key: b}}]}") == [
        "1:34: server.listen[0].tls.certificate: is missing",
        "1:35: server.listen[0].tls.certificat: unknown key (did you mean certificate?)",
    ]


def test_a_plugins_choice_tells_all_that_would_do() -> None:
    assert problems("plugins: [{use: limit, with: {limit: 1, window: 5}}]") == [
        "1:49: plugins[0].with.window: must be a mapping, not a number, or must be none"
    ]


def test_a_plugins_model_is_as_lenient_as_it_says() -> None:
    found = settings("plugins: [{use: limit, with: {limit: '5', strictly: 'off', window: {size: 7}}}]")
    assert found.plugins[0].config.model_dump() == {
        "limit": 5, "by": "client", "only": [], "window": {"size": 7}, "strictly": False, "word": "a",
    }  # fmt: skip


def test_a_plugins_check_that_crashes_is_a_problem_and_no_crash() -> None:
    assert problems("plugins: [{use: limit, with: {limit: 1, word: crash}}]") == [
        "1:30: plugins[0].with: could not be checked (KeyError)"
    ]


def test_a_plugins_own_words_are_reported_but_not_what_the_environment_holds() -> None:
    text = "plugins: [{use: limit, with: {limit: 1, word: '%s'}}]"
    assert problems(text % "much-too-long") == ["1:47: plugins[0].with.word: much-too-long is too long"]
    assert problems(text % "${X}", {"X": "much-too-long"}) == [
        "1:47: plugins[0].with.word: is not valid (it comes from the environment, and is not shown)"
    ]
