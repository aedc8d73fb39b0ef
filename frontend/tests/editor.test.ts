import { expect, test } from "vitest";
import type { Defaults, FieldSpec, TypeSpec } from "../src/api/types";
import { confirmingSeconds, type Draft, freshDraft, stillWrong } from "../src/features/editor/draft";
import { firstSentence, grouped } from "../src/features/editor/type-choice";
import { groupsOf } from "../src/features/editor/type-settings";
import { daysLeft } from "../src/features/monitor/certificate";
import { countConditions } from "../src/features/monitor/configuration";
import { subjectOf } from "../src/ui/assertions";

test.each([
  ["Connects to a port. With `tls` the rest.", "Connects to a port."],
  ["Asks `grpc.health.v1` of a\nserver.\n\nMore.", "Asks grpc.health.v1 of a server."],
  ["Two ways:\n\n- one", "Two ways."],
  ["", ""],
])("of a description its first sentence is shown", (about, sentence) => expect(firstSentence(about)).toBe(sentence));

test("a type that no group knows is offered all the same", () => {
  const types = ["gopher", "dns", "http", "heartbeat"].map((name) => ({ name }) as TypeSpec);
  const names = grouped(types).map((part) => [part.title, part.types.map((one) => one.name)]);
  expect(names).toEqual([
    ["Sites and services", ["http"]],
    ["Jobs that report by themselves", ["heartbeat"]],
    ["Network and names", ["dns"]],
    ["Others", ["gopher"]],
  ]);
});

test("fields of one group come together where it first appears", () => {
  const fields = [
    ["a", ""],
    ["b", "TLS"],
    ["c", ""],
    ["d", "TLS"],
  ].map(([name, group]) => ({ name, group }) as FieldSpec);
  expect(groupsOf(fields).map((group) => group.fields.map((field) => field.name))).toEqual([
    ["a", "c"],
    ["b", "d"],
  ]);
});

test.each([
  [-3, "failed", "expired 2 days ago"],
  [-1, "failed", "expired today"],
  [0, "failed", "expires today"],
  [1, "failed", "1 day left"],
  [30, "degraded", "30 days left"],
  [61, "held", "61 days left"],
])("%i days of a certificate", (days, status, words) => expect(daysLeft(days)).toEqual({ status, words }));

test("conditions are counted in lists and in groups", () => {
  expect(countConditions({ assertions: [{}, {}] })).toBe(2);
  expect(
    countConditions({ assertions: { operator: "or", groups: [{ conditions: [{}] }, { conditions: [{}, {}] }] } }),
  ).toBe(3);
});

test.each([
  ["status_code", null, "status code"],
  ["header", "Content-Type", "header content-type"],
  ["json_path", "$.a", "$.a"],
  ["body_regex", null, "body"],
])("an assertion about %s names what it looks at", (type, target, words) =>
  expect(subjectOf({ type, target })).toBe(words),
);

// As asura/scheduler/rules.py has it.
test.each([
  [60, 1, 0],
  [60, 3, 40],
  [10, 3, 10],
  [3, 4, 9],
  [600, 3, 40],
  [60, 13, 320],
])("a monitor of every %i s and %i failures is down after %i s", (interval, failures, seconds) =>
  expect(confirmingSeconds(interval, failures)).toBe(seconds),
);

const DEFAULTS = { interval: 60, timeout: 10, failure_threshold: 3, success_threshold: 1 };
const drafted = (changes: Partial<Draft> = {}): Draft => ({ ...freshDraft(DEFAULTS as Defaults), ...changes });
const asserting = (...texts: string[]) => {
  const conditions = texts.map((text, key) => ({
    key,
    type: "status",
    target: "",
    operator: "eq",
    text,
    degraded: false,
  }));
  return { assertions: { operator: "and" as const, groups: [{ key: 0, operator: "and" as const, conditions }] } };
};

test.each<[string, Partial<Draft>, Partial<Draft>, boolean]>([
  ["name", { name: "" }, { name: "x" }, false],
  ["name", { target: "" }, { target: "x" }, true],
  ["settings.grace", { settings: { grace: 1 } }, { settings: { grace: 2 } }, false],
  ["settings.grace", { settings: { grace: 1 } }, { settings: { grace: 1, schedule: "x" } }, true],
  ["settings.port", { settings: {} }, { settings: { grace: 1 } }, true],
  ["settings.auth.user", { settings: { auth: { user: "" } } }, { settings: { auth: { user: "x" } } }, false],
  ["depends_on", { depends_on: [1] }, { depends_on: [] }, false],
  ["assertions[1].value", asserting("a", "b"), asserting("a", "c"), false],
  ["assertions[1].value", asserting("a", "b"), asserting("c", "b"), true],
  ["assertions.groups[0].conditions[0].value", asserting("a"), asserting("b"), false],
  ["assertions.groups[0].conditions", asserting("a"), asserting("b"), false],
  ["assertions", asserting("a"), asserting("b"), false],
])("the error at %s stays after a change from %j to %j: %s", (path, before, after, stays) => {
  const errors = { [path]: "must be otherwise" };
  expect(stillWrong(errors, drafted(before), drafted(after))).toEqual(stays ? errors : {});
});
