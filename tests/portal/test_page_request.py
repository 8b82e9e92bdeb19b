"""What a person filled in, and how a session is tied to a password."""

from __future__ import annotations

from gateway.portal.page_request import Fields, redirect_to


def test_fields_are_read_as_text_as_typed_and_as_boxes() -> None:
    fields = Fields((("name", " Ada "), ("scope", "a"), ("scope", "b"), ("scope", "a"), ("scope", "")))
    assert (fields.text("name"), fields.raw("name"), fields.raw("none")) == ("Ada", " Ada ", "")
    assert fields.ticked("scope") == ("a", "b")


def test_the_next_page_is_told_what_has_been_done() -> None:
    answer = redirect_to("/portal/applications", "saved")
    assert (answer.status, answer.headers["Location"]) == (303, "/portal/applications?done=saved")
