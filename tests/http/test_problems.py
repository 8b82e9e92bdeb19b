import gateway.http.problems as table
from gateway.http.problems import Problem, ProblemType, retry_after


def test_every_row_gives_a_problem_whose_status_is_its_own() -> None:
    rows = [row for row in vars(table).values() if isinstance(row, ProblemType)]
    assert len(rows) > 15
    for row in rows:
        problem = Problem(row).document("id-1")
        assert problem["status"] == row.status
        assert problem["code"] == row.code
        assert problem["request_id"] == "id-1"
        assert problem["title"]
        assert problem["detail"]


def test_the_reason_stays_inside() -> None:
    problem = Problem(table.UPSTREAM_BROKEN, reason="10.0.0.7 refused")
    assert "10.0.0.7" not in str(problem.document("id-1"))
    assert str(problem) == "10.0.0.7 refused"


def test_retry_after_is_never_zero() -> None:
    assert retry_after(0) == [(b"Retry-After", b"1")]
