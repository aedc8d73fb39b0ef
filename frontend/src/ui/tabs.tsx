// One of a few, side by side: radio buttons that look like a switch, so the arrow keys work by themselves.

import { useId } from "preact/hooks";
import type { Option } from "./field";

/** The choice. */
export function Tabs({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: Option[];
  value: string;
  onChange: (value: string) => void;
}) {
  const name = useId();
  return (
    <fieldset class="tabs">
      <legend class="sr-only">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? "tab tab-on" : "tab"}>
          <input
            class="sr-only"
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}
