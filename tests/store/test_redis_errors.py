import pytest

from gateway.store.redis_errors import CommandRejected


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "OOM", "memory is full"),
        ("MISCONF Valkey is configured to save RDB snapshots, but …", "MISCONF", "can't write to its disk"),
        ("READONLY You can't write against a read only replica.", "READONLY", "read-only replica"),
        ("LOADING Valkey is loading the dataset in memory", "LOADING", "still loading"),
        ("NOAUTH HELLO must be called with …", "NOAUTH", "asks for a password"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "WRONGPASS", "user and password"),
        ("CLUSTERDOWN Hash slot not served", "CLUSTERDOWN", "cluster is down"),
        ("MASTERDOWN Link with MASTER is down", "MASTERDOWN", "replica without its primary"),
        # As Redis 6 tells of it:
        (
            "ERR Error running script (call to f_00ff): @user_script:1: -OOM command not allowed when …",
            "OOM",
            "memory is full",
        ),
        (
            "ERR Error running script (call to f_00ff): @user_script:1: WRONGTYPE Operation against a key …",
            "WRONGTYPE",
            "another program",
        ),
        ("ERR max number of clients reached", "ERR", "max number of clients reached"),
        ("NEWCODE of a later server", "NEWCODE", "of a later server"),
        ("command not allowed when used memory > 'maxmemory'.", "ERR", "command not allowed"),
    ],
)
def test_says_why_the_store_refused(text: str, code: str, words: str) -> None:
    refused = CommandRejected("token.issue", text)

    assert refused.code == code
    assert words in refused.reason
    assert "token.issue" in refused.reason


@pytest.mark.parametrize(
    "text",
    [
        "ERR unknown command 'SETT', with args beginning with: 'hidden' ",
        "ERR unknown command `SETT`, with args beginning with: `hidden`",
        'ERR bad thing "hidden"',
        "hidden",
    ],
)
def test_never_repeats_what_was_sent(text: str) -> None:
    reason = CommandRejected("SETT", text if " " in text else f"ERR x 'y' {text}").reason

    assert "hidden" not in reason
