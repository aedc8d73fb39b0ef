// When a job that reports by itself is expected: once a period, or on a cron schedule that shows what it means.

import { useRef } from "preact/hooks";
import type { Settings } from "../../api/types";
import { DurationField } from "../../ui/duration-field";
import { Tabs } from "../../ui/tabs";
import { Enabled } from "./enabled";
import type { Part } from "./form";
import { ScheduleFields } from "./schedule";

const PLANS = [
  { value: "period", label: "Once a period" },
  { value: "schedule", label: "On a cron schedule" },
];
const FIRST_SCHEDULE = "0 3 * * *";

/** The card. */
export function Expected({ draft, set, errors, types }: Part) {
  const { schedule, timezone, ...rest } = draft.settings;
  const dropped = useRef<Settings>({ schedule: FIRST_SCHEDULE });
  const isScheduled = schedule !== undefined;
  const change = (settings: Settings) => set({ settings: { ...draft.settings, ...settings } });
  const choose = (plan: string) => {
    if ((plan === "schedule") === isScheduled) return;
    if (isScheduled) dropped.current = timezone === undefined ? { schedule } : { schedule, timezone };
    set({ settings: isScheduled ? rest : { ...rest, ...dropped.current } });
  };
  const fields = types.monitors.find((one) => one.name === draft.type)?.fields ?? [];
  const usual = fields.find((field) => field.name === "grace")?.default;
  const grace = draft.settings.grace ?? usual;
  return (
    <fieldset class="card form-part">
      <legend>When it is expected</legend>
      <Tabs
        label="How often it is expected"
        options={PLANS}
        value={isScheduled ? "schedule" : "period"}
        onChange={choose}
      />
      {isScheduled ? (
        <ScheduleFields
          schedule={String(schedule)}
          timezone={typeof timezone === "string" ? timezone : "UTC"}
          onChange={change}
          errors={errors}
        />
      ) : (
        <DurationField
          label="Period"
          help="A ping is expected within this time of the one before."
          value={draft.interval}
          // An empty field is sent as it is, so that the daemon can say what it wants there.
          onChange={(interval) => set({ interval: interval as number })}
          error={errors.interval}
        />
      )}
      <DurationField
        label="Grace"
        help="How late a ping may come before the job is down and somebody is told."
        value={typeof grace === "number" ? grace : null}
        onChange={(seconds) => change({ grace: seconds })}
        error={errors["settings.grace"]}
      />
      <Enabled
        draft={draft}
        set={set}
        errors={errors}
        help="Otherwise it is paused: what it reports is kept, and nobody is told."
      />
    </fieldset>
  );
}
