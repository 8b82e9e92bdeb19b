"""`management`: the listener for operators."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gateway.config.addresses import Host, Port
from gateway.config.base import Section


class ManagementSettings(Section):
    """The listener for operators: /healthz, /readyz and /metrics."""

    host: Host = Field(default="127.0.0.1", description="The address to bind to; keep it private.")
    port: Port = Field(default=9280, description="The port; 0 is any free port.")


def _switched_off(value: object) -> object:
    if value is False:
        return None
    if not isinstance(value, dict | ManagementSettings):
        raise PydanticCustomError("needs_bool", "must be a mapping with host and port, or false")
    return value


def _null_is_false(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"const": False} if item == {"type": "null"} else item for item in schema["anyOf"]]


ManagementOrFalse = Annotated[
    ManagementSettings | None, BeforeValidator(_switched_off), Field(json_schema_extra=_null_is_false)
]
