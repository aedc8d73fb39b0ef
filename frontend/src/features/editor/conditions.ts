// What is asserted of an answer, as the form edits it, and the document that the daemon takes. Pure.

import type { AssertionOperator, AssertionSpec, Json } from "../../api/types";

export type Junction = "and" | "or";

/** One condition. What was typed as its value stays text here, so that nothing is lost when the type changes. */
export interface Condition {
  /** Tells the rows apart while they are moved. */
  key: number;
  type: string;
  target: string;
  operator: string;
  text: string;
  degraded: boolean;
}

export interface Group {
  key: number;
  operator: Junction;
  conditions: Condition[];
}

/** Everything that is asserted. There is always a group, and only a single one may be empty. */
export interface Tree {
  operator: Junction;
  groups: Group[];
}

/** What an operator is given: `none` needs no value, `any` takes any JSON value. */
export function kindOf(spec: AssertionSpec | undefined, operator: string): AssertionOperator["value"] {
  return spec?.operators.find((one) => one.name === operator)?.value ?? "text";
}

let lastKey = 0;
const nextKey = () => ++lastKey;

/** An empty group, for a form that begins. */
export function freshTree(): Tree {
  return { operator: "and", groups: [{ key: nextKey(), operator: "and", conditions: [] }] };
}

/** A condition with the first operator that its type has. */
export function freshCondition(spec: AssertionSpec): Condition {
  return {
    key: nextKey(),
    type: spec.type,
    target: "",
    operator: spec.operators[0]?.name ?? "eq",
    text: "",
    degraded: false,
  };
}

export function freshGroup(condition: Condition): Group {
  return { key: nextKey(), operator: "and", conditions: [condition] };
}

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const listOf = (value: Json | undefined) => (Array.isArray(value) ? value : []);

function junction(value: Json | undefined): Junction {
  return value === "or" ? "or" : "and";
}

/** A stored document, a list or a tree, as the form edits it. */
export function readTree(document: Json, specs: AssertionSpec[]): Tree {
  const group = (operator: Junction, conditions: Json[]): Group => ({
    key: nextKey(),
    operator,
    conditions: conditions.filter(isObject).map((one) => readCondition(one, specs)),
  });
  if (!isObject(document)) return { operator: "and", groups: [group("and", listOf(document))] };
  const groups = listOf(document.groups)
    .filter(isObject)
    .map((one) => group(junction(one.operator), listOf(one.conditions)));
  return groups.length > 0 ? { operator: junction(document.operator), groups } : freshTree();
}

function readCondition(one: { [key: string]: Json }, specs: AssertionSpec[]): Condition {
  const type = String(one.type ?? "");
  const operator = String(one.operator ?? "");
  const spec = specs.find((each) => each.type === type);
  return {
    key: nextKey(),
    type,
    target: typeof one.target === "string" ? one.target : "",
    operator,
    text: showValue(one.value, kindOf(spec, operator) === "any"),
    degraded: one.degraded === true,
  };
}

// A text that would read as a number or as `null` keeps its quotes where any JSON value may stand.
function showValue(value: Json | undefined, isJson: boolean): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return value === null && !isJson ? "" : JSON.stringify(value);
  return isJson && parseJson(value) !== value ? JSON.stringify(value) : value;
}

/** `5` is a number, `true` a truth value, `"5"` and everything else a text. */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** What is sent: a list where all conditions must hold, and otherwise the tree. */
export function writeTree(tree: Tree, specs: AssertionSpec[]): Json {
  const conditions = (group: Group) => group.conditions.map((one) => writeCondition(one, specs));
  const [only, ...others] = tree.groups;
  if (!only || (others.length === 0 && (only.operator === "and" || only.conditions.length < 2)))
    return only ? conditions(only) : [];
  return {
    operator: tree.operator,
    groups: tree.groups.map((group) => ({ operator: group.operator, conditions: conditions(group) })),
  };
}

function writeCondition(one: Condition, specs: AssertionSpec[]): Json {
  const spec = specs.find((each) => each.type === one.type);
  const kind = kindOf(spec, one.operator);
  return {
    type: one.type,
    ...(spec?.target ? { target: one.target.trim() } : {}),
    operator: one.operator,
    ...(kind === "none" ? {} : { value: toValue(one.text, kind) }),
    ...(one.degraded ? { degraded: true } : {}),
  };
}

// What is no number is sent as it was typed, so that the daemon can say what it wants there.
function toValue(text: string, kind: AssertionOperator["value"]): Json {
  if (kind === "any") return parseJson(text);
  const number = Number(text);
  return kind === "number" && text.trim() !== "" && Number.isFinite(number) ? number : text;
}

/** Where the errors and the results of a condition are found: its path in the document that is sent. */
export function pathOf(tree: Tree, groupAt: number, at: number): string {
  const [only, ...others] = tree.groups;
  const isList = others.length === 0 && (only?.operator === "and" || (only?.conditions.length ?? 0) < 2);
  return isList ? `assertions[${at}]` : `assertions.groups[${groupAt}].conditions[${at}]`;
}

/** The errors of one condition: under `type`, `target`, `operator` or `value`, and under "" of the whole. */
export function errorsAt(errors: Record<string, string>, path: string): Record<string, string> {
  const inside = Object.entries(errors).filter(([name]) => name === path || name.startsWith(`${path}.`));
  return Object.fromEntries(inside.map(([name, text]) => [name.slice(path.length + 1), text]));
}

function withGroup(tree: Tree, groupAt: number, change: (group: Group) => Group): Tree {
  return { ...tree, groups: tree.groups.map((group, index) => (index === groupAt ? change(group) : group)) };
}

/** The tree with one condition changed. */
export function edited(tree: Tree, groupAt: number, at: number, part: Partial<Condition>): Tree {
  return withGroup(tree, groupAt, (group) => ({
    ...group,
    conditions: group.conditions.map((one, index) => (index === at ? { ...one, ...part } : one)),
  }));
}

export function added(tree: Tree, groupAt: number, condition: Condition): Tree {
  return withGroup(tree, groupAt, (group) => ({ ...group, conditions: [...group.conditions, condition] }));
}

/** Without one condition; a group that is empty by it goes, too, unless it is the only one. */
export function removed(tree: Tree, groupAt: number, at: number): Tree {
  const left = withGroup(tree, groupAt, (group) => ({ ...group, conditions: group.conditions.toSpliced(at, 1) }));
  const groups = left.groups.filter((group) => group.conditions.length > 0);
  return { ...left, groups: groups.length > 0 ? groups : left.groups.slice(0, 1) };
}

/** With a condition one place further up or down; at the edge of its group it goes into the next one. */
export function moved(tree: Tree, groupAt: number, at: number, step: -1 | 1): Tree {
  const condition = tree.groups[groupAt]?.conditions[at];
  const to = at + step;
  if (!condition) return tree;
  const count = tree.groups[groupAt]?.conditions.length ?? 0;
  if (to >= 0 && to < count)
    return withGroup(tree, groupAt, (group) => ({
      ...group,
      conditions: group.conditions.toSpliced(at, 1).toSpliced(to, 0, condition),
    }));
  const nextAt = groupAt + step;
  if (!tree.groups[nextAt]) return tree;
  const put = withGroup(tree, nextAt, (group) => ({
    ...group,
    conditions: step < 0 ? [...group.conditions, condition] : [condition, ...group.conditions],
  }));
  return removed(put, groupAt, at);
}

/** A condition with another type: what the new type can't have becomes what it has. */
export function retyped(one: Condition, spec: AssertionSpec): Condition {
  const keeps = spec.operators.some((each) => each.name === one.operator);
  return { ...one, type: spec.type, operator: keeps ? one.operator : (spec.operators[0]?.name ?? "eq") };
}
