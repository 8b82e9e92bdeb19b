"""OpenTelemetry: what is sent to a collector, by OTLP.

What the proxied path does is little, and with plain values: `tracer` begins a trace and says what upstreams
get, `span` is what was seen of an operation, `batch_queue` takes it, or drops it where too much waits. A
thread makes OpenTelemetry's objects of it and sends them (`exporters`, which imports the SDK).
"""
