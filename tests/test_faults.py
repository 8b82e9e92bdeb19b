import gateway.faults as table
from gateway.faults import Fault, FaultKind, retry_after


def test_every_row_gives_a_problem_whose_status_is_its_own() -> None:
    rows = [row for row in vars(table).values() if isinstance(row, FaultKind)]
    assert len(rows) > 15
    for row in rows:
        problem = Fault(row).problem("id-1")
        assert problem["status"] == row.status
        assert problem["code"] == row.code
        assert problem["request_id"] == "id-1"
        assert problem["title"]
        assert problem["detail"]


def test_the_reason_stays_inside() -> None:
    fault = Fault(table.UPSTREAM_BROKEN, reason="10.0.0.7 refused")
    assert "10.0.0.7" not in str(fault.problem("id-1"))
    assert str(fault) == "10.0.0.7 refused"


def test_retry_after_is_never_zero() -> None:
    assert retry_after(0) == [(b"Retry-After", b"1")]
