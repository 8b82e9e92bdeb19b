// oauth4webapi: discovery, every client authentication, introspection, revocation, DPoP with nonces.
import https from "node:https";
import * as oauth from "oauth4webapi";

const given = JSON.parse(process.env.GATEPOST);
const issuer = new URL(given.issuer);
const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(issuer, found);
const results = {};

const kinds = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
};

async function key(algorithm) {
  const der = Buffer.from(given.keys[algorithm].replace(/-----[^-]+-----|\s/g, ""), "base64");
  return {
    key: await crypto.subtle.importKey("pkcs8", der, kinds[algorithm], false, ["sign"]),
    kid: algorithm.toLowerCase(),
  };
}

// The platform's fetch can't show a certificate.
function fetchWithCertificate(url, { method, headers, body }) {
  const { promise, resolve, reject } = deferred();
  const certificate = { cert: given.certificate, key: given.certificate };
  const request = https.request(url, { method, headers, ca: given.ca, ...certificate }, (answer) => {
    const pieces = [];
    answer.on("data", (piece) => pieces.push(piece));
    answer.on("end", () => {
      const init = { status: answer.statusCode, headers: answer.headers };
      resolve(new Response(Buffer.concat(pieces), init));
    });
  });
  request.on("error", reject);
  request.end(body?.toString());
  return promise;
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

async function life(id, authentication, options = {}) {
  const client = { client_id: id };
  const form = new URLSearchParams();
  let token, answer;
  answer = await oauth.clientCredentialsGrantRequest(server, client, authentication(), form, options);
  token = await oauth.processClientCredentialsResponse(server, client, answer);
  const look = async () => {
    answer = await oauth.introspectionRequest(server, client, authentication(), token.access_token, options);
    return oauth.processIntrospectionResponse(server, client, answer);
  };
  const before = await look();
  answer = await oauth.revocationRequest(server, client, authentication(), token.access_token, options);
  await oauth.processRevocationResponse(answer);
  const after = await look();
  return [token.token_type, before.active, before.client_id, after.active];
}

async function again(ask) {
  try {
    return [await ask(), false];
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return [await ask(), true];
  }
}

async function proven(algorithm) {
  const client = { client_id: "basic" };
  const pair = await oauth.generateKeyPair(algorithm);
  const DPoP = oauth.DPoP(client, pair);
  const authentication = oauth.ClientSecretBasic("basic-secret");
  const [token, asked] = await again(async () => {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, { DPoP });
    return oauth.processClientCredentialsResponse(server, client, answer);
  });
  const url = new URL("/any?a=b", issuer);
  const [reply] = await again(() =>
    oauth.protectedResourceRequest(token.access_token, "GET", url, undefined, undefined, { DPoP }),
  );
  const looked = await oauth.introspectionRequest(server, client, authentication, token.access_token);
  const facts = await oauth.processIntrospectionResponse(server, client, looked);
  const jkt = await DPoP.calculateThumbprint();
  return [token.token_type, asked, reply.status, facts.token_type, facts.cnf.jkt === jkt];
}

results.basic = await life("basic", () => oauth.ClientSecretBasic("basic-secret"));
results.post = await life("post", () => oauth.ClientSecretPost("post-secret"));
for (const algorithm of Object.keys(kinds)) {
  const private_key = await key(algorithm);
  results[algorithm] = await life("keys", () => oauth.PrivateKeyJwt(private_key));
}
const tls = { [oauth.customFetch]: fetchWithCertificate };
results.tls = await life("subject", () => oauth.TlsClientAuth(), tls);
for (const algorithm of ["ES256", "RS256", "PS256", "Ed25519"]) {
  results[`DPoP ${algorithm}`] = await proven(algorithm);
}
const resource = new URL("/any", issuer);
const described = await oauth.resourceDiscoveryRequest(resource);
const told = await oauth.processResourceDiscoveryResponse(resource, described);
results.resource = told.authorization_servers;
console.log(JSON.stringify(results));
