// Form fields: a label, a control, what it means, and what is wrong with it, tied together for every reader.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button } from "./button";

export interface ControlAttributes {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": "true" | undefined;
}

export interface FieldProps {
  label: ComponentChildren;
  help?: ComponentChildren;
  error?: string | undefined;
  isRequired?: boolean;
  class?: string;
}

/** The frame of a field. `children` draws the control with the attributes that tie it to its words. */
export function Field({
  label,
  help,
  error,
  isRequired,
  class: look,
  children,
}: FieldProps & { children: (attributes: ControlAttributes) => ComponentChildren }) {
  const id = useId();
  const told = [help ? `${id}-help` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class={`field ${error ? "field-wrong" : ""} ${look ?? ""}`}>
      <label for={id}>
        {label}
        {isRequired && <span class="required"> required</span>}
      </label>
      {children({ id, "aria-describedby": told || undefined, "aria-invalid": error ? "true" : undefined })}
      {help && (
        <p class="field-help" id={`${id}-help`}>
          {help}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {worded(label, error)}
        </p>
      )}
    </div>
  );
}

/** The server's "must not be empty" with its subject: `Name must not be empty`. Whole sentences stay as they are. */
export function worded(label: ComponentChildren, error: string): string {
  if (typeof label !== "string" || !/^\p{Ll}/u.test(error)) return error;
  return `${label} ${error}`;
}

interface TextProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "url" | "password";
  placeholder?: string | undefined;
  rows?: number | undefined;
  /** Suggestions; anything else may be typed as well. */
  suggestions?: string[];
  autoComplete?: string;
  isCode?: boolean;
}

/** One line of text, or several when `rows` is given. */
export function TextField({
  value,
  onChange,
  type = "text",
  placeholder,
  rows,
  suggestions,
  autoComplete,
  isCode,
  ...field
}: TextProps) {
  const list = useId();
  const common = { class: isCode ? "input code" : "input", value, placeholder, required: field.isRequired };
  const input = {
    ...common,
    inputMode: type === "url" ? ("url" as const) : undefined,
    autoComplete: autoComplete ?? (type === "password" ? "new-password" : "off"),
    autoCapitalize: "off" as const,
    spellcheck: !(isCode || type === "url"),
    onInput: (event: { currentTarget: HTMLInputElement }) => onChange(event.currentTarget.value),
  };
  const draw = (attributes: ControlAttributes) => {
    if (rows)
      return (
        <textarea
          {...attributes}
          {...common}
          rows={rows}
          spellcheck={!isCode}
          autoCapitalize={isCode ? "off" : undefined}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
    if (type === "password") return <input {...attributes} {...input} type="password" />;
    if (!suggestions) return <input {...attributes} {...input} type="text" />;
    return (
      <>
        <input {...attributes} {...input} type="text" list={list} />
        <datalist id={list}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </>
    );
  };
  return <Field {...field}>{draw}</Field>;
}

interface NumberProps extends FieldProps {
  value: number | null;
  onChange: (value: number | null) => void;
  unit?: string | null;
  min?: number;
  isWhole?: boolean;
}

/** A number with its unit. Empty is null. */
export function NumberField({ value, onChange, unit, min = 0, isWhole = true, ...field }: NumberProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <span class="with-unit">
          <input
            {...attributes}
            class="input"
            type="number"
            inputMode={isWhole ? "numeric" : "decimal"}
            min={min}
            step={isWhole ? 1 : "any"}
            value={value ?? ""}
            required={field.isRequired}
            onInput={(event) => {
              const text = event.currentTarget.value;
              onChange(text === "" ? null : Number(text));
            }}
          />
          {unit && <span class="unit">{unit}</span>}
        </span>
      )}
    </Field>
  );
}

export interface Option {
  value: string;
  label: string;
}

/** One of a few. */
export function SelectField({
  value,
  onChange,
  options,
  ...field
}: FieldProps & { value: string; onChange: (value: string) => void; options: Option[] }) {
  return (
    <Field {...field}>
      {(attributes) => <Select attributes={attributes} value={value} options={options} onChange={onChange} />}
    </Field>
  );
}

/** The bare control, for places with a label of their own. */
export function Select({
  attributes,
  value,
  options,
  onChange,
}: {
  attributes?: ControlAttributes | ({ "aria-label": string } & Partial<ControlAttributes>);
  value: string;
  options: Option[];
  onChange: (value: string) => void;
}) {
  return (
    <select
      {...attributes}
      class="input select"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value} selected={option.value === value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

/** Yes or no. */
export function CheckField({
  label,
  help,
  error,
  value,
  onChange,
  refusal,
}: FieldProps & { value: boolean; onChange: (value: boolean) => void; refusal?: string | undefined }) {
  const id = useId();
  const told = [help ? `${id}-help` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class={`field field-check ${error ? "field-wrong" : ""}`}>
      <input
        type="checkbox"
        id={id}
        checked={value}
        disabled={refusal !== undefined}
        title={refusal}
        aria-describedby={told || undefined}
        aria-invalid={error ? "true" : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{label}</label>
        {help && (
          <p class="field-help" id={`${id}-help`}>
            {help}
          </p>
        )}
        {error && (
          <p class="field-error" id={`${id}-error`}>
            {worded(label, error)}
          </p>
        )}
      </div>
    </div>
  );
}

const words = (text: string) =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);

/** Several words, separated by commas. */
export function ListField({
  value,
  onChange,
  ...field
}: FieldProps & {
  value: string[];
  onChange: (value: string[]) => void;
  placeholder?: string;
  suggestions?: string[];
}) {
  // What was typed is kept beside what it means: a comma that was just typed must not vanish.
  const [text, setText] = useState(value.join(", "));
  const shown = words(text).join("\n") === value.join("\n") ? text : value.join(", ");
  return (
    <TextField
      {...field}
      value={shown}
      onChange={(next) => {
        setText(next);
        onChange(words(next));
      }}
    />
  );
}

interface Row {
  key: number;
  name: string;
  value: string;
}

/** Names with values: headers. */
export function MapField({
  label,
  help,
  error,
  value,
  onChange,
  errors = {},
}: FieldProps & {
  value: Record<string, string>;
  onChange: (value: Record<string, string>) => void;
  errors?: Record<string, string>;
}) {
  const id = useId();
  const next = useRef(1);
  const [rows, setRows] = useState<Row[]>(() =>
    Object.entries(value).map(([name, text]) => ({ key: next.current++, name, value: text })),
  );
  const [added, setAdded] = useState(0);
  const box = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    if (added > 0) box.current?.querySelector<HTMLInputElement>(".map-row:last-of-type input")?.focus();
  }, [added]);
  const change = (all: Row[]) => {
    setRows(all);
    onChange(Object.fromEntries(all.filter((row) => row.name !== "").map((row) => [row.name, row.value])));
  };
  const edit = (key: number, part: Partial<Row>) =>
    change(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  return (
    <fieldset
      class={`field field-map ${error ? "field-wrong" : ""}`}
      ref={box}
      aria-describedby={help || error ? `${id}-told` : undefined}
    >
      <legend>{label}</legend>
      {rows.map((row) => (
        <div key={row.key} class="map-row">
          <input
            class="input code"
            aria-label="Name"
            placeholder="Name"
            value={row.name}
            onInput={(event) => edit(row.key, { name: event.currentTarget.value })}
          />
          <input
            class="input code"
            aria-label={`Value of ${row.name || "the new entry"}`}
            aria-invalid={errors[row.name] ? "true" : undefined}
            placeholder="Value"
            value={row.value}
            onInput={(event) => edit(row.key, { value: event.currentTarget.value })}
          />
          <Button
            kind="quiet"
            icon="close"
            label={`Remove ${row.name || "this entry"}`}
            onClick={() => change(rows.filter((one) => one !== row))}
          />
          {errors[row.name] && <p class="field-error">{worded(row.name, errors[row.name] ?? "")}</p>}
        </div>
      ))}
      <Button
        isSmall
        icon="plus"
        onClick={() => {
          setRows([...rows, { key: next.current++, name: "", value: "" }]);
          setAdded(added + 1);
        }}
      >
        Add
      </Button>
      {(help || error) && (
        <div id={`${id}-told`}>
          {help && <p class="field-help">{help}</p>}
          {error && <p class="field-error">{worded(label, error)}</p>}
        </div>
      )}
    </fieldset>
  );
}
