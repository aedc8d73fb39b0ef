// The fields of a monitor, in the order in which a person thinks of them.

import * as api from "../../api/endpoints";
import type { AssertionResult, Channel, Types } from "../../api/types";
import { formatSpan } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { CheckField, ListField, NumberField, TextField } from "../../ui/field";
import { Assertions } from "./assertions";
import { Dependencies } from "./dependencies";
import { confirmingSeconds, type Draft } from "./draft";
import { Enabled } from "./enabled";
import { Expected } from "./expected";
import { Changes, TypeSettings } from "./type-settings";
import { What } from "./what";

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  errors: Record<string, string>;
  types: Types;
  channels: Channel[];
  isNew: boolean;
  id: number | null;
  /** What the last test found of each assertion, as long as the draft is what was tested. */
  results: AssertionResult[] | null;
}

export type Part = Props & { set: (changes: Partial<Draft>) => void };

/** All fields. */
export function Form(props: Props) {
  const set = (changes: Partial<Draft>) => props.onChange({ ...props.draft, ...changes });
  const part = { ...props, set };
  const isPassive = props.types.monitors.find((one) => one.name === props.draft.type)?.is_passive ?? false;
  return (
    <>
      <What {...part} />
      {isPassive && <Expected {...part} />}
      <TypeSettings {...part} />
      {!isPassive && <Asked {...part} />}
      <Who {...part} />
      <Belonging {...part} />
    </>
  );
}

// What only matters where somebody is asked.
function Asked(part: Part) {
  return (
    <>
      <Expectations {...part} />
      <Changes {...part} />
      <When {...part} />
    </>
  );
}

function Expectations({ draft, set, errors, types, results }: Part) {
  const type = types.monitors.find((one) => one.name === draft.type);
  const specs = types.assertions.filter((one) => type?.assertions.includes(one.type));
  const has = draft.assertions.groups.some((group) => group.conditions.length > 0);
  if (specs.length === 0 && !has) return null; // nothing to assert of a domain
  return (
    <Assertions
      tree={draft.assertions}
      onChange={(assertions) => set({ assertions })}
      specs={specs}
      allSpecs={types.assertions}
      typeLabel={type?.label ?? draft.type}
      errors={errors}
      results={results}
    />
  );
}

function spanHint(seconds: number): string {
  return seconds >= 60 ? ` This is ${formatSpan(seconds)}.` : "";
}

// An empty number field is sent as it is, so that the daemon can say what it wants there.
const numeric = (value: number | null) => value as number;

function When({ draft, set, errors }: Part) {
  return (
    <fieldset class="card form-part">
      <legend>When it counts as down</legend>
      <div class="form-row">
        <NumberField
          label="Interval"
          unit="seconds"
          min={1}
          help={`Between two checks.${spanHint(draft.interval)}`}
          value={draft.interval}
          onChange={(interval) => set({ interval: numeric(interval) })}
          error={errors.interval}
        />
        <NumberField
          label="Timeout"
          unit="seconds"
          min={1}
          help="No answer within this time is a failure."
          value={draft.timeout}
          onChange={(timeout) => set({ timeout: numeric(timeout) })}
          error={errors.timeout}
        />
      </div>
      <div class="form-row">
        <NumberField
          label="Failures before down"
          unit="in a row"
          min={1}
          help={downHelp(draft)}
          value={draft.failure_threshold}
          onChange={(value) => set({ failure_threshold: numeric(value) })}
          error={errors.failure_threshold}
        />
        <NumberField
          label="Successes before up"
          unit="in a row"
          min={1}
          value={draft.success_threshold}
          onChange={(value) => set({ success_threshold: numeric(value) })}
          error={errors.success_threshold}
        />
      </div>
      <CheckField
        label="Upside down"
        help="For what must not answer: an answer counts as down."
        value={draft.upside_down}
        onChange={(upside_down) => set({ upside_down })}
        error={errors.upside_down}
      />
      <Enabled
        draft={draft}
        set={set}
        errors={errors}
        help="Otherwise it is paused: not checked, and nobody is told."
      />
    </fieldset>
  );
}

function downHelp({ interval, failure_threshold: failures }: Draft): string {
  if (!interval || !failures) return "";
  return failures === 1
    ? "Down at the first failure."
    : `Down about ${formatSpan(confirmingSeconds(interval, failures))} after the first failure.`;
}

function Who({ draft, set, errors, channels, id: own }: Part) {
  const chosen = new Set(draft.notification_channel_ids);
  const toggle = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    set({ notification_channel_ids: [...next].toSorted((a, b) => a - b) });
  };
  return (
    <fieldset class="card form-part">
      <legend>Who is told</legend>
      {channels.length === 0 ? (
        <p class="muted">
          There is no notification channel yet. <a href="./notifications">Add one</a> and every monitor uses it.
        </p>
      ) : (
        <>
          <p class="field-help">
            {chosen.size === 0 ? "None chosen: every enabled channel is told." : "Only the chosen channels are told."}
          </p>
          {channels.map((channel) => (
            <CheckField
              key={channel.id}
              label={channel.enabled ? channel.name : `${channel.name} (disabled)`}
              value={chosen.has(channel.id)}
              onChange={() => toggle(channel.id)}
            />
          ))}
        </>
      )}
      {errors.notification_channel_ids && <p class="field-error">{errors.notification_channel_ids}</p>}
      <NumberField
        label="Reminder"
        unit="seconds"
        help={`While an incident stays open, told again after this time. 0 is never.${spanHint(draft.resend_interval)}`}
        value={draft.resend_interval}
        onChange={(value) => set({ resend_interval: numeric(value) })}
        error={errors.resend_interval}
      />
      <Dependencies
        id={own}
        value={draft.depends_on}
        onChange={(depends_on) => set({ depends_on })}
        error={errors.depends_on}
      />
    </fieldset>
  );
}

function Belonging({ draft, set, errors }: Part) {
  const tags = useQuery("tags", (signal) => api.system.tags(signal));
  const groups = useQuery("groups", (signal) => api.system.groups(signal));
  return (
    <fieldset class="card form-part">
      <legend>Where it belongs</legend>
      <div class="form-row">
        <TextField
          label="Group"
          value={draft.group ?? ""}
          onChange={(group) => set({ group: group === "" ? null : group })}
          suggestions={groups.data ?? []}
          error={errors.group}
        />
        <ListField
          label="Tags"
          help="Separated by commas."
          value={draft.tags}
          onChange={(next) => set({ tags: next })}
          suggestions={tags.data ?? []}
          error={errors.tags}
        />
      </div>
      <TextField
        label="Description"
        help="For whoever is woken by it. Markdown: lists, links, bold and code."
        rows={4}
        value={draft.description}
        onChange={(description) => set({ description })}
        error={errors.description}
      />
    </fieldset>
  );
}
