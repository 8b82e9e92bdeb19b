// An MCP server of the official TypeScript SDKs: `node server.mjs PACKAGES sdk|server`; prints its port.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

const [packages, kind] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const z = await load("zod");

function addTools(server) {
  const inputSchema = kind === "sdk" ? { order: z.number() } : z.object({ order: z.number() });
  const says = (text) => ({ content: [{ type: "text", text }] });
  server.registerTool("get_order", { inputSchema }, ({ order }) => says(`order ${order}: 3 lamps`));
  server.registerTool("delete_order", { inputSchema }, ({ order }) => says(`order ${order} is gone`));
  return server;
}

async function withSessions() {
  // Protocol version 2025-11-25: sessions, and a stream by GET.
  const { McpServer } = await load("@modelcontextprotocol/sdk/server/mcp.js");
  const { StreamableHTTPServerTransport } = await load("@modelcontextprotocol/sdk/server/streamableHttp.js");
  const sessions = new Map();
  return async (request, response) => {
    let transport = sessions.get(request.headers["mcp-session-id"]);
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => sessions.set(id, transport),
      });
      await addTools(new McpServer({ name: "shop", version: "1" })).connect(transport);
    }
    await transport.handleRequest(request, response);
  };
}

async function withoutSessions() {
  // Protocol version 2026-07-28, and the older ones without sessions.
  const { McpServer, createMcpHandler } = await load("@modelcontextprotocol/server");
  const { toNodeHandler } = await load("@modelcontextprotocol/node");
  return toNodeHandler(createMcpHandler(() => addTools(new McpServer({ name: "shop", version: "2" }))));
}

const server = createServer(await (kind === "sdk" ? withSessions() : withoutSessions()));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
