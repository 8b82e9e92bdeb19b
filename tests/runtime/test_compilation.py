"""What the compiler is told of classes is nothing to those who use them."""

from gateway.runtime.compilation import mypyc_attr


class Plain:
    """Any class."""


def test_a_class_stays_what_it_is() -> None:
    assert mypyc_attr(allow_interpreted_subclasses=True)(Plain) is Plain
