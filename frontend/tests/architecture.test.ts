// The tree of src/ stays what it is meant to be: who may import whom, and how long a module may grow.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const MOST_LINES = 400;
const root = resolve(__dirname, "../src");
const modules = readdirSync(root, { recursive: true })
  .map(String)
  .filter((name) => statSync(join(root, name)).isFile() && /\.(ts|tsx|css)$/.test(name));

// What each folder may import besides itself and packages. The root (main, routes) may import everything.
const MAY: Record<string, string[]> = {
  lib: [],
  ui: ["lib"],
  api: ["lib"],
  state: ["api", "lib", "assets"],
  features: ["api", "lib", "state", "ui"],
  shell: ["api", "lib", "state", "ui", "features"],
  styles: [],
  assets: [],
};

function importsOf(name: string): string[] {
  const source = readFileSync(join(root, name), "utf8");
  const found = [...source.matchAll(/(?:from|import|@import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path]) => path ?? "");
  return found.map((path) => relative(root, resolve(root, dirname(name), path)));
}

const folderOf = (name: string) => (name.includes("/") ? (name.split("/")[0] ?? "") : "");

/** What `broken` says of each module, so that one run names every module that is wrong. */
function complaints(broken: (name: string) => string[]): string[] {
  return modules.flatMap((name) => broken(name).map((text) => `${name} ${text}`));
}

// schema.ts is made by scripts/schema.py, and as long as the contract.
test("no module has more than 400 lines", () => {
  const lines = (name: string) => readFileSync(join(root, name), "utf8").split("\n").length;
  expect(
    complaints((name) => (name !== "api/schema.ts" && lines(name) > MOST_LINES ? [`has ${lines(name)} lines`] : [])),
  ).toEqual([]);
});

test("a folder imports only what stands below it", () => {
  const found = complaints((name) => {
    const folder = folderOf(name);
    if (folder === "") return [];
    const allowed = [folder, ...(MAY[folder] ?? [])];
    // The type of a page's properties belongs to the table of routes.
    const isAllowed = (path: string) =>
      allowed.includes(folderOf(path)) || (path === "routes" && ["features", "shell"].includes(folder));
    return importsOf(name)
      .filter((path) => !isAllowed(path))
      .map((path) => `imports ${path}`);
  });
  expect(found).toEqual([]);
});

test("no feature imports another", () => {
  const feature = (name: string) => name.split("/")[1];
  const found = complaints((name) =>
    folderOf(name) === "features"
      ? importsOf(name).filter((path) => folderOf(path) === "features" && feature(path) !== feature(name))
      : [],
  );
  expect(found).toEqual([]);
});

test("only the API folder talks to the network", () => {
  const talks = (name: string) =>
    /\bfetch\(|new EventSource|XMLHttpRequest/.test(readFileSync(join(root, name), "utf8"));
  expect(complaints((name) => (folderOf(name) !== "api" && talks(name) ? ["talks"] : []))).toEqual([]);
});
