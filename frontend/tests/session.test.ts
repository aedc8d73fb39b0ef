import { afterEach, expect, test, vi } from "vitest";
import { logOut, type Standing, standing } from "../src/state/session";

afterEach(() => vi.unstubAllGlobals());

function answerWith(status: number): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(status === 204 ? null : "{}", { status })));
}

const loggedIn: Standing = { kind: "in", session: { name: "admin", role: "admin", permissions: [] } };

test.each([204, 401])("logging out ends at the login page when Asura answers %i", async (status) => {
  standing.value = loggedIn;
  answerWith(status);
  await logOut();
  expect(standing.value).toEqual({ kind: "out", hasExpired: false });
});

test("a log-out that nobody heard is no log-out", async () => {
  standing.value = loggedIn;
  answerWith(502);
  await expect(logOut()).rejects.toThrow("Asura answered 502.");
  expect(standing.value).toBe(loggedIn);
});
