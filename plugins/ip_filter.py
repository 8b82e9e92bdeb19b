"""Allows or denies requests by client address."""

from ipaddress import ip_address, ip_network

from pydantic import Field, model_validator

from gateway.plugin import (
    FORBIDDEN,
    Cidr,
    Exchange,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    cached,
    register_cache,
)

_ADDRESSES = register_cache(
    "addresses of ip_filter", __name__, entries=4096, key_bytes=64, total_bytes=2 * 1024 * 1024
)


class IpFilterConfig(PluginConfig):
    """Options of `ip_filter`."""

    allow: tuple[Cidr, ...] = Field(
        default=(),
        description="Allowed networks or addresses, and no others. Empty: all except those in deny.",
    )
    deny: tuple[Cidr, ...] = Field(
        default=(), description="Denied networks or addresses; takes precedence over allow."
    )

    @model_validator(mode="after")
    def _not_empty(self) -> "IpFilterConfig":
        if not self.allow and not self.deny:
            raise ValueError("needs allow, deny or both: as it stands it would refuse nobody")
        return self


class IpFilter(ProxyPlugin):
    """Uses the client address as seen through `server.trusted_proxies`, never an untrusted header."""

    Config = IpFilterConfig

    def __init__(self, config: IpFilterConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._allow = [ip_network(cidr) for cidr in config.allow]
        self._deny = [ip_network(cidr) for cidr in config.deny]
        self._admits = cached(_ADDRESSES)(self._is_allowed)

    def on_request(self, exchange: Exchange) -> None:
        """Rejects denied addresses before token validation."""
        if not self._admits(exchange.request.peer.address):
            raise Problem(FORBIDDEN, "Requests from this address are not let in.")

    def _is_allowed(self, address: str) -> bool:
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            # An unknown address is on no allow list.
            return False
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        if any(mapped in network for network in self._deny):
            return False
        return not self._allow or any(mapped in network for network in self._allow)
