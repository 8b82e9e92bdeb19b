"""The environment variables of OpenTelemetry."""

from __future__ import annotations

import pytest

from gateway.config.otel import BatchSettings, SamplerSettings, read_otel

URL = "http://127.0.0.1:4318"
ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": URL}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SERVICE_NAME": "shop"},
        {**ON, "OTEL_SDK_DISABLED": "true", "OTEL_TRACES_SAMPLER": "nonsense"},
        {**ON, **{f"OTEL_{name}_EXPORTER": "none" for name in ("TRACES", "METRICS", "LOGS")}},
    ],
)
def test_nothing_is_sent_unless_it_is_asked_for(environ: dict[str, str]) -> None:
    assert read_otel(environ) == (None, [])


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        (ON, {"traces", "metrics", "logs"}),
        ({**ON, "OTEL_LOGS_EXPORTER": "none"}, {"traces", "metrics"}),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, {"metrics"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{URL}/v1/traces"}, {"traces"}),
    ],
)
def test_an_endpoint_or_an_exporter_asks_for_it(environ: dict[str, str], signals: set[str]) -> None:
    settings, problems = read_otel(environ)
    assert settings is not None
    assert (settings.signals, problems) == (signals, [])


def test_the_defaults_are_the_specifications() -> None:
    settings, _ = read_otel(ON)
    assert settings is not None
    assert settings.sampler == SamplerSettings(1.0, parent_based=True)
    assert settings.spans == BatchSettings(5.0, 2048, 512)
    assert settings.log_records == BatchSettings(1.0, 2048, 512)
    assert settings.metric_interval == 60.0


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("always_on", SamplerSettings(1.0, parent_based=False)),
        ("always_off", SamplerSettings(0.0, parent_based=False)),
        ("traceidratio", SamplerSettings(0.25, parent_based=False)),
        ("parentbased_always_on", SamplerSettings(1.0)),
        ("parentbased_always_off", SamplerSettings(0.0)),
        ("parentbased_traceidratio", SamplerSettings(0.25)),
    ],
)
def test_the_samplers_are_the_specifications(name: str, sampler: SamplerSettings) -> None:
    settings, problems = read_otel({**ON, "OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": "0.25"})
    assert settings is not None
    assert (settings.sampler, problems) == (sampler, [])


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", "must be a URL"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "collector", "must be a URL"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "must be one of http/protobuf, grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "must be one of http/protobuf, grpc"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "must be one of otlp, none"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "must be one of always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s", "must be a whole number above 0"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "0", "must be a whole number above 0"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1", "must be a whole number above 0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096", "must not be above OTEL_BSP_MAX_QUEUE_SIZE"),
    ],
)
def test_what_is_wrong_is_said_by_name(name: str, value: str, problem: str) -> None:
    _, problems = read_otel({**ON, name: value})
    assert [(found, text[: len(problem)]) for found, text in problems] == [(name, problem)]


@pytest.mark.parametrize("ratio", ["2", "-0.1", "half", "nan"])
def test_a_ratio_is_from_0_to_1(ratio: str) -> None:
    environ = {**ON, "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}
    assert read_otel(environ)[1] == [("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1")]


def test_each_signal_goes_by_the_protocol_that_is_named_for_it() -> None:
    by_grpc = {**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    for environ, expected in (
        (ON, set()),
        (by_grpc, {"traces", "metrics", "logs"}),
        ({**by_grpc, "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"}, {"traces", "metrics"}),
        ({**ON, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, {"traces"}),
        ({**by_grpc, "OTEL_METRICS_EXPORTER": "none"}, {"traces", "logs"}),
    ):
        settings, problems = read_otel(environ)
        assert settings is not None
        assert (settings.by_grpc, problems) == (expected, [])
