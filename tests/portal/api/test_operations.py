"""The table of operations."""

from __future__ import annotations

from gateway.portal.api.operations import OPERATIONS


def test_each_operation_stands_there_once() -> None:
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)


def test_its_parameters_are_those_of_path_and_query() -> None:
    by_name = {one.name: one.parameters for one in OPERATIONS}
    assert by_name["getKeys"] == ("applicationId", "keyMappingId")
    assert by_name["listApplications"] == ("query", "limit", "offset")
