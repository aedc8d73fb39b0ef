import { expect, test } from "vitest";
import type { AssertionSpec, Json } from "../src/api/types";
import {
  added,
  errorsAt,
  freshCondition,
  freshGroup,
  freshTree,
  moved,
  pathOf,
  readTree,
  removed,
  retyped,
  type Tree,
  writeTree,
} from "../src/features/editor/conditions";

const STATUS: AssertionSpec = {
  type: "status_code",
  label: "Status code",
  help: "",
  target: null,
  operators: [
    { name: "eq", label: "is", value: "number" },
    { name: "lt", label: "is less than", value: "number" },
  ],
  unit: "",
  value_placeholder: "200",
};
const JSON_PATH: AssertionSpec = {
  ...STATUS,
  type: "json_path",
  target: { label: "JSON path", help: "", placeholder: "$.status" },
  operators: [
    { name: "eq", label: "is", value: "any" },
    { name: "matches", label: "matches", value: "regex" },
    { name: "exists", label: "exists", value: "none" },
  ],
};
const SPECS = [STATUS, JSON_PATH];
const IS_200: Json = { type: "status_code", operator: "eq", value: 200 };
const IS_OK: Json = { type: "json_path", target: "$.status", operator: "eq", value: "ok", degraded: true };
const EXISTS: Json = { type: "json_path", target: "$.id", operator: "exists" };
const TREE: Json = {
  operator: "or",
  groups: [
    { operator: "and", conditions: [IS_200, IS_OK] },
    { operator: "or", conditions: [EXISTS] },
  ],
};

test.each([
  ["nothing", []],
  ["a list", [IS_200, IS_OK, EXISTS]],
  ["a tree", TREE],
  ["one group with or", { operator: "and", groups: [{ operator: "or", conditions: [IS_200, EXISTS] }] }],
])("%s is written as it was read", (_, document: Json) =>
  expect(writeTree(readTree(document, SPECS), SPECS)).toEqual(document),
);

test.each<[string, Json]>([
  ["42", 42],
  ['"42"', "42"],
  ["true", true],
  ["null", null],
  ["ok", "ok"],
  ["{", "{"],
])("%s at a JSON path means what it says", (text, value) => {
  const one = { ...freshCondition(JSON_PATH), target: "$.a", text };
  const written = writeTree(added(freshTree(), 0, one), SPECS);
  expect(written).toEqual([{ type: "json_path", target: "$.a", operator: "eq", value }]);
  expect(readTree(written, SPECS).groups[0]?.conditions[0]?.text).toBe(text);
});

test("a number stays a number, and what is none is left to the daemon", () => {
  const written = (text: string) => writeTree(added(freshTree(), 0, { ...freshCondition(STATUS), text }), SPECS);
  expect(written(" 200 ")).toEqual([IS_200]);
  expect(written("2xx")).toEqual([{ type: "status_code", operator: "eq", value: "2xx" }]);
  expect(written("")).toEqual([{ type: "status_code", operator: "eq", value: "" }]);
});

const types = (tree: Tree) => tree.groups.map((group) => group.conditions.map((one) => one.type));

test("a condition moves within its group, then into the next one", () => {
  const start = readTree(TREE, SPECS);
  const down = moved(start, 0, 0, 1);
  expect(types(down)).toEqual([["json_path", "status_code"], ["json_path"]]);
  const over = moved(down, 0, 1, 1);
  expect(types(over)).toEqual([["json_path"], ["status_code", "json_path"]]);
  expect(types(moved(over, 1, 0, -1))).toEqual([["json_path", "status_code"], ["json_path"]]);
  expect(moved(start, 0, 0, -1)).toBe(start);
});

test("a group that loses its last condition goes with it, the only one stays", () => {
  const left = removed(readTree(TREE, SPECS), 1, 0);
  expect(types(left)).toEqual([["status_code", "json_path"]]);
  expect(types(removed(removed(left, 0, 0), 0, 0))).toEqual([[]]);
});

test("an error is looked for where the document that is sent has the condition", () => {
  const list = readTree([IS_200, IS_OK], SPECS);
  expect(pathOf(list, 0, 1)).toBe("assertions[1]");
  const grouped = { ...list, groups: [...list.groups, freshGroup(freshCondition(STATUS))] };
  expect(pathOf(grouped, 1, 0)).toBe("assertions.groups[1].conditions[0]");
  const errors = { "assertions[1].value": "must be a number", "assertions[10].value": "is required" };
  expect(errorsAt(errors, "assertions[1]")).toEqual({ value: "must be a number" });
});

test("another type keeps the operator where it has it", () => {
  const one = { ...freshCondition(JSON_PATH), text: "7" };
  expect(retyped(one, STATUS)).toMatchObject({ type: "status_code", operator: "eq", text: "7" });
  expect(retyped({ ...one, operator: "matches" }, STATUS).operator).toBe("eq");
});
