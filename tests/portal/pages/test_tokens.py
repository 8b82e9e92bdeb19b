"""Tokens made and ended by hand."""

from __future__ import annotations

import subprocess
from html import unescape

import pytest

from gateway.portal.pages.tokens import pasted_token
from tests.portal.reader import Reader, call


def test_a_generated_token_is_shown_with_its_life_and_scopes(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    shown = made.submit("/generate-token", scope="orders.read", validity="321")
    token = shown.value("access-token")
    assert "Above token has a validity period of 321 seconds" in shown.words
    assert "( am_application_scope orders.read ) scopes" in shown.words
    assert call(gateway, "/orders", bearer=token)[0] == 200
    assert developer.open(path).value("access-token") == token, "until it ends"
    made.submit("/revoke-all")
    assert token not in developer.open(path).html


def test_no_scope_ticked_gives_the_defaults(developer: Reader) -> None:
    _, made = developer.keys()
    assert "( am_application_scope default ) scopes" in made.submit("/generate-token", drop=["scope"]).words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"validity": "0"}, "A whole number of seconds from 1 to 86400"),
        ({"validity": "999999"}, "A whole number of seconds from 1 to 86400"),
        ({"scope": "admin.all"}, "The client may not have one of these scopes."),
    ],
)
def test_a_token_that_can_not_be_is_reported(developer: Reader, fields: dict[str, str], words: str) -> None:
    _, made = developer.keys()
    told = made.submit("/generate-token", **fields)
    assert (told.status, words in told.words) == (422, True)
    assert told.value("access-token") == ""


def test_a_form_from_before_a_change_gets_no_token(developer: Reader) -> None:
    _, made = developer.keys()
    made.submit("/configure", drop=["grant"])
    told = made.submit("/generate-token")
    assert (told.status, "Enable the Client credentials grant" in told.words) == (422, True)


def test_a_pasted_token_is_revoked_if_it_is_of_these_keys(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    token = made.submit("/generate-token", scope="orders.read").value("access-token")
    _, other = developer.keys("Other")
    assert "These keys have no such valid token" in other.submit("/revoke-token", token=token).words
    assert call(gateway, "/orders", bearer=token)[0] == 200
    assert "The token is revoked" in made.submit("/revoke-token", token=f" {token} ").words
    assert call(gateway, "/orders", bearer=token)[0] == 401
    assert developer.open(path).submit("/revoke-token", token="").status == 422


def test_all_tokens_end_at_once(developer: Reader, gateway: str) -> None:
    _, made = developer.keys()
    tokens = [
        made.submit("/generate-token", scope="orders.read", validity=validity).value("access-token")
        for validity in ("100", "200")
    ]
    assert "All tokens of these keys are revoked." in made.submit("/revoke-all").words
    assert [call(gateway, "/orders", bearer=token)[0] for token in tokens] == [401, 401]


def test_the_curl_lines_work_as_they_stand(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    page = made.submit("/generate-token")

    def run(line: str, **variables: str) -> str:
        # The address in the tests' gateway.yaml is not the one that the kernel chose.
        command = line.replace("http://127.0.0.1:1/", f"{gateway}/").replace("curl ", "curl -s ", 1)
        return subprocess.run(
            ["sh", "-c", command],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/usr/bin", **variables},
        ).stdout

    use = unescape(page.value("curl-call"))
    end = unescape(developer.tab(path, "danger").value("curl-revoke"))
    assert run(use) == '{"path": "/"}'
    assert run(end) == ""
    assert "900901" in run(use)


@pytest.mark.parametrize(
    "pasted",
    [
        "gpt_1",
        "Bearer gpt_1",
        "Authorization: Bearer gpt_1",
        '"bearer  gpt_1"',
        "authorization:gpt_1",
        "DPoP gpt_1",
    ],
)
def test_a_token_is_understood_as_people_paste_it(pasted: str) -> None:
    assert pasted_token(pasted) == "gpt_1"
