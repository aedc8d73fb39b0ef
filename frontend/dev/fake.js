// A stand-in for the daemon while the dashboard is developed: `npm run fake -- --scenario=many --port=8090`.
// Serves the built dashboard under the daemon's own content security policy, and an API with made-up data.
// Scenarios: many (default), empty, calm, few, errors (every read fails), slow (3 s an answer), readonly.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { answerApi } from "./fake-api.js";
import { makeWorld } from "./fake-world.js";

const option = (name, fallback) => process.argv.find((one) => one.startsWith(`--${name}=`))?.split("=")[1] ?? fallback;
const scenario = option("scenario", "many");
const port = Number(option("port", "8090"));
const base = option("base", "");

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'";
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html" };
const root = fileURLToPath(new URL("../../asura/web/static", import.meta.url));
const world = makeWorld(scenario);

function sendFile(path, response) {
  const name = normalize(path).replace(/^\/+/, "");
  const isAsset = name.startsWith("assets/");
  const file = isAsset ? join(root, name) : join(root, "index.html");
  try {
    const content = readFileSync(file);
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "text/plain", "Content-Security-Policy": CSP });
    response.end(isAsset ? content : String(content).replace('<base href="/"', `<base href="${base}/"`));
  } catch {
    response.writeHead(404).end();
  }
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://fake");
  const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) || "/" : url.pathname;
  if (!path.startsWith("/api/")) return sendFile(path, response);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return answerApi(world, {
    request,
    response,
    url,
    path: path.replace("/api/v1", ""),
    body: text ? JSON.parse(text) : null,
  });
});

server.listen(port, "127.0.0.1", () =>
  console.log(`fake Asura (${scenario}) at http://127.0.0.1:${port}${base}/, any key but "wrong"`),
);
