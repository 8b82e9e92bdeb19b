"""Rewrites the path of the upstream request."""

from pydantic import Field, model_validator

from gateway.plugin import (
    NO_ROUTE,
    Exchange,
    PathTemplate,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    RequestHead,
    is_under,
)


class RewriteConfig(PluginConfig):
    """Options of `rewrite`."""

    path: str = Field(description="Template for the client's whole path.")
    to: str = Field(
        description="The path that is sent upstream, built from the same names. strip_prefix does not"
        " apply; a path in the upstream's URL is still put in front."
    )
    others: bool = Field(
        default=True,
        description="true: paths that do not match path are passed on unchanged. false: they get 404.",
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> "RewriteConfig":
        source, target = PathTemplate.parse(self.path), PathTemplate.parse(self.to)
        unknown = sorted(target.names - source.names)
        if unknown:
            raise ValueError(f"to has a name that path has not: {', '.join(unknown)}")
        if source.rest is not None and target.names & {source.rest} and target.rest != source.rest:
            raise ValueError(
                f"{source.rest} stands for several segments, so it can only stand as "
                f"{{{source.rest}...}} at the end of to"
            )
        return self


class Rewrite(ProxyPlugin):
    """Rewrites paths. Segments are copied byte for byte, as they were validated in the client's path."""

    Config = RewriteConfig
    head_only = ("on_forward",)

    def __init__(self, config: RewriteConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._path = PathTemplate.parse(config.path)
        self._to = PathTemplate.parse(config.to)

    def on_forward(self, exchange: Exchange) -> None:
        """Replaces the path of the upstream request."""
        request, forward = exchange.request, exchange.forward
        values = self._path.match(request.path)
        if values is None:
            if not self.config.others:
                raise Problem(NO_ROUTE)
            return
        if forward is not None:
            query = b"" if request.query is None else b"?" + request.query
            forward.target = exchange.route.base_path + self._to.fill(values) + query

    def client_path(self, path: bytes, request: RequestHead) -> bytes | None:
        """The way back: `to` read as the upstream's path, `path` filled with its segments.

        Names that stand in `path` alone keep the values of the client's request.
        """
        own = self._path.match(request.path)
        if own is None:
            return None
        if self._stays(path):
            return path
        found = self._to.match(path)
        return None if found is None else self._path.fill({**own, **found})

    def _stays(self, path: bytes) -> bool:
        """Whether the path is under the client's prefix already, since the upstream knows of it."""
        client, upstream = self._path.literal_prefix, self._to.literal_prefix
        if not client or not is_under(path, client):
            return False
        return len(upstream) <= len(client) or not is_under(path, upstream)

    def summary(self) -> str:
        """The two templates, for `gatepost explain`."""
        return f"Rewrite ({self.config.path} -> {self.config.to})"
