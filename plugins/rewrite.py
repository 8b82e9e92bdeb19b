"""Sends a request upstream under another path."""

from pydantic import Field, model_validator

from gateway.plugin import NO_ROUTE, Exchange, Fault, PathTemplate, PluginConfig, PluginContext, ProxyPlugin


class RewriteConfig(PluginConfig):
    """Options of `rewrite`."""

    path: str = Field(
        description="The caller's whole path as a template: {name} is one segment, {name...} at the end all "
        "that are left."
    )
    to: str = Field(
        description="The path that goes upstream, put together from the same names. strip_prefix has no say "
        "in it; the query stays as it came."
    )
    others: bool = Field(
        default=True, description="Whether paths of another form go on as they are. false: they are 404."
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> "RewriteConfig":
        taken, given = PathTemplate.parse(self.path), PathTemplate.parse(self.to)
        unknown = sorted(given.names - taken.names)
        if unknown:
            raise ValueError(f"to has a name that path has not: {', '.join(unknown)}")
        if taken.rest is not None and given.names & {taken.rest} and given.rest != taken.rest:
            raise ValueError(
                f"{taken.rest} stands for several segments, so it can only stand as "
                f"{{{taken.rest}...}} at the end of to"
            )
        return self


class Rewrite(ProxyPlugin):
    """What the names stand for is passed on byte for byte: it has been judged with the caller's path."""

    Config = RewriteConfig
    by_head = ("on_forward",)

    def __init__(self, config: RewriteConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._path = PathTemplate.parse(config.path)
        self._to = PathTemplate.parse(config.to)

    def on_forward(self, exchange: Exchange) -> None:
        """Puts the new path in place of the one that would have gone upstream."""
        request, forward = exchange.request, exchange.forward
        found = self._path.match(request.path)
        if found is None:
            if not self.config.others:
                raise Fault(NO_ROUTE)
            return
        if forward is not None:
            query = b"" if request.query is None else b"?" + request.query
            forward.target = exchange.route.base_path + self._to.fill(found) + query

    def summary(self) -> str:
        """The two templates."""
        return f"Rewrite ({self.config.path} -> {self.config.to})"
