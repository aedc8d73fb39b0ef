// The fields of a type's settings, drawn from the description that the daemon gives of them.

import { CheckField, ListField, MapField, NumberField, SelectField, TextField } from "./field";

export type SettingValue = string | number | boolean | null | SettingValue[] | { [key: string]: SettingValue };
export type SettingValues = { [key: string]: SettingValue };

export interface SettingSpec {
  name: string;
  /** `string` `text` `integer` `number` `boolean` `list` `map` `object`. */
  type: string;
  label: string;
  help: string;
  unit: string | null;
  default: SettingValue;
  secret: boolean;
  required: boolean;
  choices: { value: string; label?: string }[] | null;
  fields?: SettingSpec[];
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
  if (spec.choices) {
    const options = spec.choices.map((one) => ({ value: one.value, label: one.label ?? one.value }));
    return <SelectField {...common} value={String(value ?? "")} options={options} onChange={onChange} />;
  }
  switch (spec.type) {
    case "boolean":
      return <CheckField {...common} value={value === true} onChange={onChange} />;
    case "integer":
    case "number":
      return (
        <NumberField
          {...common}
          unit={spec.unit}
          value={typeof value === "number" ? value : null}
          onChange={onChange}
        />
      );
    case "list": {
      const list = Array.isArray(value) ? value.map(String) : [];
      return (
        <ListField {...common} error={errors[path] ?? firstUnder(errors, path)} value={list} onChange={onChange} />
      );
    }
    case "map":
      return <MapField {...common} value={texts(value)} errors={below(errors, path)} onChange={onChange} />;
    case "object":
      return <ObjectField spec={spec} value={value} onChange={onChange} errors={errors} path={path} />;
    default:
      return (
        <TextField
          {...common}
          type={spec.secret ? "password" : "text"}
          rows={spec.type === "text" ? 3 : undefined}
          isCode={spec.type === "text"}
          value={typeof value === "string" ? value : ""}
          onChange={(text) => onChange(text === "" && spec.default === null ? null : text)}
        />
      );
  }
}

function ObjectField({ spec, value, onChange, errors, path }: FieldProps) {
  const values = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  return (
    <fieldset class="field field-group">
      <legend>{spec.label}</legend>
      {spec.help && <p class="field-help">{spec.help}</p>}
      <SettingFields
        specs={spec.fields ?? []}
        values={values}
        errors={errors}
        path={path}
        onChange={(next) => onChange(Object.keys(next).length === 0 ? null : next)}
      />
      {errors[path] && <p class="field-error">{errors[path]}</p>}
    </fieldset>
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
