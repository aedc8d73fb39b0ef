// The fields of a type's settings, drawn from the description that the daemon gives of them.

import { DurationField } from "./duration-field";
import { CheckField, MapField, NumberField, SelectField, TextField } from "./field";
import { LinesField } from "./lines-field";

export type SettingValue = string | number | boolean | null | SettingValue[] | { [key: string]: SettingValue };
export type SettingValues = { [key: string]: SettingValue };

export interface SettingSpec {
  name: string;
  /** `string` `text` `integer` `number` `boolean` `choice` `list` `map` `variant`. */
  type: string;
  label: string;
  help: string;
  unit: string | null;
  default: SettingValue;
  secret: boolean;
  required: boolean;
  placeholder: string;
  /** Fields of a group are shown together, folded; those without one always. */
  group: string;
  choices: { value: string; label: string }[] | null;
  /** The kinds that an object may be of; its `type` names the one. */
  variants: SettingVariant[] | null;
}

export interface SettingVariant {
  name: string;
  label: string;
  fields: SettingSpec[];
}

interface Props {
  specs: SettingSpec[];
  values: SettingValues;
  onChange: (values: SettingValues) => void;
  /** Errors by path: `settings.headers`. */
  errors: Record<string, string>;
  path: string;
}

/** The fields, in the order of the description. A value equal to its default is not sent. */
export function SettingFields({ specs, values, onChange, errors, path }: Props) {
  return (
    <>
      {specs.map((spec) => (
        <SettingField
          key={spec.name}
          spec={spec}
          value={values[spec.name] ?? spec.default}
          errors={errors}
          path={`${path}.${spec.name}`}
          onChange={(value) => {
            const { [spec.name]: _, ...rest } = values;
            const isDefault = JSON.stringify(value) === JSON.stringify(spec.default);
            onChange(isDefault || value === null ? rest : { ...rest, [spec.name]: value });
          }}
        />
      ))}
    </>
  );
}

interface FieldProps {
  spec: SettingSpec;
  value: SettingValue;
  onChange: (value: SettingValue) => void;
  errors: Record<string, string>;
  path: string;
}

function SettingField({ spec, value, onChange, errors, path }: FieldProps) {
  const common = { label: spec.label, help: spec.help || undefined, error: errors[path], isRequired: spec.required };
  const placeholder = spec.placeholder || undefined;
  if (spec.choices) {
    const options = spec.choices.map((one) => ({ value: one.value, label: one.label || "None" }));
    return <SelectField {...common} value={String(value ?? "")} options={options} onChange={onChange} />;
  }
  switch (spec.type) {
    case "boolean":
      return <CheckField {...common} value={value === true} onChange={onChange} />;
    case "integer":
    case "number":
      if (spec.unit === "s")
        return <DurationField {...common} value={typeof value === "number" ? value : null} onChange={onChange} />;
      return (
        <NumberField
          {...common}
          unit={spec.unit}
          isWhole={spec.type === "integer"}
          value={typeof value === "number" ? value : null}
          onChange={onChange}
        />
      );
    case "list": {
      const list = Array.isArray(value) ? value.map(String) : [];
      return (
        <LinesField
          {...common}
          error={errors[path] ?? firstUnder(errors, path)}
          placeholder={placeholder}
          value={list}
          onChange={onChange}
        />
      );
    }
    case "map":
      return <MapField {...common} value={texts(value)} errors={below(errors, path)} onChange={onChange} />;
    case "variant":
      return <VariantField spec={spec} value={value} onChange={onChange} errors={errors} path={path} />;
    default:
      return (
        <TextField
          {...common}
          type={spec.secret ? "password" : "text"}
          rows={spec.type === "text" ? rowsFor(value) : undefined}
          placeholder={placeholder}
          isCode={spec.type === "text"}
          value={typeof value === "string" ? value : ""}
          onChange={(text) => onChange(text === "" && spec.default === null ? null : text)}
        />
      );
  }
}

// A certificate is long: it is shown in part, and the field can be pulled larger.
function rowsFor(value: SettingValue): number {
  const count = typeof value === "string" ? value.split("\n").length : 1;
  return Math.min(10, Math.max(3, count));
}

function VariantField({ spec, value, onChange, errors, path }: FieldProps) {
  const { type, ...values } = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  const variants = spec.variants ?? [];
  const variant = variants.find((one) => one.name === type);
  const options = [{ value: "", label: "None" }, ...variants.map((one) => ({ value: one.name, label: one.label }))];
  return (
    <>
      <SelectField
        label={spec.label}
        help={spec.help || undefined}
        error={errors[path]}
        value={variant?.name ?? ""}
        options={options}
        onChange={(name) => onChange(name === "" ? null : { type: name })}
      />
      {variant && (
        <fieldset class="field field-group">
          <legend>{variant.label}</legend>
          <SettingFields
            key={variant.name}
            specs={variant.fields}
            values={values}
            errors={errors}
            path={path}
            onChange={(next) => onChange({ ...next, type: variant.name })}
          />
        </fieldset>
      )}
    </>
  );
}

function texts(value: SettingValue): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}

function below(errors: Record<string, string>, path: string): Record<string, string> {
  const inside = Object.entries(errors).filter(([name]) => name.startsWith(`${path}.`));
  return Object.fromEntries(inside.map(([name, text]) => [name.slice(path.length + 1), text]));
}

function firstUnder(errors: Record<string, string>, path: string): string | undefined {
  return Object.entries(errors).find(([name]) => name.startsWith(`${path}.`) || name.startsWith(`${path}[`))?.[1];
}
