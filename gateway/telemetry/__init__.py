"""Metrics and their Prometheus exposition.

`Telemetry` counts in plain dictionaries, as it does so several times per request. `exposition` renders them
as Prometheus text. With several workers each publishes its numbers in a shared directory (`shared_metrics`),
so that any worker can answer a scrape for all of them.
"""

from gateway.telemetry.metrics import Telemetry, process_telemetry

__all__ = ["Telemetry", "process_telemetry"]
