// openid-client: discovery, client authentication, introspection, revocation, DPoP (it repeats for nonces).
import * as client from "openid-client";

const given = JSON.parse(process.env.GATEPOST);
const issuer = new URL(given.issuer);
const results = {};

async function key() {
  const der = Buffer.from(given.keys.ES256.replace(/-----[^-]+-----|\s/g, ""), "base64");
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  return { key: await crypto.subtle.importKey("pkcs8", der, kind, false, ["sign"]), kid: "es256" };
}

// By default the document is OpenID Connect's.
const config0 = await client.discovery(issuer, "basic", undefined, client.ClientSecretBasic("basic-secret"));
results.default = (await client.clientCredentialsGrant(config0)).token_type;

function discovered(id, authentication) {
  return client.discovery(issuer, id, undefined, authentication, { algorithm: "oauth2" });
}

async function life(id, authentication) {
  const config = await discovered(id, authentication);
  const token = await client.clientCredentialsGrant(config);
  const before = await client.tokenIntrospection(config, token.access_token);
  const reply = await client.fetchProtectedResource(config, token.access_token, new URL("/any", issuer), "GET");
  await client.tokenRevocation(config, token.access_token);
  const after = await client.tokenIntrospection(config, token.access_token);
  return [token.token_type, before.active, reply.status, after.active];
}

results.basic = await life("basic", client.ClientSecretBasic("basic-secret"));
results.post = await life("post", client.ClientSecretPost("post-secret"));
results.key = await life("keys", client.PrivateKeyJwt(await key()));

const config = await discovered("dpop", client.ClientSecretBasic("dpop-secret"));
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
const token = await client.clientCredentialsGrant(config, {}, { DPoP });
const ask = (options) =>
  client.fetchProtectedResource(
    config, token.access_token, new URL("/any", issuer), "GET", undefined, undefined, options,
  );
const reply = await ask({ DPoP });
const unproven = await ask(undefined).then(
  () => "taken",
  (error) => `${error.cause?.[0]?.parameters?.error ?? error.message}`,
);
results.dpop = [token.token_type, reply.status, unproven];

const wrong = await discovered("basic", client.ClientSecretBasic("wrong"));
results.wrong = await client.clientCredentialsGrant(wrong).then(
  () => "taken",
  (error) => error.status,
);
console.log(JSON.stringify(results));
