"""`logging`: log level, format and access log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.base import Section

STDERR, SYSLOG = "stderr", "syslog"


def check_audit_target(value: str) -> str:
    """Validates `logging.audit`: a file name, or one of the two words."""
    if not value.strip() or "\0" in value or value.endswith("/"):
        raise ValueError("must be a file, stderr or syslog")
    return value


AccessField = Literal[
    "agent",
    "host",
    "protocol",
    "upstream",
    "upstream_connect",
    "upstream_response",
    "error",
    "trace_id",
    "token_id",
]
"""What lines of the access log can have beyond what they always have."""
UPSTREAM_FIELDS = frozenset({"upstream", "upstream_connect", "upstream_response"})
"""Those for which requests to upstreams are timed."""

AuditTarget = Annotated[str, AfterValidator(check_audit_target)]


class LoggingSettings(Section):
    """Logging to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level that is logged: debug, info, warning or error."
    )
    format: Literal["json", "text"] = Field(default="json", description="json: one object a line; or text.")
    access: bool = Field(default=True, description="true: a line for each request.")
    fields: list[AccessField] = Field(
        default=[],
        description="Further fields of access log lines: agent, host, protocol, upstream, upstream_connect, "
        "upstream_response, error, trace_id, token_id.",
    )
    audit: AuditTarget | None = Field(
        default=None,
        description="Where it is recorded who did what: a file, stderr or syslog. null: nowhere.",
    )
