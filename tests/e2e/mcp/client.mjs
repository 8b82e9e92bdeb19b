// MCP clients of the official TypeScript SDKs: `node client.mjs PACKAGES sdk|client SCOPE ISSUER CLIENT SECRET URL…`.
// Prints for each URL what the server said, as JSON. SCOPE: what it asks for, whatever a challenge names; `-`: that.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, kind, asked, issuer, clientId, clientSecret, ...urls] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));

async function parts() {
  if (kind !== "sdk") return load("@modelcontextprotocol/client");
  return {
    ...(await load("@modelcontextprotocol/sdk/client/index.js")),
    ...(await load("@modelcontextprotocol/sdk/client/streamableHttp.js")),
    ...(await load("@modelcontextprotocol/sdk/client/auth-extensions.js")),
  };
}

const { Client, ClientCredentialsProvider, StreamableHTTPClientTransport } = await parts();

async function called(client, name) {
  try {
    return (await client.callTool({ name, arguments: { order: 7 } })).content[0].text;
  } catch (error) {
    return `refused: ${error}`;
  }
}

const listed = async (client) => (await client.listTools()).tools.map((tool) => tool.name).sort();

async function visit(url) {
  const provider = new ClientCredentialsProvider({
    clientId,
    clientSecret,
    expectedIssuer: issuer,
    scope: asked === "-" ? undefined : asked,
  });
  const scopes = [];
  const save = provider.saveTokens.bind(provider);
  provider.saveTokens = (tokens) => { scopes.push(tokens.scope); save(tokens); };
  const options = kind === "sdk" ? {} : { versionNegotiation: { mode: "auto" } };
  const client = new Client({ name: "visitor", version: "1" }, options);
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  await client.connect(transport);
  const said = { first: await listed(client), get: await called(client, "get_order") };
  said.delete = await called(client, "delete_order");
  said.after = await listed(client);
  said.scopes = scopes;
  await transport.terminateSession?.();
  await client.close();
  return said;
}

const said = [];
for (const url of urls) said.push(await visit(url));
console.log(JSON.stringify(said));
