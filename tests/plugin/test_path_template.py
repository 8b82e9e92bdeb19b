import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.request_target import parse_target, path_segments
from gateway.plugin.path_template import PathTemplate

SEGMENT = st.text("abcXYZ0189-._~%", min_size=1, max_size=6).filter(
    lambda text: "%" not in text and text not in (".", "..")
)


def rewritten(template: str, to: str, path: str) -> str | None:
    found = PathTemplate.parse(template).match(path.encode())
    return None if found is None else PathTemplate.parse(to).fill(found).decode()


@pytest.mark.parametrize(
    ("template", "to", "path", "expected"),
    [
        ("/orders/{id}/items", "/v2/items/{id}", "/orders/7/items", "/v2/items/7"),
        ("/orders/{id}/items", "/v2/items/{id}", "/orders/7", None),
        ("/orders/{id}/items", "/v2/items/{id}", "/orders/7/items/", None),
        ("/{a}/{b}", "/{b}/{a}", "/x/caf%C3%A9", "/caf%C3%A9/x"),
        ("/old/{rest...}", "/new/{rest...}", "/old/a/b/", "/new/a/b/"),
        ("/old/{rest...}", "/new/{rest...}", "/old", "/new"),
        ("/old/{rest...}", "/{rest...}", "/old", "/"),
        ("/old/{rest...}", "/{rest...}", "/old//example.org/x", "/example.org/x"),
        ("/old/{rest...}", "/new/{rest...}", "/old//a", "/new//a"),
        ("/old/{rest...}", "/", "/older", None),
        ("/", "/index", "/", "/index"),
    ],
)
def test_paths_are_taken_apart_and_put_together(
    template: str, to: str, path: str, expected: str | None
) -> None:
    assert rewritten(template, to, path) == expected


@pytest.mark.parametrize(
    "template",
    [
        "",
        "orders",
        "//a",
        "/a/",
        "/{A}",
        "/x{a}",
        "/{a",
        "/{a}/{a}",
        "/{a...}/b",
        "/../a",
        "/%2e/a",
        "/..;x/a",
        "/a%2Fb",
        "/a%5cb",
        "/a%00",
        "/a b",
        "/a?b",
        "/a#b",
        "/%zz",
    ],
)
def test_a_template_that_no_path_could_have_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"must|has|can"):
        PathTemplate.parse(template)


@given(st.lists(SEGMENT, min_size=2, max_size=5))
def test_what_is_put_together_passes_the_same_judgement_and_means_the_same(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    parse_target(path.encode())
    made = rewritten("/{a}/{rest...}", "/v2/{rest...}", path)
    assert made is not None
    assert path_segments(made.encode()) == ("v2", *segments[1:])
