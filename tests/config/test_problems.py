from gateway.config.problems import (
    ConfigIssue,
    ConfigurationError,
    Place,
    ReportedProblem,
    problems_of,
    show,
    suggest,
)
from gateway.errors import GatepostError


def test_a_problem_reads_as_file_place_key_and_reason() -> None:
    problem = ReportedProblem("gateway.yaml", 3, 7, "routes[0].upstream", "is missing")
    assert str(problem) == "gateway.yaml:3:7: routes[0].upstream: is missing"


def test_a_problem_of_the_whole_file_has_no_key() -> None:
    assert str(ReportedProblem("f", 1, 1, "", "the file is empty")) == "f:1:1: the file is empty"


def test_the_error_holds_every_problem_and_says_them_all() -> None:
    error = ConfigurationError([ReportedProblem("f", 1, 1, "a", "x"), ReportedProblem("f", 2, 1, "b", "y")])
    assert isinstance(error, GatepostError)
    assert str(error) == "f:1:1: a: x\nf:2:1: b: y"
    assert [problem.key for problem in error.problems] == ["a", "b"]


def test_faults_come_in_the_files_order_and_each_once() -> None:
    late, early = ConfigIssue(Place(2, 9), ("b",), "x"), ConfigIssue(Place(2, 1), ("a",), "x")
    assert [problem.key for problem in problems_of("f", [late, early, late])] == ["a", "b"]


def test_a_path_shows_list_positions_in_brackets() -> None:
    assert show(("clients", 1, "secrets", 0)) == "clients[1].secrets[0]"
    assert show(()) == ""


def test_a_key_that_is_no_plain_word_can_not_disturb_a_terminal() -> None:
    assert show(("a", "b c\n\x1b[31m")) == r'a["b c\n\u001b[31m"]'
    assert len(show(("x" * 10_000 + "!",))) < 80


def test_a_close_name_is_suggested_whatever_its_case() -> None:
    assert suggest("Upstrem", ["upstream", "routes"]) == " (did you mean upstream?)"


def test_nothing_is_suggested_where_nothing_is_close_or_the_name_is_right() -> None:
    assert suggest("zebra", ["upstream"]) == ""
    assert suggest("upstream", ["upstream"]) == ""
    assert suggest(5, ["upstream"]) == ""
    assert suggest("u" * 1000, ["upstream"]) == ""
