"""OpenTelemetry is configured by the environment, by the variables that its specification names.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

What only the exporters need (endpoints, headers, certificates, compression, time-outs) they read themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
HTTP, GRPC = "http/protobuf", "grpc"
SIGNALS = ("traces", "metrics", "logs")

# The specification's samplers: whether each heeds the caller's decision, and its ratio; None: the argument.
_SAMPLERS: dict[str, tuple[bool, float | None]] = {
    "always_on": (False, 1.0),
    "always_off": (False, 0.0),
    "traceidratio": (False, None),
    "parentbased_always_on": (True, 1.0),
    "parentbased_always_off": (True, 0.0),
    "parentbased_traceidratio": (True, None),
}


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How what waits for a collector is sent."""

    delay: float
    """Seconds between two batches."""
    max_queue: int
    """More that waits is dropped."""
    max_batch: int


@dataclass(frozen=True, slots=True)
class SamplerSettings:
    """Which requests are traced."""

    ratio: float = 1.0
    """Of the traces that begin here."""
    parent_based: bool = True
    """Whether of others the caller decides."""


@dataclass(frozen=True, slots=True)
class OtelSettings:
    """What is sent to a collector."""

    signals: frozenset[str]
    """Of `SIGNALS`; never empty."""
    sampler: SamplerSettings
    spans: BatchSettings
    log_records: BatchSettings
    metric_interval: float
    """Seconds."""
    by_grpc: frozenset[str] = frozenset()
    """Those of `signals` that are sent by gRPC; the others by HTTP."""


@dataclass(slots=True)
class _Variables:
    """Reads variables. An empty one counts as unset, as the specification demands."""

    environ: Mapping[str, str]
    problems: list[tuple[str, str]] = field(default_factory=list)

    def text(self, *names: str) -> str:
        """The first that is set; empty: none is."""
        return next((value for name in names if (value := self.environ.get(name, "").strip())), "")

    def is_true(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if text.isascii() and text.isdigit() and int(text) > 0:
            return int(text)
        self.problems.append((name, "must be a whole number above 0"))
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name).lower() or default
        if text in choices:
            return text
        self.problems.append((name, f"must be one of {', '.join(choices)}"))
        return default

    def ratio(self, name: str) -> float:
        try:
            ratio = float(self.text(name) or 1.0)
        except ValueError:
            ratio = -1.0
        if 0.0 <= ratio <= 1.0:
            return ratio
        self.problems.append((name, "must be a number from 0 to 1"))
        return 0.0


def read_otel(environ: Mapping[str, str]) -> tuple[OtelSettings | None, list[tuple[str, str]]]:
    """What the environment asks for, and what is wrong with it: a variable's name, and why.

    None: nothing is sent anywhere.
    """
    variables = _Variables(environ)
    if variables.is_true("OTEL_SDK_DISABLED"):
        return None, []
    signals = frozenset(signal for signal in SIGNALS if _wanted(signal, variables))
    by_grpc = frozenset(signal for signal in signals if _protocol(signal, variables) == GRPC)
    if not signals:
        return None, list(dict.fromkeys(variables.problems))
    settings = OtelSettings(
        signals=signals,
        sampler=_sampler(variables),
        spans=_batches("OTEL_BSP", 5000, variables),
        log_records=_batches("OTEL_BLRP", 1000, variables),
        metric_interval=variables.number("OTEL_METRIC_EXPORT_INTERVAL", 60_000) / 1000,
        by_grpc=by_grpc,
    )
    return settings, list(dict.fromkeys(variables.problems))


def _wanted(signal: str, variables: _Variables) -> bool:
    """Whether a signal is sent: `OTEL_…_EXPORTER` says so, or there is an endpoint for it."""
    name = signal.upper()
    endpoint = f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT"
    default = "otlp" if variables.text(endpoint, ENDPOINT) else "none"
    wanted = variables.choice(f"OTEL_{name}_EXPORTER", default, ("otlp", "none")) == "otlp"
    if wanted:
        _check_endpoint(endpoint, variables)
    return wanted


def _protocol(signal: str, variables: _Variables) -> str:
    for variable in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", PROTOCOL):
        if variables.text(variable):
            return variables.choice(variable, HTTP, (HTTP, GRPC))
    return HTTP


def _check_endpoint(endpoint: str, variables: _Variables) -> None:
    for variable in (endpoint, ENDPOINT):
        url = variables.text(variable)
        if url and not url.startswith(("http://", "https://")):
            variables.problems.append((variable, "must be a URL such as http://127.0.0.1:4318"))
            break


def _sampler(variables: _Variables) -> SamplerSettings:
    name = variables.choice("OTEL_TRACES_SAMPLER", "parentbased_always_on", tuple(_SAMPLERS))
    parent_based, ratio = _SAMPLERS[name]
    return SamplerSettings(
        variables.ratio("OTEL_TRACES_SAMPLER_ARG") if ratio is None else ratio, parent_based
    )


def _batches(prefix: str, delay: int, variables: _Variables) -> BatchSettings:
    numbers: dict[str, Any] = {
        "delay": variables.number(f"{prefix}_SCHEDULE_DELAY", delay) / 1000,
        "max_queue": variables.number(f"{prefix}_MAX_QUEUE_SIZE", 2048),
        "max_batch": variables.number(f"{prefix}_MAX_EXPORT_BATCH_SIZE", 512),
    }
    if numbers["max_batch"] > numbers["max_queue"]:
        variables.problems.append(
            (f"{prefix}_MAX_EXPORT_BATCH_SIZE", f"must not be above {prefix}_MAX_QUEUE_SIZE")
        )
    return BatchSettings(**numbers)
