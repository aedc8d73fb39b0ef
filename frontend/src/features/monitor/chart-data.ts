// From the API's chart to what is drawn. Pure.

import type { Chart, ChartPoint, StatusInterval } from "../../api/types";
import { formatPercent, plural } from "../../lib/format";
import type { Band, Point } from "../../ui/chart";

/** The points of a chart, in the order of time; `noun` is what was counted. */
export function toPoints(chart: Chart, noun = "check"): Point[] {
  return chart.points.map((point) => ({
    at: Date.parse(point.at),
    value: point.avg_ms,
    low: point.min_ms,
    high: point.max_ms,
    note: [noteOf(point, noun), uptimeOf(point)].filter(Boolean).join(", "),
  }));
}

// A step that was up all the time needs no word.
function uptimeOf({ uptime_pct: uptime }: ChartPoint): string {
  return uptime === null || uptime >= 100 ? "" : `up ${formatPercent(uptime)} of the time`;
}

function noteOf(point: ChartPoint, noun: string): string {
  const total = point.up + point.degraded + point.down;
  if (total === 0) return `no ${noun}s`;
  if (point.down === total) return total === 1 ? "failed" : `all ${total} ${noun}s failed`;
  if (point.down > 0) return `${point.down} of ${plural(total, noun)} failed`;
  return point.degraded > 0 ? `${point.degraded} of ${plural(total, noun)} degraded` : "";
}

const BANDS: Record<string, Band["kind"]> = {
  down: "down",
  degraded: "degraded",
  unknown: "unknown",
  paused: "unknown",
  pending: "unknown",
};

/** The stretches in which the monitor was not up. */
export function toBands(spans: StatusInterval[]): Band[] {
  return spans.flatMap((span) => {
    const kind = BANDS[span.status];
    return kind ? [{ kind, from: Date.parse(span.from), to: Date.parse(span.to) }] : [];
  });
}
