// What a crontab, or a Kubernetes CronJob, can say of when a job is due. Pure.

import { formatSpan } from "../../lib/format";

/** When a job is due: by its schedule, or else by its period in seconds. */
export interface Plan {
  interval: number;
  /** Empty without one. */
  schedule: string;
}

export interface When {
  /** The five fields, or a nickname such as `@daily`. */
  fields: string;
  /** Why they are none. */
  note: string;
}

// Cron and Kubernetes refuse these words: the job must not run at another time than the one it is expected at.
const PLACEHOLDER = "MINUTE HOUR DAY MONTH WEEKDAY";
const DAY_MINUTES = 1440;

/** When a crontab runs what comes once in so many seconds, days and weeks at three in the night; null if it can't. */
export function crontabTime(interval: number): string | null {
  const minutes = interval / 60;
  if (minutes === 1) return "* * * * *";
  if (minutes === 60) return "0 * * * *";
  if (minutes === DAY_MINUTES) return "0 3 * * *";
  if (minutes === 7 * DAY_MINUTES) return "0 3 * * 0";
  // A step begins anew each hour or day: only what divides that comes evenly.
  const hours = minutes / 60;
  if (minutes < 60) return isDivisor(minutes, 60) ? `*/${minutes} * * * *` : null;
  return hours < 24 && isDivisor(hours, 24) ? `0 */${hours} * * *` : null;
}

const isDivisor = (part: number, whole: number) => Number.isInteger(part) && whole % part === 0;

/** For a crontab. */
export function inCrontab(plan: Plan): When {
  return written(plan, isCron, "A crontab", "use a systemd timer, or ");
}

/** For the schedule of a CronJob. */
export function inKubernetes(plan: Plan): When {
  return written(plan, isKubernetes, "A CronJob", "");
}

function written(
  { interval, schedule }: Plan,
  isKnown: (fields: string[]) => boolean,
  place: string,
  instead: string,
): When {
  const asked = schedule.trim().split(/\s+/);
  // Asura takes a nickname in capitals, too.
  const nickname = schedule.includes("@") && asked.join("").toLowerCase();
  const fields = nickname || (schedule ? isKnown(asked) && asked.join(" ") : crontabTime(interval));
  if (fields) return { fields, note: "" };
  const meant = schedule ? `“${asked.join(" ")}”` : `every ${formatSpan(interval)}`;
  const note = `${place} can't say ${meant}: ${instead}give the monitor a cron schedule that it can say.`;
  return { fields: PLACEHOLDER, note };
}

// L, LW, 5L and 1#2. Some crons read of them what they understand, and run the job on every Friday or Monday.
const hasLastOrNth = ([, , day = "", , weekday = ""]: string[]) => /L/i.test(day) || /[L#]/i.test(weekday);
// crontab(5): a step follows a star or a range. 5/15 is 5 to some.
const hasLoneStep = (fields: string[]) => fields.some((field) => /(^|,)\w+\//.test(field));
// Kubernetes counts the days of the week from 0 to 6.
const hasSeven = ([, , , , weekday = ""]: string[]) => /(^|[,-])7/.test(weekday);

const isCron = (fields: string[]) => !hasLastOrNth(fields) && !hasLoneStep(fields);
const isKubernetes = (fields: string[]) => !hasLastOrNth(fields) && !hasSeven(fields);
