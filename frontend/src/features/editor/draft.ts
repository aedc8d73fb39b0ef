// The document that the form edits: where it begins, and what becomes of it. Pure.

import type { AssertionSpec, Defaults, Monitor, MonitorDocument, Settings, TypeSpec, Types } from "../../api/types";
import { freshTree, readTree, type Tree, writeTree } from "./conditions";

/** The part of a monitor's document that the form shows. */
export type Draft = Required<Omit<MonitorDocument, "assertions" | "escalation_policy_id" | "regions">> & {
  assertions: Tree;
};

const FRESH: Omit<Draft, "assertions"> = {
  name: "",
  description: "",
  type: "http",
  target: "",
  interval: 60,
  timeout: 10,
  enabled: true,
  public: false,
  tags: [],
  group: null,
  settings: {},
  track_changes: false,
  failure_threshold: 3,
  success_threshold: 1,
  resend_interval: 0,
  upside_down: false,
  notification_channel_ids: [],
  depends_on: [],
};

/** A new monitor, with what the configuration gives where nothing is said. */
export function freshDraft(defaults: Defaults): Draft {
  const { interval, timeout, failure_threshold, success_threshold } = defaults;
  return { ...FRESH, assertions: freshTree(), interval, timeout, failure_threshold, success_threshold };
}

/** The form's part of a monitor. */
export function draftOf(monitor: Monitor, specs: AssertionSpec[]): Draft {
  return {
    name: monitor.name,
    description: monitor.description,
    type: monitor.type,
    target: monitor.target,
    interval: monitor.interval,
    timeout: monitor.timeout,
    enabled: monitor.enabled,
    public: monitor.public,
    tags: monitor.tags,
    group: monitor.group,
    settings: withoutEmptySchedule(monitor.settings),
    assertions: readTree(monitor.assertions, specs),
    track_changes: monitor.track_changes,
    failure_threshold: monitor.failure_threshold,
    success_threshold: monitor.success_threshold,
    resend_interval: monitor.resend_interval,
    upside_down: monitor.upside_down,
    notification_channel_ids: monitor.notification_channel_ids,
    depends_on: monitor.depends_on,
  };
}

/** A schedule that is empty is none: the form tells by its absence that a period is meant. */
function withoutEmptySchedule({ schedule, ...rest }: Settings): Settings {
  return schedule === undefined || schedule === "" ? rest : { ...rest, schedule };
}

/** Whether a schedule was chosen and then not written: sent so, it would quietly be a period. */
export function isScheduleMissing({ settings: { schedule } }: Pick<Draft, "settings">): boolean {
  return typeof schedule === "string" && schedule.trim() === "";
}

/**
 * The document to send. Where one is stored it is replaced: what the form does not show stays as it is, but for what
 * a type that reports by itself can't have.
 */
export function documentOf(
  draft: Draft,
  stored: Monitor | null,
  types: Pick<Types, "assertions" | "monitors">,
): MonitorDocument {
  const isPassive = types.monitors.find((one) => one.name === draft.type)?.is_passive ?? false;
  const assertions = isPassive ? [] : writeTree(draft.assertions, types.assertions);
  return { ...stored, ...draft, assertions, ...(isPassive ? { track_changes: false, upside_down: false } : {}) };
}

/** The errors that stand after an edit: of what was changed nothing is known until it is sent again. */
export function stillWrong(errors: Record<string, string>, before: Draft, after: Draft): Record<string, string> {
  const isUntouched = (path: string) => JSON.stringify(valueAt(before, path)) === JSON.stringify(valueAt(after, path));
  return Object.fromEntries(Object.entries(errors).filter(([path]) => isUntouched(path)));
}

// What stands at `settings.grace`; of what is asserted, the condition or the group that the path is in.
function valueAt(draft: Draft, path: string): unknown {
  const asserted = /^assertions(\.groups\[\d+\](\.conditions\[\d+\])?|\[\d+\])?/.exec(path)?.[0];
  const place = asserted?.replace(/^assertions\[/, "assertions.groups[0].conditions[") ?? path;
  return place
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), draft);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

export function isSame(one: Draft, other: Draft): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What each type keeps while another one is chosen: how often is a question of the type. */
export type Kept = Pick<Draft, "settings" | "interval">;

// A job that reports runs once a day more often than once a minute, and may be an hour late.
const FRESH_PASSIVE: Kept = { settings: { grace: 3600 }, interval: 86_400 };

/** The draft with another type; each type keeps what was typed for it. */
export function withType(draft: Draft, type: TypeSpec, kept: Record<string, Kept>, defaults: Defaults): Draft {
  const fresh = type.is_passive ? FRESH_PASSIVE : { settings: {}, interval: defaults.interval };
  return { ...draft, type: type.name, ...(kept[type.name] ?? fresh) };
}

/** Whether a target is a host and its port, `example.org:443`, where a URL is wanted. */
export function isHostAndPort(target: string): boolean {
  return /^(\[[0-9a-f:]+\]|[^\s/:]+):\d{1,5}$/i.test(target.trim());
}

/** A name for what is watched, taken from its address: `example.org`. */
export function nameFrom(target: string): string {
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(target) ? target : `tcp://${target}`);
    const path = url.pathname.replace(/\/$/, "");
    return (url.host + path).slice(0, 255);
  } catch {
    return "";
  }
}

const SOONEST_RECHECK = 5;
const LATEST_RECHECK = 20;
const MAX_RECHECKS = 10;

/** Seconds from the first failure to the last that is needed: what fails is checked again sooner, ten times in a row. */
export function confirmingSeconds(interval: number, failures: number): number {
  const recheck = Math.min(interval, Math.max(SOONEST_RECHECK, Math.min(LATEST_RECHECK, interval / 3)));
  const sooner = Math.min(failures - 1, MAX_RECHECKS);
  return Math.round(sooner * recheck + (failures - 1 - sooner) * interval);
}
