"""What tests know of the compiled edition (`scripts/test-compiled`)."""

from __future__ import annotations

from gateway.runtime.edition import is_compiled

IN_THE_READY_LINE = "compiled, " if is_compiled() else ""

DEPRECATED_THROW = r"ignore:the \(type, exc, tb\) signature of throw\(\) is deprecated:DeprecationWarning"
"""What compiled coroutines that are cancelled make Python 3.12 and later say, to who asks for warnings."""

ONLY_INTERPRETED: dict[str, list[str]] = {
    "they are about the source, which is not there": [
        "tests/project",
        "tests/caches/test_bounds.py::test_every_registered_cache_has_a_largest_input",
        "tests/commands/test_demo.py::test_the_shipped_file_is_that_of_the_clone",
        "tests/exactness/test_page.py::test_every_file_that_the_drawing_names_is_there",
        "tests/translation/test_catalogues.py",
    ],
    "they ask for __slots__, which compiled classes have none of": [
        "tests/runtime/test_frozen.py::test_a_token_with_other_times_is_the_same_in_all_else",
    ],
    "they put a mock in the place of a compiled class": [
        "tests/web/test_fast_path.py"
        "::test_it_takes_a_request_whose_body_has_not_come_or_in_part_but_none_with_bytes_behind_it",
    ],
}
"""The tests, or files or folders of them, that the compiled edition is not tested by, under the reason."""


def why_not(test: str) -> str | None:
    """The reason not to run the test of this node id, without parameters, here; None: it runs."""
    if not is_compiled():
        return None
    return next(
        (
            reason
            for reason, tests in ONLY_INTERPRETED.items()
            if any(test == one or test.startswith((f"{one}/", f"{one}::")) for one in tests)
        ),
        None,
    )
