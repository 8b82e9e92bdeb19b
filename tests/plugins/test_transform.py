"""JSON bodies are changed by JSON Pointers."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from plugins.transform import BodyChanges, DocumentChanges, TransformConfig


def changed(document: Any, **changes: Any) -> Any:
    DocumentChanges(BodyChanges(**changes)).apply(document)
    return document


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"remove": ["/a"]}, {"b": {"c": [1, 2]}, "d": [{"e": 1}, {"e": 2}]}),
        ({"remove": ["/b/c/0"]}, {"a": 1, "b": {"c": [2]}, "d": [{"e": 1}, {"e": 2}]}),
        ({"remove": ["/d/*/e"]}, {"a": 1, "b": {"c": [1, 2]}, "d": [{}, {}]}),
        ({"remove": ["/d/*"]}, {"a": 1, "b": {"c": [1, 2]}, "d": []}),
        ({"rename": {"/a": "z"}}, {"z": 1, "b": {"c": [1, 2]}, "d": [{"e": 1}, {"e": 2}]}),
        ({"rename": {"/d/*/e": "f"}}, {"a": 1, "b": {"c": [1, 2]}, "d": [{"f": 1}, {"f": 2}]}),
        ({"set": {"/b/c/1": 5}}, {"a": 1, "b": {"c": [1, 5]}, "d": [{"e": 1}, {"e": 2}]}),
        ({"set": {"/b/c/-": 5}}, {"a": 1, "b": {"c": [1, 2, 5]}, "d": [{"e": 1}, {"e": 2}]}),
        ({"set": {"/a/b": 1, "/b/c/9": 1, "/b/c/01": 1}, "remove": ["/n", "/a/b", "/b/c/-1"]}, None),
    ],
)  # fmt: skip
def test_changes_by_pointer(changes: dict[str, Any], expected: Any) -> None:
    document = {"a": 1, "b": {"c": [1, 2]}, "d": [{"e": 1}, {"e": 2}]}
    before = json.loads(json.dumps(document))
    assert changed(document, **changes) == (before if expected is None else expected)


def test_objects_on_the_way_to_a_value_are_made() -> None:
    assert changed({"a": 1}, set={"/x/y": {"z": None}}) == {"a": 1, "x": {"y": {"z": None}}}


def test_names_with_slash_and_tilde_are_escaped() -> None:
    assert changed({"a/b": 1, "m~n": 2}, remove=["/a~1b", "/m~0n"]) == {}


@pytest.mark.parametrize("document", [1, "a", None, [], [[1]]])
def test_documents_of_another_shape_are_left_alone(document: Any) -> None:
    assert changed(document, remove=["/a/b"], rename={"/a/b": "c"}) == document


@pytest.mark.parametrize(
    "config",
    [{}, {"request": {}}, {"request": {"remove": ["a"]}}, {"request": {"remove": ["/a~2"]}}, {"max": 1}],
)
def test_a_configuration_without_changes_or_with_a_bad_pointer_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TransformConfig.model_validate(config)
