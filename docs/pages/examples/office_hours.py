"""A custom proxy plugin: serves a route only between two hours of the day, in UTC."""

from datetime import UTC, datetime

from pydantic import Field

from gateway.plugin import Exchange, PluginConfig, ProxyPlugin, Response


class OfficeHoursConfig(PluginConfig):
    """Options of the plugin."""

    begins: int = Field(ge=0, le=23, description="First hour in which the route is served.")
    ends: int = Field(ge=1, le=24, description="First hour in which it is no longer served.")


class OfficeHours(ProxyPlugin):
    """Answers 503 outside the configured hours; the request is not sent upstream."""

    Config = OfficeHoursConfig

    def on_request(self, exchange: Exchange) -> Response | None:
        """Runs before the token is checked."""
        hour = datetime.fromtimestamp(self.context.clock(), UTC).hour
        if self.config.begins <= hour < self.config.ends:
            return None
        return Response(503, b"closed\n", [(b"Content-Type", b"text/plain")])
