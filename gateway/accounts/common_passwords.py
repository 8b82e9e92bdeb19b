"""Common passwords, which are guessed first (NIST SP 800-63B section 3.1.1.2)."""

from __future__ import annotations

from string import digits, punctuation

from gateway.runtime.caches import MIB, cached_unchecked, register

_AROUND = digits + punctuation + " "
"""Characters that people add to a common password where a rule demands it."""
_MIN_LENGTH = 4
"""Characters of a common password that make a longer one common: short words are listed, too."""


def is_common(password: str) -> bool:
    """Whether it is one of the 30,000 most common ones, in any case, or one with digits added."""
    word = password.lower()
    core = word.strip(_AROUND)
    return word in _most_common() or (len(core) >= _MIN_LENGTH and core in _most_common())


_LIST = register("common passwords", __name__, entries=1, total_bytes=14 * MIB)


@cached_unchecked(_LIST)
def _most_common() -> frozenset[str]:
    # Takes a tenth of a second and 14 MB, and most workers never need it.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])
