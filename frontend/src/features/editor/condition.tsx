// One condition: what is looked at, how, against which value, and how grave it is when it doesn't hold.

import { useId } from "preact/hooks";
import type { AssertionResult, AssertionSpec } from "../../api/types";
import { AssertionSeen } from "../../ui/assertions";
import { Button } from "../../ui/button";
import { Select, worded } from "../../ui/field";
import { type Condition, kindOf, retyped } from "./conditions";

interface Props {
  condition: Condition;
  number: number;
  specs: AssertionSpec[];
  allSpecs: AssertionSpec[];
  typeLabel: string;
  errors: Record<string, string>;
  result: AssertionResult | null;
  onEdit: (part: Partial<Condition>) => void;
  onMove: (step: -1 | 1) => void;
  onRemove: () => void;
  isFirst: boolean;
  isLast: boolean;
}

const PARTS: [string, string][] = [
  ["type", "What is looked at"],
  ["target", "Where"],
  ["operator", "How"],
  ["value", "The value"],
  ["degraded", "Only degraded"],
  ["", "This condition"],
];

/** The row of one condition, with its errors and what a test made of it. */
export function ConditionRow(props: Props) {
  const { condition, number, specs, allSpecs, errors, onEdit, onMove, onRemove } = props;
  const id = useId();
  const spec = allSpecs.find((one) => one.type === condition.type);
  const isOffered = specs.some((one) => one.type === condition.type);
  const offered = isOffered || !spec ? specs : [spec, ...specs];
  const told = PARTS.filter(([part]) => errors[part]);
  const invalid = (part: string) => ({
    "aria-invalid": errors[part] ? ("true" as const) : undefined,
    "aria-describedby": errors[part] ? `${id}-${part}` : undefined,
  });
  const choose = (type: string) => {
    const next = specs.find((one) => one.type === type);
    if (next) onEdit(retyped(condition, next));
  };
  return (
    <fieldset class={told.length > 0 ? "condition condition-wrong" : "condition"} data-key={condition.key}>
      <legend class="sr-only">Condition {number}</legend>
      <div class="condition-parts">
        <Select
          attributes={{ "aria-label": "What is looked at", ...invalid("type") }}
          value={condition.type}
          options={offered.map((one) => ({ value: one.type, label: one.label }))}
          onChange={choose}
        />
        {spec?.target && (
          <input
            class="input code condition-target"
            aria-label={spec.target.label}
            placeholder={spec.target.placeholder}
            value={condition.target}
            spellcheck={false}
            autoCapitalize="off"
            {...invalid("target")}
            onInput={(event) => onEdit({ target: event.currentTarget.value })}
          />
        )}
        <Select
          attributes={{ "aria-label": "How", ...invalid("operator") }}
          value={condition.operator}
          options={(spec?.operators ?? []).map((one) => ({ value: one.name, label: one.label }))}
          onChange={(operator) => onEdit({ operator })}
        />
        {kindOf(spec, condition.operator) !== "none" && (
          <Value condition={condition} spec={spec} attributes={invalid("value")} onEdit={onEdit} />
        )}
      </div>
      <div class="condition-acts">
        <label class="condition-degraded">
          <input
            type="checkbox"
            checked={condition.degraded}
            onChange={(event) => onEdit({ degraded: event.currentTarget.checked })}
          />
          Only degraded
        </label>
        <Button
          kind="quiet"
          isSmall
          icon="up"
          class="condition-up"
          label={`Move condition ${number} up`}
          refusal={props.isFirst ? "It is the first." : undefined}
          onClick={() => onMove(-1)}
        />
        <Button
          kind="quiet"
          isSmall
          icon="down"
          class="condition-down"
          label={`Move condition ${number} down`}
          refusal={props.isLast ? "It is the last." : undefined}
          onClick={() => onMove(1)}
        />
        <Button
          kind="quiet"
          isSmall
          icon="close"
          class="condition-remove"
          label={`Remove condition ${number}`}
          onClick={onRemove}
        />
      </div>
      {!isOffered && (
        <p class="field-error">
          {spec?.label ?? condition.type} can't be asserted of {props.typeLabel}: choose something else or remove it.
        </p>
      )}
      {told.map(([part, label]) => (
        <p key={part} class="field-error" id={`${id}-${part}`}>
          {worded(part === "target" && spec?.target ? spec.target.label : label, errors[part] ?? "")}
        </p>
      ))}
      {props.result && <AssertionSeen result={props.result} />}
    </fieldset>
  );
}

function Value({
  condition,
  spec,
  attributes,
  onEdit,
}: {
  condition: Condition;
  spec: AssertionSpec | undefined;
  attributes: { "aria-invalid": "true" | undefined; "aria-describedby": string | undefined };
  onEdit: Props["onEdit"];
}) {
  const kind = kindOf(spec, condition.operator);
  const isNumber = kind === "number";
  return (
    <span class="condition-value with-unit">
      <input
        {...attributes}
        class={isNumber ? "input" : "input code"}
        aria-label={spec?.unit && isNumber ? `Value in ${spec.unit}` : "Value"}
        placeholder={kind === "regex" ? "regular expression" : spec?.value_placeholder}
        inputMode={isNumber ? "decimal" : undefined}
        value={condition.text}
        spellcheck={false}
        autoCapitalize="off"
        onInput={(event) => onEdit({ text: event.currentTarget.value })}
      />
      {isNumber && spec?.unit && <span class="unit">{spec.unit}</span>}
    </span>
  );
}
