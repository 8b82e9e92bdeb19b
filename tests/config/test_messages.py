"""What is said of a wrong value, in the words of the file's author. One of the environment is not shown."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gateway.config.messages import HIDDEN, describe
from gateway.config.problems import Place
from gateway.config.tree import Entry, Leaf, LeafValue, ListNode, MapNode, Node

HERE = Place(1, 1)


def echoing(value: str) -> str:
    raise ValueError(f"{value} is\nno good")


def silent(value: str) -> str:
    raise ValueError


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    word: str = ""
    number: int = 0
    share: float = 0
    flag: bool = False
    items: list[str] = []
    section: dict[str, str] = {}
    way: Literal["round_robin", "hash"] = "hash"
    least: Annotated[int, Ge(1)] = 1
    more: Annotated[int, Gt(1)] = 2
    most: Annotated[int, Le(9)] = 1
    less: Annotated[int, Lt(9)] = 1
    some: Annotated[list[int], Len(1)] = [1]
    two: Annotated[list[int], Len(2, 3)] = [1, 2]
    short: Annotated[str, Len(2, 3)] = "ab"
    digits: Annotated[str, Field(pattern="^[0-9]+$")] = "1"
    echo: Annotated[str, AfterValidator(echoing)] = ""
    quiet: Annotated[str, AfterValidator(silent)] = ""


def node(value: Any, *, of_environment: bool = False) -> Node:
    if isinstance(value, list):
        return ListNode(HERE, [node(item, of_environment=of_environment) for item in value])
    if isinstance(value, Mapping):
        entries = {key: Entry(HERE, node(one, of_environment=of_environment)) for key, one in value.items()}
        return MapNode(HERE, entries)
    return Leaf(HERE, value, of_environment)


def said(key: str, value: Any, *, of_environment: bool = False, keys: list[str] | None = None) -> str:
    with pytest.raises(ValidationError) as error:
        Model.model_validate({key: value})
    (detail,) = error.value.errors(include_url=False)
    return describe(detail, node(value, of_environment=of_environment), keys or list(Model.model_fields))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("word", 5, "must be a string, not a number: write it in quotes"),
        ("word", True, "must be a string, not a boolean: write it in quotes"),
        ("word", None, "must be a string, not nothing"),
        ("word", ["a"], "must be a string, not a list"),
        ("number", "many", "must be a whole number, not a string"),
        ("number", 1.5, "must be a whole number, not a number"),
        ("share", "half", "must be a number, not a string"),
        ("flag", "maybe", "must be true or false, not a string"),
        ("items", "a", "must be a list, not a string"),
        ("items", {"a": "b"}, "must be a list, not a mapping"),
        ("section", ["a"], "must be a mapping, not a list"),
    ],
)
def test_a_wrong_type_is_named_beside_the_right_one(key: str, value: Any, text: str) -> None:
    assert said(key, value) == text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("least", 0, "must be at least 1"),
        ("more", 1, "must be more than 1"),
        ("most", 10, "must be at most 9"),
        ("less", 9, "must be less than 9"),
        ("some", [], "must not be empty"),
        ("two", [1], "must have at least 2 items"),
        ("two", [1, 2, 3, 4], "must have at most 3 items"),
        ("short", "a", "must have at least 2 characters"),
        ("short", "abcd", "must have at most 3 characters"),
        ("digits", "x", "must match the pattern ^[0-9]+$"),
    ],
)
def test_a_limit_is_reported(key: str, value: Any, text: str) -> None:
    assert said(key, value) == text


def test_what_may_have_been_meant_is_suggested() -> None:
    assert said("nmber", 1) == "unknown key (did you mean number?)"
    assert said("zzz", 1) == "unknown key"
    text = said("way", "round-robin")
    assert text == "must be round_robin or hash (did you mean round_robin?)"
    assert said("way", "nothing like it") == "must be round_robin or hash"


@pytest.mark.parametrize("value", ["s3cret", "other"])
def test_a_value_of_the_environment_is_not_shown(value: LeafValue) -> None:
    assert said("echo", value, of_environment=True) == HIDDEN
    assert said("echo", value) == f"{value} is no good"


def test_a_check_without_words_says_at_least_something() -> None:
    assert said("quiet", "a") == "is not valid"


def test_what_is_missing_is_missing() -> None:
    class Needs(BaseModel):
        key: str

    with pytest.raises(ValidationError) as error:
        Needs.model_validate({})
    (detail,) = error.value.errors()
    assert describe(detail, node({}), []) == "is missing"
