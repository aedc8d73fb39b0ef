import { beforeEach, expect, test, vi } from "vitest";
import { guardLeaving, match, navigate, place, setQuery } from "../src/lib/router";
import { findRoute } from "../src/routes";

beforeEach(() => navigate("/", { force: true }));

test.each([
  ["/monitors/:id", "/monitors/3", { id: "3" }],
  ["/monitors/:id/edit", "/monitors/3/edit", { id: "3" }],
  ["/monitors/:id", "/monitors", null],
  ["/monitors/:id", "/monitors/3/edit", null],
  ["/a/:name", "/a/b%20c", { name: "b c" }],
  ["/a/:name", "/a/%zz", null],
])("%s against %s", (pattern, path, params) => expect(match(pattern, path)).toEqual(params));

test.each([
  ["/", "Overview"],
  ["/monitors/new", "New monitor"],
  ["/monitors/7", "Monitor"],
  ["/incidents/7", "Incident"],
])("%s is the page %s", (path, title) => expect(findRoute(path)?.route.title).toBe(title));

test.each(["/monitors/abc", "/nowhere", "/monitors/1/2/3"])("%s is no page", (path) =>
  expect(findRoute(path)).toBeNull(),
);

test("filters live in the address and leave it when they are empty", () => {
  setQuery({ status: "down", q: "a b" });
  expect(window.location.search).toBe("?status=down&q=a+b");
  setQuery({ q: "" });
  expect(place.value.query.get("status")).toBe("down");
  expect(window.location.search).toBe("?status=down");
});

test("a form with unsaved changes can keep the person on the page", async () => {
  const ask = vi.fn(() => false);
  const release = guardLeaving(ask);
  expect(await navigate("/monitors")).toBe(false);
  expect(place.value.path).toBe("/");
  release();
  expect(await navigate("/monitors")).toBe(true);
  expect(place.value.path).toBe("/monitors");
  expect(ask).toHaveBeenCalledOnce();
});

test("saving leaves without a question", async () => {
  const ask = vi.fn(() => false);
  const release = guardLeaving(ask);
  expect(await navigate("/monitors/3", { force: true })).toBe(true);
  expect(ask).not.toHaveBeenCalled();
  release();
});
