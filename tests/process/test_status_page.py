"""A status document as a page."""

from gateway.process.status_page import status_page


def test_mappings_become_rows_and_lists_of_alike_mappings_one_table() -> None:
    page = status_page("/status", {"up": True, "none_yet": None, "workers": [{"pid": 1}, {"pid": 2}]})
    assert '<th scope="row">up</th><td>yes</td>' in page
    assert '<th scope="row">none yet</th><td>none</td>' in page
    assert '<table><tr><th scope="col">pid</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table>' in page
    assert "<title>Gatepost status</title>" in page


def test_values_are_inert() -> None:
    hostile = "<script>alert(1)</script>"
    page = status_page("/routes", {hostile: hostile, "list": [hostile], "empty": {}, "nothing": []})
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3
