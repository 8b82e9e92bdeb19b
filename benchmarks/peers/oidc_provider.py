"""oidc-provider with its in-memory store: a token server to compare `/token` with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender

PROGRAM = """
const run = async () => {{
  const {{ default: Provider }} = await import('oidc-provider');
  const provider = new Provider('http://127.0.0.1:{port}', {{
    clients: [{{ client_id: 'demo', client_secret: 'demo-secret', grant_types: ['client_credentials'],
                redirect_uris: [], response_types: [] }}],
    features: {{ clientCredentials: {{ enabled: true }}, devInteractions: {{ enabled: false }} }},
  }});
  provider.listen({port}, '127.0.0.1');
}};
run();
"""


class OidcProvider(Contender):
    """oidc-provider on Node."""

    name = "oidc-provider"

    def __init__(self, folder: Path, modules: Path) -> None:
        super().__init__(folder)
        self._modules = modules

    def command(self) -> Sequence[str]:
        # Beside node_modules, so that Node finds them.
        program = self._modules.parent / f"provider-{self.port}.cjs"
        program.write_text(PROGRAM.format(port=self.port))
        return ["env", "NODE_ENV=production", "node", str(program)]
