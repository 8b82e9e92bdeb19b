"""Lets requests in by the address they come from."""

from functools import lru_cache
from ipaddress import ip_address, ip_network

from pydantic import Field, model_validator

from gateway.plugin import REFUSED, Cidr, Exchange, Fault, PluginConfig, PluginContext, ProxyPlugin

REMEMBERED = 4096


class IpFilterConfig(PluginConfig):
    """Options of `ip_filter`."""

    allow: tuple[Cidr, ...] = Field(
        default=(),
        description="The networks or addresses that are let in, and no others. Empty: all but those of deny.",
    )
    deny: tuple[Cidr, ...] = Field(
        default=(), description="The networks or addresses that are refused, also where allow has them."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "IpFilterConfig":
        if not self.allow and not self.deny:
            raise ValueError("needs allow, deny or both: as it stands it would refuse nobody")
        return self


class IpFilter(ProxyPlugin):
    """Goes by the real peer: the address behind `server.trusted_proxies`, never by what a stranger claims."""

    Config = IpFilterConfig

    def __init__(self, config: IpFilterConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._allow = [ip_network(cidr) for cidr in config.allow]
        self._deny = [ip_network(cidr) for cidr in config.deny]
        self._admits = lru_cache(maxsize=REMEMBERED)(self._judge)

    def on_request(self, exchange: Exchange) -> None:
        """Refuses before a token is looked at."""
        if not self._admits(exchange.request.peer.address):
            raise Fault(REFUSED, "Requests from this address are not let in.")

    def _judge(self, address: str) -> bool:
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            # Who can't be told apart is nobody that was let in.
            return False
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        if any(mapped in network for network in self._deny):
            return False
        return not self._allow or any(mapped in network for network in self._allow)
