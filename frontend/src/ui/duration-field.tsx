// A span of time as a person says it: a number, and seconds, minutes, hours or days.

import { useState } from "preact/hooks";
import { formatSpan } from "../lib/format";
import { Field, type FieldProps, Select } from "./field";

const UNITS = [
  { value: "1", label: "seconds" },
  { value: "60", label: "minutes" },
  { value: "3600", label: "hours" },
  { value: "86400", label: "days" },
];
const MINUTE = 60;

/** The largest unit that leaves no rest. Zero and nothing are minutes. */
export function unitOf(seconds: number | null): number {
  if (!seconds) return MINUTE;
  return UNITS.map((unit) => Number(unit.value)).findLast((unit) => seconds % unit === 0) ?? 1;
}

/** What the server says in seconds, as a person reads it: `between 1 and 366 d`. */
export function inWords(error: string): string {
  return error.replaceAll(/\b(\d+) (?:seconds|s)\b/g, (text, seconds) =>
    Number(seconds) < MINUTE ? text : formatSpan(Number(seconds)),
  );
}

/** The field; `value` is in seconds, empty is null. */
export function DurationField({
  value,
  onChange,
  ...field
}: FieldProps & { label: string; value: number | null; onChange: (seconds: number | null) => void }) {
  const [unit, setUnit] = useState(() => unitOf(value));
  const amount = value === null ? null : value / unit;
  return (
    <Field {...field} error={field.error && inWords(field.error)}>
      {(attributes) => (
        <span class="with-unit">
          <input
            {...attributes}
            class="input"
            type="number"
            inputMode="decimal"
            min={0}
            step="any"
            value={amount ?? ""}
            onInput={(event) => {
              const text = event.currentTarget.value;
              onChange(text === "" ? null : Math.round(Number(text) * unit));
            }}
          />
          <Select
            attributes={{ "aria-label": `Unit of: ${field.label}` }}
            value={String(unit)}
            options={UNITS}
            onChange={(next) => {
              setUnit(Number(next));
              if (amount !== null) onChange(Math.round(amount * Number(next)));
            }}
          />
        </span>
      )}
    </Field>
  );
}
