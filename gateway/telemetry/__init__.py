"""What the gateway counts, and how Prometheus reads it.

Counting happens in plain dictionaries (`Telemetry`), because it happens several times a request. Reading
(`exposition`) turns them into Prometheus' text. Where several workers serve one port, each leaves its
numbers in a directory (`sharing`), so that whichever worker is asked answers for all of them.
"""

from gateway.telemetry.tallies import Telemetry, process_telemetry

__all__ = ["Telemetry", "process_telemetry"]
