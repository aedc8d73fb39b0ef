// What the daemon says of its monitor and channel types (GET /api/v1/types), asked of its own code.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = process.env.ASURA_PYTHON ?? here("../../.venv/bin/python");

export const TYPES = JSON.parse(
  execFileSync(python, [here("form_types.py")], { cwd: here("../.."), encoding: "utf8" }),
);
