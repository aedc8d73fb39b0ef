import { afterEach, expect, test, vi } from "vitest";
import { ApiError, ask, onUnauthorized, sentence } from "../src/api/client";

afterEach(() => vi.unstubAllGlobals());

function answerWith(body: string, init: ResponseInit): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, init)));
}

async function failure(): Promise<ApiError> {
  try {
    await ask("GET", "/monitors");
  } catch (error) {
    if (error instanceof ApiError) return error;
  }
  throw new Error("No ApiError was raised.");
}

test("a validation error keeps what is wrong with which field", async () => {
  const fields = { interval: "must be between 1 and 86400 seconds", "settings.headers": "must be an object" };
  answerWith(JSON.stringify({ error: "2 fields are wrong", code: "validation_failed", fields }), { status: 422 });
  const error = await failure();
  expect(error.message).toBe("2 fields are wrong.");
  expect(error.code).toBe("validation_failed");
  expect(error.fields).toEqual(fields);
});

test("too many requests say when to come back", async () => {
  answerWith(JSON.stringify({ error: "slow down" }), { status: 429, headers: { "Retry-After": "30" } });
  expect((await failure()).retryAfter).toBe(30);
});

test("what may take long is waited for, and nothing for ever", async () => {
  const limit = vi.spyOn(AbortSignal, "timeout");
  answerWith("{}", { status: 200 });
  await ask("GET", "/monitors");
  await ask("POST", "/monitors/1/check", { patienceMs: 330_000 });
  expect(limit.mock.calls).toEqual([[60_000], [330_000]]);
});

test("a lost session calls for the login page", async () => {
  const act = vi.fn();
  onUnauthorized(act);
  answerWith(JSON.stringify({ error: "log in", code: "unauthorized" }), { status: 401 });
  await failure();
  expect(act).toHaveBeenCalledOnce();
});

test("a proxy's error page becomes a plain sentence", async () => {
  answerWith("<html>502</html>", { status: 502 });
  expect((await failure()).message).toBe("Asura answered 502.");
});

test("an answer that is no JSON is not from Asura", async () => {
  answerWith("<html>welcome to the hotel network</html>", { status: 200 });
  expect((await failure()).code).toBe("not_json");
});

test("no answer at all has the status 0", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")));
  const error = await failure();
  expect([error.status, error.message]).toEqual([0, "Asura can't be reached."]);
});

test("empty filters are not sent", async () => {
  const called = vi.fn((_url: string) => Promise.resolve(new Response("{}", { status: 200 })));
  vi.stubGlobal("fetch", called);
  await ask("GET", "/monitors", { query: { q: "", status: "down", tag: undefined, page: 2 } });
  expect(called.mock.calls[0]?.[0]).toMatch(/\/api\/v1\/monitors\?status=down&page=2$/);
});

test.each([
  ["the name is taken", "The name is taken."],
  ["Really?", "Really?"],
  ["", ""],
])("%s becomes a sentence", (text, whole) => expect(sentence(text)).toBe(whole));
