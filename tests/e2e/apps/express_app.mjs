// Express as it comes: a folder of static files gets its slash by a redirect.
import { createRequire } from "node:module";
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [, , packages, port] = process.argv;
const express = createRequire(join(packages, "package.json"))("express");

const folder = mkdtempSync(join(tmpdir(), "express-"));
mkdirSync(join(folder, "items"));
writeFileSync(join(folder, "items", "index.html"), "items");

const app = express();
app.use(express.static(folder));
app.get("/login", (request, response) => {
    response.cookie("session", "me", { httpOnly: true });
    response.redirect(`${request.protocol}://${request.get("host")}/home`);
});
app.get("/home", (request, response) => {
    response.type("text").send(`hello ${/session=(\w+)/.exec(request.headers.cookie ?? "")?.[1]}`);
});
app.post("/echo", (request, response) => {
    let size = 0;
    request.on("data", (piece) => (size += piece.length));
    request.on("end", () => response.type("text").send(String(size)));
});
app.get("/events", (request, response) => {
    response.type("text/event-stream");
    for (let number = 0; number < 3; number++) response.write(`data: ${number}\n\n`);
    response.end();
});
const server = app.listen(Number(port), "127.0.0.1");
server.keepAliveTimeout = 500;
server.keepAliveTimeoutBuffer = 0;
