"""A proxy plugin of your own: a route that is served from one hour of the day to another, in UTC."""

from datetime import UTC, datetime

from pydantic import Field

from gateway.plugin import Answer, Exchange, PluginConfig, ProxyPlugin


class OfficeHoursConfig(PluginConfig):
    """Options of the plugin."""

    begins: int = Field(ge=0, le=23, description="The first hour that is served.")
    ends: int = Field(ge=1, le=24, description="The first hour that is not.")


class OfficeHours(ProxyPlugin):
    """An `Answer` goes to the caller, and the upstream is not asked."""

    Config = OfficeHoursConfig

    def on_request(self, exchange: Exchange) -> Answer | None:
        """The route is known, the caller is not: who comes too late need not show a token."""
        hour = datetime.fromtimestamp(self.context.clock(), UTC).hour
        if self.config.begins <= hour < self.config.ends:
            return None
        return Answer(503, b"closed\n", [(b"Content-Type", b"text/plain")])
