// Numbers and times as a person reads them. Pure; the locale is the browser's for dates, English for words.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const dateTime = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const dayTime = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `29 Mar 2026, 01:00:00` in the browser's zone. */
export function formatInstant(at: string | number): string {
  return dateTime.format(new Date(at));
}

/** `29 Mar, 01:00` in the browser's zone. */
export function formatDayTime(at: string | number): string {
  return dayTime.format(new Date(at));
}

/** `Sun, 29 Mar 2026, 03:00` in a time zone, or in the browser's when it doesn't know that one. */
export function formatInZone(at: string | number, timeZone: string): string {
  const form: Intl.DateTimeFormatOptions = {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  };
  try {
    return new Intl.DateTimeFormat(undefined, { ...form, timeZone }).format(new Date(at));
  } catch {
    return new Intl.DateTimeFormat(undefined, form).format(new Date(at));
  }
}

/** `01:00:00` in the browser's zone. */
export function formatClock(at: string | number): string {
  return clockTime.format(new Date(at));
}

/** `3 d 4 h`, `12 min`, `45 s`: the two largest parts, the second only below ten of the first. */
export function formatSpan(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return pair(s, MINUTE, "min", 1, "s");
  if (s < DAY) return pair(s, HOUR, "h", MINUTE, "min");
  return pair(s, DAY, "d", HOUR, "h");
}

function pair(s: number, big: number, bigName: string, small: number, smallName: string): string {
  const whole = Math.floor(s / big);
  const rest = Math.floor((s % big) / small);
  return whole < 10 && rest > 0 ? `${whole} ${bigName} ${rest} ${smallName}` : `${whole} ${bigName}`;
}

/** `just now`, `45 s ago`, `3 d ago`; a moment in the future is `in 3 min`. */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.floor((now - at) / 1000);
  if (Math.abs(seconds) < 3) return "just now";
  return seconds < 0 ? `in ${formatSpan(-seconds)}` : `${coarse(seconds)} ago`;
}

/** `4 min`, `18 h`: the largest part alone, for where there is little room. */
export function formatRough(seconds: number): string {
  return coarse(Math.max(0, Math.floor(seconds)));
}

function coarse(s: number): string {
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min`;
  if (s < DAY) return `${Math.floor(s / HOUR)} h`;
  return `${Math.floor(s / DAY)} d`;
}

/** `43 ms`, `1.24 s`; null is a dash. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms < 10) return `${Number.isInteger(ms) ? ms : ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** How long a job ran, from milliseconds to days: `43 ms`, `12.4 s`, `3 h 20 min`; null is a dash. */
export function formatRun(ms: number | null | undefined): string {
  return ms && ms >= MINUTE * 1000 ? formatSpan(ms / 1000) : formatMs(ms);
}

/** A percentage with up to three decimals, never rounded up: 99.9996 is `99.999 %`, not `100 %`. */
export function formatPercent(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const floored = Math.floor(value * 1000 + 1e-6) / 1000;
  return `${String(floored)} %`;
}

export function formatCount(value: number): string {
  return integer.format(value);
}

/** A rate with one decimal below ten: `0.5`, `12`. */
export function formatRate(value: number): string {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : integer.format(value);
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? "B"}`;
}

/** `1 monitor`, `3 monitors`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
