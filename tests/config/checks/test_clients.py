from tests.config.example import problems


def test_an_id_stands_once() -> None:
    text = """\
        clients:
          - {id: a, secrets: [x]}
          - {id: b, secrets: [x]}
          - {id: a, secrets: [x], enabled: false}
        """
    assert problems(text) == ["4:10: clients[2].id: another client has this id (the first is on line 2)"]


def test_a_grant_must_be_listed_and_known() -> None:
    text = """\
        grants: {client_credentials: {enabled: false}}
        clients:
          - {id: a, secrets: [x], grants: [client_credentials, password, client_credential, other]}
        """
    assert problems(text) == [
        "3:56: clients[0].grants[1]: this grant is not listed under grants",
        "3:66: clients[0].grants[2]: there is no such grant (did you mean client_credentials?)",
        "3:85: clients[0].grants[3]: there is no such grant",
    ]


def test_a_listed_grant_may_have_a_name_of_its_own_and_be_faulty() -> None:
    text = """\
        grants: {legacy: {use: password}, password: {attempts: many}}
        clients: [{id: a, secrets: [x], grants: [legacy, password]}]
        """
    (found,) = problems(text)
    assert "grants.password.attempts" in found


def test_an_api_key_belongs_to_one_client() -> None:
    text = """\
        clients:
          - {id: a, secrets: [x], api_keys: [0123456789abcdef]}
          - {id: b, secrets: [x], api_keys: ["0123456789abcdef"]}
        """
    assert problems(text) == [
        "3:38: clients[1].api_keys[0]: this API key stands here twice (the first is on line 2)"
    ]


def test_an_api_key_is_long() -> None:
    assert problems("clients: [{id: a, secrets: [x], api_keys: [short]}]") == [
        "1:44: clients[0].api_keys[0]: must have 16 to 256 characters, all of them printable ASCII without "
        "spaces"
    ]
