"""What a caller calls itself: the product of its User-Agent, shortened to what can be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CHARACTER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]"
# RFC 9110 section 10.1.5: product = token ["/" product-version], in the order of their significance.
_PRODUCT = re.compile(rf"{_CHARACTER}{{1,40}}(?:/{_CHARACTER}{{1,20}})?")
_BROWSER = re.compile(r"\b(?:Firefox|Edg|OPR|Chrome|Version)/[0-9.]{1,20}")
"""Every browser says Mozilla/5.0 first. Safari has its version in `Version`."""


def library_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Such as `python-requests/2.32.3`; empty where the caller does not say, or nothing that is a product."""
    agent = next((value for name, value in headers if name.lower() == b"user-agent"), b"")
    text = agent[:400].decode("latin-1")
    if text.startswith("Mozilla/") and (browsers := [one[0] for one in _BROWSER.finditer(text)]):
        found = next((one for one in browsers if one.startswith(("Edg", "OPR"))), browsers[0])
        return found.replace("Version/", "Safari/").replace("Edg/", "Edge/").replace("OPR/", "Opera/")
    product = _PRODUCT.match(text)
    return "" if product is None else product[0]
