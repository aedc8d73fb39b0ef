// The settings of the chosen type: those that most need at once, the others folded in the groups they belong to.

import type { FieldSpec, Settings } from "../../api/types";
import { CheckField } from "../../ui/field";
import { SettingFields } from "../../ui/setting-fields";
import type { Part } from "./form";

/** The group of the fields that matter only where changes are tracked; they stand beside that choice. */
const CHANGES = "Changes";

interface FieldGroup {
  name: string;
  fields: FieldSpec[];
}

/** Fields by their group, in the order in which the groups first appear. */
export function groupsOf(fields: FieldSpec[]): FieldGroup[] {
  const names = [...new Set(fields.map((field) => field.group))];
  return names.map((name) => ({ name, fields: fields.filter((field) => field.group === name) }));
}

const isUnder = (errors: Record<string, string>, path: string) =>
  Object.keys(errors).some((name) => name === path || name.startsWith(`${path}.`) || name.startsWith(`${path}[`));

/** How it is checked. */
export function TypeSettings({ draft, set, errors, types }: Part) {
  const type = types.monitors.find((one) => one.name === draft.type);
  // What stands in no group of a type that reports by itself says when it is expected, which has a card of its own.
  const groups = groupsOf(type?.fields ?? []).filter(
    (group) => group.name !== CHANGES && !(type?.is_passive && group.name === ""),
  );
  if (!type || groups.length === 0) return null;
  const common = {
    values: draft.settings,
    errors,
    path: "settings",
    onChange: (settings: Settings) => set({ settings }),
  };
  return (
    <fieldset class="card form-part" key={draft.type}>
      <legend>{type.is_passive ? "What its reports must be like" : "How it is checked"}</legend>
      {errors.settings && <p class="field-error">{errors.settings}</p>}
      {groups.map((group) =>
        group.name === "" ? (
          <SettingFields key="" specs={group.fields} {...common} />
        ) : (
          <Folded key={group.name} group={group} values={draft.settings} errors={errors}>
            <SettingFields specs={group.fields} {...common} />
          </Folded>
        ),
      )}
    </fieldset>
  );
}

function Folded({
  group,
  values,
  errors,
  children,
}: {
  group: FieldGroup;
  values: Settings;
  errors: Record<string, string>;
  children: preact.ComponentChildren;
}) {
  const set = group.fields.filter((field) => values[field.name] !== undefined && !isDefault(field, values));
  const isWrong = group.fields.some((field) => isUnder(errors, `settings.${field.name}`));
  return (
    <details class="folded" open={isWrong || undefined}>
      <summary>
        <span class="label">{group.name}</span>{" "}
        {set.length > 0 ? (
          <span class="folded-set">set: {labels(set)}</span>
        ) : (
          <span class="muted">{labels(group.fields)}</span>
        )}
      </summary>
      <div class="folded-body">{children}</div>
    </details>
  );
}

const isDefault = (field: FieldSpec, values: Settings) =>
  JSON.stringify(values[field.name]) === JSON.stringify(field.default);

// `HTTP version` keeps its capitals.
const lowered = (label: string) => (/^.\p{Lu}/u.test(label) ? label : label.charAt(0).toLowerCase() + label.slice(1));
const labels = (fields: FieldSpec[]) => fields.map((field) => lowered(field.label)).join(", ");

/** Whether changes of what is answered are kept, and what of it doesn't count. */
export function Changes({ draft, set, errors, types }: Part) {
  const type = types.monitors.find((one) => one.name === draft.type);
  const isWrong = errors.track_changes !== undefined;
  if (!type?.tracks_changes && !draft.track_changes && !isWrong) return null;
  const fields = type?.fields.filter((field) => field.group === CHANGES) ?? [];
  return (
    <fieldset class="card form-part">
      <legend>Changes</legend>
      <CheckField
        label="Track changes"
        help="Keeps a diff whenever what is answered differs from before, and tells the channels that want to know."
        value={draft.track_changes}
        onChange={(track_changes) => set({ track_changes })}
        error={errors.track_changes}
      />
      {(draft.track_changes || fields.some((field) => isUnder(errors, `settings.${field.name}`))) && (
        <SettingFields
          specs={fields}
          values={draft.settings}
          errors={errors}
          path="settings"
          onChange={(settings) => set({ settings })}
        />
      )}
    </fieldset>
  );
}
