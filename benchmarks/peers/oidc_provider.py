"""oidc-provider with its in-memory store: a token server to compare `/token` with.

Its tokens are opaque; those for the resource `AUDIENCE` are JWTs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender
from benchmarks.signed import AUDIENCE, CLIENT, Signer

PROGRAM = """
const run = async () => {{
  const {{ default: Provider }} = await import('oidc-provider');
  const provider = new Provider('http://127.0.0.1:{port}', {{
    clients: [{{ client_id: 'demo', client_secret: 'demo-secret', grant_types: ['client_credentials'],
                redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256' }},
              {{ client_id: '{client}', token_endpoint_auth_method: 'private_key_jwt', jwks: {{ keys: [{public}] }},
                grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256' }}],
    jwks: {{ keys: [{private}] }},
    scopes: ['orders.read'],
    features: {{
      clientCredentials: {{ enabled: true }}, devInteractions: {{ enabled: false }}, dPoP: {{ enabled: true }},
      resourceIndicators: {{ enabled: true, getResourceServerInfo: () => ({{
        scope: 'orders.read', audience: '{audience}', accessTokenTTL: 600, accessTokenFormat: 'jwt',
        jwt: {{ sign: {{ alg: 'ES256' }} }},
      }}) }},
    }},
  }});
  provider.listen({port}, '127.0.0.1');
}};
run();
"""


class OidcProvider(Contender):
    """oidc-provider on Node."""

    name = "oidc-provider"

    def __init__(self, folder: Path, modules: Path, signer: Signer) -> None:
        super().__init__(folder)
        self._modules, self._signer = modules, signer

    def command(self) -> Sequence[str]:
        # Beside node_modules, so that Node finds them.
        program = self._modules.parent / f"provider-{self.port}.cjs"
        program.write_text(
            PROGRAM.format(
                port=self.port, client=CLIENT, audience=AUDIENCE,
                public=json.dumps(self._signer.public), private=json.dumps(Signer().private),
            )
        )  # fmt: skip
        return ["env", "NODE_ENV=production", "node", str(program)]
