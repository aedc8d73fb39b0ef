// The editor of assertions: a list of conditions that all must hold, and, for who wants it, groups with AND and OR.

import { useEffect, useRef, useState } from "preact/hooks";
import type { AssertionResult, AssertionSpec } from "../../api/types";
import { plural } from "../../lib/format";
import { Button } from "../../ui/button";
import { Select } from "../../ui/field";
import { ConditionRow } from "./condition";
import {
  added,
  type Condition,
  edited,
  errorsAt,
  freshCondition,
  freshGroup,
  type Group,
  type Junction,
  moved,
  pathOf,
  removed,
  type Tree,
} from "./conditions";

interface Props {
  tree: Tree;
  onChange: (tree: Tree) => void;
  /** What the chosen type of monitor offers. */
  specs: AssertionSpec[];
  /** As daemon knows them, for conditions that the chosen type doesn't offer. */
  allSpecs: AssertionSpec[];
  typeLabel: string;
  errors: Record<string, string>;
  /** What the last test found of each condition, in the order of the document, while it still is the same. */
  results: AssertionResult[] | null;
}

const BY_GROUP = [
  { value: "and", label: "All of these must hold" },
  { value: "or", label: "Any one of these is enough" },
];
const BY_TREE = [
  { value: "and", label: "Every group must hold" },
  { value: "or", label: "Any one group is enough" },
];

/** The card of the form. */
export function Assertions(props: Props) {
  const { tree, onChange, specs, errors } = props;
  const [said, setSaid] = useState("");
  const box = useRef<HTMLFieldSetElement>(null);
  const [wanted, setWanted] = useState("");
  useEffect(() => {
    if (wanted === "") return;
    box.current?.querySelector<HTMLElement>(wanted)?.focus();
    setWanted("");
  }, [wanted]);
  const first = specs[0];
  const isGrouped = tree.groups.length > 1;
  const count = tree.groups.reduce((sum, group) => sum + group.conditions.length, 0);
  const add = (groupAt: number | null) => {
    if (!first) return;
    const condition = freshCondition(first);
    onChange(
      groupAt === null ? { ...tree, groups: [...tree.groups, freshGroup(condition)] } : added(tree, groupAt, condition),
    );
    setWanted(`[data-key="${condition.key}"] select`);
  };
  const actions: Actions = {
    edit: (groupAt, at, part) => onChange(edited(tree, groupAt, at, part)),
    add,
    move: (groupAt, at, step) => {
      const key = tree.groups[groupAt]?.conditions[at]?.key;
      const next = moved(tree, groupAt, at, step);
      onChange(next);
      setSaid(next === tree ? "" : step < 0 ? "Moved up" : "Moved down");
      setWanted(`[data-key="${key}"] .condition-${step < 0 ? "up" : "down"}`);
    },
    remove: (groupAt, at) => {
      const next = removed(tree, groupAt, at);
      onChange(next);
      const left = next.groups.flatMap((group) => group.conditions);
      const before = tree.groups.slice(0, groupAt).flatMap((group) => group.conditions).length;
      const after = left[Math.min(before + at, left.length - 1)];
      setSaid(`Removed, ${plural(count - 1, "condition")} left`);
      setWanted(after ? `[data-key="${after.key}"] .condition-remove` : ".add-condition");
    },
    join: (groupAt, operator) =>
      onChange({
        ...tree,
        groups: tree.groups.map((group, index) => (index === groupAt ? { ...group, operator } : group)),
      }),
  };
  return (
    <fieldset class="card form-part" ref={box}>
      <legend>What the answer must be like</legend>
      <p class="field-help">
        {count === 0
          ? "Nothing beyond what the type itself demands. Add conditions on what is answered and how fast."
          : "A condition that fails makes the monitor down, or only degraded where you say so."}
      </p>
      {errors.assertions && <p class="field-error">{errors.assertions}</p>}
      {isGrouped && (
        <Select
          attributes={{ "aria-label": "How the groups count together" }}
          value={tree.operator}
          options={BY_TREE}
          onChange={(operator) => onChange({ ...tree, operator: operator as Junction })}
        />
      )}
      {tree.groups.map((group, groupAt) => (
        <GroupPart key={group.key} {...props} group={group} groupAt={groupAt} actions={actions} />
      ))}
      <div class="condition-adds">
        {!isGrouped && (
          <Button isSmall icon="plus" class="add-condition" onClick={() => add(0)}>
            Add a condition
          </Button>
        )}
        {count > 0 && (
          <Button isSmall kind="quiet" icon="plus" onClick={() => add(null)}>
            Add a group (and/or)
          </Button>
        )}
      </div>
      {count > 0 && (
        <details class="about">
          <summary>What each of them means</summary>
          <dl class="facts meanings">
            {specs.map((spec) => (
              <Meaning key={spec.type} spec={spec} />
            ))}
          </dl>
        </details>
      )}
      <p class="sr-only" role="status">
        {said}
      </p>
    </fieldset>
  );
}

function Meaning({ spec }: { spec: AssertionSpec }) {
  const isAny = spec.operators.some((one) => one.value === "any");
  return (
    <>
      <dt>{spec.label}</dt>
      <dd>
        {spec.help} {spec.target && `${spec.target.label}: ${spec.target.help}`}{" "}
        {isAny && 'A value like 42, true or null is taken as that; "42" in quotes is a text.'}
      </dd>
    </>
  );
}

interface Actions {
  edit: (groupAt: number, at: number, part: Partial<Condition>) => void;
  add: (groupAt: number | null) => void;
  move: (groupAt: number, at: number, step: -1 | 1) => void;
  remove: (groupAt: number, at: number) => void;
  join: (groupAt: number, operator: Junction) => void;
}

function GroupPart(props: Props & { group: Group; groupAt: number; actions: Actions }) {
  const { tree, group, groupAt, actions, errors, results } = props;
  const isGrouped = tree.groups.length > 1;
  const isLastGroup = groupAt === tree.groups.length - 1;
  const before = tree.groups.slice(0, groupAt).reduce((sum, one) => sum + one.conditions.length, 0);
  const whole = errors[`assertions.groups[${groupAt}]`] ?? errors[`assertions.groups[${groupAt}].conditions`];
  const rows = group.conditions.map((condition, at) => (
    <li key={condition.key}>
      <ConditionRow
        condition={condition}
        number={before + at + 1}
        specs={props.specs}
        allSpecs={props.allSpecs}
        typeLabel={props.typeLabel}
        errors={errorsAt(errors, pathOf(tree, groupAt, at))}
        result={results?.[before + at] ?? null}
        onEdit={(part) => actions.edit(groupAt, at, part)}
        onMove={(step) => actions.move(groupAt, at, step)}
        onRemove={() => actions.remove(groupAt, at)}
        isFirst={groupAt === 0 && at === 0}
        isLast={isLastGroup && at === group.conditions.length - 1}
      />
    </li>
  ));
  const joins = (group.conditions.length > 1 || group.operator === "or") && (
    <Select
      attributes={{
        "aria-label": isGrouped ? `How group ${groupAt + 1} counts together` : "How the conditions count together",
      }}
      value={group.operator}
      options={BY_GROUP}
      onChange={(operator) => actions.join(groupAt, operator as Junction)}
    />
  );
  const list = <ol class={group.operator === "or" ? "conditions conditions-or" : "conditions"}>{rows}</ol>;
  if (!isGrouped)
    return (
      <>
        {joins}
        {group.conditions.length > 0 && list}
      </>
    );
  return (
    <fieldset class="condition-group">
      <legend>Group {groupAt + 1}</legend>
      {whole && <p class="field-error">{whole}</p>}
      {joins}
      {list}
      <Button isSmall icon="plus" onClick={() => actions.add(groupAt)}>
        Add to group {groupAt + 1}
      </Button>
    </fieldset>
  );
}
