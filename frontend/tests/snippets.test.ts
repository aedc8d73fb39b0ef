// @vitest-environment node
// The lines that people paste are run here, against a server that writes down what it is told.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { crontabTime, inCrontab, inKubernetes } from "../src/features/monitor/crontab";
import { type Job, unitName, waysFor } from "../src/features/monitor/snippets";

const TOKEN = "abcDEF_-0123456789abcDEF_-012345";
const LIMIT_MS = 30_000;
/** What a careless line would take for a format or a line break. */
const OUTPUT = "100 % done \\n";

interface Heard {
  /** Behind the token: `/start`. */
  end: string;
  rid: string | null;
  method: string;
  body: string;
}

let server: Server;
let folder = "";
let job: Job;
let heard: Heard[] = [];
let printed = "";

beforeEach(async () => {
  heard = [];
  folder = mkdtempSync(join(tmpdir(), "asura-snippets-"));
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", "http://asura");
    heard.push({
      end: url.pathname.replace(`/api/v1/heartbeat/${TOKEN}`, ""),
      rid: url.searchParams.get("rid"),
      method: request.method ?? "",
      body: Buffer.concat(chunks).toString(),
    });
    response.end('{"status":"ok"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/api/v1/heartbeat/${TOKEN}`;
  job = { url, name: "Nightly backup", interval: 86_400, schedule: "", timezone: "UTC" };
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A program that prints 100 % of a line and ends with a status. */
function program(status: number): string {
  const path = join(folder, "job");
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' '${OUTPUT}'\nexit ${status}\n`, { mode: 0o755 });
  return path;
}

function snippet(way: string, at: number, replaced: Job = job): string {
  const code = waysFor(replaced).find((one) => one.value === way)?.snippets[at]?.code;
  if (code === undefined) throw new Error(`There is no snippet ${at} for ${way}.`);
  return code;
}

/** Runs a program without the proxies and settings of this machine; its exit status. What it says goes to `printed`. */
function run(command: string, argv: string[], env: Record<string, string> = {}): Promise<number> {
  const options = { timeout: LIMIT_MS, env: { PATH: process.env.PATH ?? "", ...env } };
  return new Promise((resolve) => {
    const child = execFile(command, argv, options, (_, stdout, stderr) => {
      printed = stdout + stderr;
      resolve(child.exitCode ?? -1);
    });
  });
}

const sh = (code: string, env = {}) => run("sh", ["-c", code], env);

/** What cron gives to sh of a line: what is behind five fields, its percent signs as crontab(5) has them. */
const fromCrontab = (line: string) =>
  line
    .split(" ")
    .slice(5)
    .join(" ")
    .replace(/([^\\])%.*/s, "$1")
    .replaceAll("\\%", "%");

/** What a run of `status` must have told, however it was run. */
function expectRun(status: number, body: unknown = OUTPUT): void {
  expect(heard.map((one) => one.end)).toEqual(["/start", `/${status}`]);
  const [start, end] = heard;
  expect(start?.rid).toMatch(/^[A-Za-z0-9._:-]{1,64}$/);
  expect(end?.rid).toBe(start?.rid);
  expect(end?.body.trim()).toEqual(body);
}

test("a success is told by the short shell line, and nothing else is", async () => {
  expect(await sh(snippet("shell", 0).replace("/path/to/job", program(0)))).toBe(0);
  expect(heard).toMatchObject([{ end: "", method: "GET" }]);
  expect(await sh(snippet("shell", 0).replace("/path/to/job", program(3)))).toBe(3);
  expect(heard).toHaveLength(1);
});

test.each([0, 3, 255])("the shell script tells status %i with the output, and ends with it", async (status) => {
  expect(await sh(snippet("shell", 1).replace("/path/to/job", program(status)))).toBe(status);
  expectRun(status);
});

test("the shell script runs the job although Asura can't be reached, and ends with its status", async () => {
  const nobody = { ...job, url: "http://127.0.0.1:9/api/v1/heartbeat/x" };
  const impatient = snippet("shell", 1, nobody).replaceAll(/--retry \d/g, "--retry 0");
  expect(await sh(impatient.replace("/path/to/job", program(4)))).toBe(4);
});

test("the short line of a crontab tells a success", async () => {
  expect(await sh(fromCrontab(snippet("cron", 0).replace("/path/to/job", program(0))))).toBe(0);
  expect(heard).toMatchObject([{ end: "", method: "GET" }]);
});

// Some read a crontab's line without cron: it must say the same to a shell that gets it as it stands.
test.each([
  [0, "cron", fromCrontab],
  [3, "cron", fromCrontab],
  [3, "a shell", (line: string) => line.split(" ").slice(5).join(" ")],
])("the whole line of a crontab tells, prints and returns status %i by %s", async (status, _, read) => {
  const line = snippet("cron", 1).replace("/path/to/job", program(status));
  expect(line).not.toContain("\n");
  for (const [shell, ...options] of [["sh"], ["bash", "--norc"]] as const) {
    heard = [];
    expect(await run(shell, [...options, "-c", read(line)])).toBe(status);
    expectRun(status);
    expect(printed).toBe(`${OUTPUT}\n`);
  }
});

test.each([
  ["shell", 1],
  ["cron", 1],
])("the whole run by %s prints nothing of a job that prints nothing, or cron would mail it", async (way, at) => {
  const code = snippet(way, at).replace("/path/to/job", "true");
  expect(await sh(way === "cron" ? fromCrontab(code) : code)).toBe(0);
  expect(printed).toBe("");
  expectRun(0, "");
});

test("a percent sign of the URL is escaped in a crontab and in a unit", () => {
  const odd = { ...job, url: "https://asura.example.org/a%20b/heartbeat/x" };
  expect(snippet("cron", 0, odd)).toContain("a\\%20b");
  expect(snippet("systemd", 0, odd)).toContain("a%%20b");
});

test.each([
  ["success", "exited", "0", "/0"],
  ["exit-code", "exited", "3", "/3"],
  // SuccessExitStatus= makes another status a success.
  ["success", "exited", "143", "/0"],
  ["timeout", "killed", "TERM", "/fail"],
])("a unit that ends with %s, %s %s tells %s", async (result, code, status, end) => {
  const unit = snippet("systemd", 1).replaceAll("\\\n", "\n");
  const [, command = ""] = /ExecStopPost=-\/bin\/sh -c '(.*)'/s.exec(unit) ?? [];
  const told = { SERVICE_RESULT: result, EXIT_CODE: code, EXIT_STATUS: status, INVOCATION_ID: "0123abcd" };
  expect(await sh(command.replaceAll("$$", "$"), told)).toBe(0);
  expect(heard).toMatchObject([{ end, rid: "0123abcd", body: `systemd: ${result}` }]);
});

test.each([0, 7])("the container of a CronJob tells status %i with the output", async (status) => {
  const manifest = snippet("kubernetes", 0);
  const [, script = ""] = /args:\n +- \|\n(.*)$/s.exec(manifest) ?? [];
  const [, url = ""] = /value: "(.*)"/.exec(manifest) ?? [];
  const env = { PING_URL: url, HOSTNAME: "nightly-backup-29061234-x7k2p" };
  expect(await sh(script.replace("/path/to/job", program(status)), env)).toBe(status);
  expectRun(status);
  expect(heard[0]?.rid).toBe(env.HOSTNAME);
});

test.each([0, 3])("the Python script around a command tells status %i with the output", async (status) => {
  const code = snippet("python", 1).replace("/path/to/job", program(status));
  expect(await run("python3", ["-c", code])).toBe(status);
  expectRun(status);
});

test("the Python script around a function tells a success, or what was raised", async () => {
  expect(await run("python3", ["-c", snippet("python", 0)])).toBe(0);
  expect(heard.map((one) => one.end)).toEqual(["/start", ""]);
  heard = [];
  const failing = snippet("python", 0).replace("    ...", '    raise ValueError("disk full")');
  expect(await run("python3", ["-c", failing])).toBe(1);
  expect(heard.map((one) => one.end)).toEqual(["/start", "/fail"]);
  expect(heard[1]?.body).toContain("ValueError: disk full");
});

test.each([
  ["sys.exit()", 0, "/0", ""],
  ["sys.exit(0)", 0, "/0", ""],
  ["sys.exit(3)", 3, "/3", ""],
  ["sys.exit(-1)", 255, "/255", ""],
  ['sys.exit("disk full")', 1, "/fail", "disk full"],
])("a Python job that ends by %s tells what its status %i says", async (statement, status, end, body) => {
  expect(await run("python3", ["-c", snippet("python", 0).replace("    ...", `    ${statement}`)])).toBe(status);
  expect(heard).toMatchObject([{ end: "/start" }, { end, body }]);
});

test("the Python script around a command that can't be run tells 127, as a shell would", async () => {
  expect(await run("python3", ["-c", snippet("python", 1).replace("/path/to/job", join(folder, "nothing"))])).toBe(127);
  expectRun(127, expect.stringContaining("nothing"));
  expect(printed).toContain("No such file");
});

test.each([
  [60, "* * * * *"],
  [300, "*/5 * * * *"],
  [1800, "*/30 * * * *"],
  [3600, "0 * * * *"],
  [21_600, "0 */6 * * *"],
  [43_200, "0 */12 * * *"],
  [86_400, "0 3 * * *"],
  [604_800, "0 3 * * 0"],
])("what comes every %i s stands in a crontab as %s", (interval, time) => expect(crontabTime(interval)).toBe(time));

test.each([10, 30, 90, 150, 420, 1500, 2700, 3000, 5400, 9000, 18_000, 172_800, 259_200, 2_592_000, 31_622_400])(
  "what comes every %i s is left open, with a word on why",
  (interval) => {
    for (const when of [inCrontab({ interval, schedule: "" }), inKubernetes({ interval, schedule: "" })])
      expect(when).toEqual({
        fields: "MINUTE HOUR DAY MONTH WEEKDAY",
        note: expect.stringContaining("can't say every"),
      });
    for (const way of ["cron", "kubernetes"])
      for (const one of waysFor({ ...job, interval }).find(({ value }) => value === way)?.snippets ?? [])
        expect(one).toMatchObject({
          code: expect.stringContaining("MINUTE HOUR DAY MONTH WEEKDAY"),
          note: expect.stringContaining("can't say every"),
        });
  },
);

test.each([
  ["15 4 * * 1-5", true, true],
  ["0 3 1 JUL MON", true, true],
  ["*/15 8-18/2 * * *", true, true],
  ["@daily", true, true],
  ["0 3 L * *", false, false],
  ["0 3 LW * *", false, false],
  ["0 3 * * 5L", false, false],
  ["0 3 * * mon#2", false, false],
  ["5/15 * * * *", false, true],
  ["0 3 * * 7", true, false],
  ["0 3 * * */7", true, true],
])("the schedule %s is known to cron: %s, to Kubernetes: %s", (schedule, toCron, toKubernetes) => {
  const told = (isKnown: boolean) =>
    isKnown
      ? { fields: schedule, note: "" }
      : { fields: "MINUTE HOUR DAY MONTH WEEKDAY", note: expect.stringContaining(`can't say “${schedule}”`) };
  expect(inCrontab({ interval: 60, schedule })).toEqual(told(toCron));
  expect(inKubernetes({ interval: 60, schedule })).toEqual(told(toKubernetes));
});

test.each([
  [" @Daily ", "@daily"],
  ["15  4 *\t* 1", "15 4 * * 1"],
])("the schedule %j is written as %s", (schedule, fields) =>
  expect(inCrontab({ interval: 60, schedule }).fields).toBe(fields),
);

test("a schedule is taken as it is, with a word on its time zone", () => {
  const planned = { ...job, schedule: "15 4 * * 1-5", timezone: "Europe/Berlin" };
  const cron = waysFor(planned).find((way) => way.value === "cron")?.snippets[0];
  expect(cron?.code).toMatch(/^15 4 \* \* 1-5 \/path/);
  expect(cron?.note).toContain("Europe/Berlin");
  expect(snippet("kubernetes", 0, planned)).toContain('timeZone: "Europe/Berlin"');
});

test.each([
  ["Nightly backup", "nightly-backup"],
  ["--- Überall! ---", "berall"],
  ["備份", "job"],
  ["x".repeat(90), "x".repeat(40)],
])("%s gives the unit %s", (name, unit) => expect(unitName(name)).toBe(unit));

test("no line holds the address of another heartbeat", () => {
  for (const way of waysFor(job))
    for (const one of way.snippets) expect(one.code.split(job.url).length, way.value).toBeGreaterThan(1);
});
