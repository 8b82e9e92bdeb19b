"""What came of a test notice, in words that tell nothing of the gateway's network."""

from __future__ import annotations

from gateway.accounts.webhooks import TestOutcome
from gateway.translation.text import gettext


def outcome_words(outcome: TestOutcome) -> str:
    """One sentence."""
    if outcome.taken:
        return gettext("The test notice was taken: the receiver answered %(status)s.", status=outcome.status)
    if outcome.status:
        return gettext("The receiver did not take it: it answered %(status)s.", status=outcome.status)
    if "time" in outcome.reason:
        return gettext("The receiver did not answer in time.")
    if "Certificate" in outcome.reason:
        return gettext("The receiver has no valid certificate.")
    return gettext("The receiver could not be reached.")
