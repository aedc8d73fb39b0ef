// Fails the build when the bundle outgrows its limits: a dashboard must open at once on a phone at 3 in the morning.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

// Of these, 15 kB are how a job reports and what it reported: a chunk that only the page of a heartbeat fetches.
const ALL_LIMIT = 225_000;
const FIRST_LOAD_LIMIT = 60_000;
const root = fileURLToPath(new URL("../../asura/web/static", import.meta.url));

const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((name) => statSync(join(root, name)).isFile());
const all = files.reduce((sum, name) => sum + statSync(join(root, name)).size, 0);

// What the browser fetches before the first page stands: index.html with its scripts and styles, their static
// imports, and the overview with its own.
const first = new Set(["index.html"]);
const follow = (name) => {
  if (first.has(name)) return;
  first.add(name);
  if (!name.endsWith(".js")) return;
  const source = readFileSync(join(root, name), "utf8");
  for (const [, next] of source.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) follow(`assets/${basename(next)}`);
};
const index = readFileSync(join(root, "index.html"), "utf8");
for (const [, name] of index.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)) follow(name);
const overview = files.find((name) => basename(name).startsWith("overview-page-"));
if (!overview) throw new Error("There is no chunk for the overview: has its place changed?");
follow(overview);
const gzip = [...first].reduce((sum, name) => sum + gzipSync(readFileSync(join(root, name)), { level: 9 }).length, 0);

const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `dashboard: ${kb(all)} in all (limit ${kb(ALL_LIMIT)}), first load ${kb(gzip)} gzip (limit ${kb(FIRST_LOAD_LIMIT)})`,
);
if (all > ALL_LIMIT || gzip > FIRST_LOAD_LIMIT) {
  console.error("The dashboard is over its size limit: make it smaller, don't raise the limit.");
  process.exit(1);
}
