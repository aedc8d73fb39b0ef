// Uptime over several windows, side by side.

import { formatDayTime, formatPercent } from "../lib/format";

const DAY_MS = 86_400_000;
const WINDOWS = [
  { key: "24h", days: 1, words: "24 hours" },
  { key: "7d", days: 7, words: "7 days" },
  { key: "30d", days: 30, words: "30 days" },
  { key: "90d", days: 90, words: "90 days" },
];

/** The tiles. A window that reaches back before `since` is called by that instant. */
export function Uptimes({ uptime, since }: { uptime: { [window: string]: number | null }; since?: string }) {
  return (
    <ul class="tiles" aria-label="Uptime">
      {WINDOWS.map(({ key, days, words }) => {
        const value = uptime[key] ?? null;
        const isYoung = since !== undefined && Date.parse(since) > Date.now() - days * DAY_MS;
        return (
          <li key={key}>
            <div class="tile">
              <span class="tile-number">{formatPercent(value)}</span>
              <span class="tile-word">
                {value === null ? "no data, " : "up, "}
                {isYoung ? `since ${formatDayTime(since)}` : words}
              </span>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
