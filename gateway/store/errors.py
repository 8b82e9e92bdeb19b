"""What can be wrong with a client in the store."""

from gateway.errors import GatepostError


class ClientExists(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """There is a client of this id already."""


class ClientMissing(GatepostError):  # noqa: N818 (as above)
    """There is no client of this id, or no longer."""


class ClientUnreadable(GatepostError):  # noqa: N818 (as above)
    """The record of this client in the store is not one of ours."""


class ClientContended(GatepostError):  # noqa: N818 (as above)
    """Others changed this client again and again while a change was being made."""
