"""What `/status` tells of certificates."""

from __future__ import annotations

from typing import Any

from gateway.acme.folder import AcmeFolder
from gateway.config.model import Settings
from gateway.process.acme_renewal import acme_orders
from gateway.telemetry.snapshot import Gauges


def certificates(settings: Settings, gauges: Gauges, now: float) -> list[dict[str, Any]]:
    """Each certificate in use: its file, when it expires, and how its orders fare if it is one by ACME."""
    folder = AcmeFolder(settings.server.state_dir)
    orders = {str(folder.certificate(order)): folder.progress(order) for order in acme_orders(settings)}
    found = []
    for labels, expires in gauges.get("certificate_expiry", {}).items():
        file, progress = str(labels[0]), orders.get(str(labels[0]))
        acme = None
        if progress is not None:
            acme = {
                "issued": bool(progress.issued),
                "failures": progress.failures,
                "last_failure": progress.failure or None,
                "next_attempt": progress.next_attempt or None,
            }
        rejected = bool(gauges.get("certificate_rejected", {}).get(labels))
        entry = {"certificate": file, "expires": expires, "expires_in_seconds": round(expires - now, 1)}
        found.append({**entry, "rejected": rejected, "acme": acme})
    return found
