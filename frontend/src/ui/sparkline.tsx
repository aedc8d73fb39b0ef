// The last checks as bars: the height is the response time, a failure stands full height in its own colour.

import { useEffect, useRef } from "preact/hooks";
import { ink, paint, prepare } from "../lib/canvas";
import { formatMs, plural } from "../lib/format";

export interface SparkPoint {
  status: string;
  response_ms: number | null;
}

const BAR = 3;
const GAP = 1;

function draw(canvas: HTMLCanvasElement, points: SparkPoint[]): void {
  const ready = prepare(canvas);
  if (!ready) return;
  const { pen, width, height } = ready;
  const room = Math.floor((width + GAP) / (BAR + GAP));
  const shown = points.slice(-room);
  const top = Math.max(1, ...shown.map((point) => (point.status === "down" ? 0 : (point.response_ms ?? 0))));
  pen.fillStyle = ink("--line");
  pen.fillRect(0, height - 1, width, 1);
  for (const [index, point] of shown.entries()) {
    const x = width - (shown.length - index) * (BAR + GAP) + GAP;
    const isDown = point.status === "down";
    const tall = isDown ? height : Math.max(2, Math.round(((point.response_ms ?? 0) / top) * (height - 4)));
    pen.fillStyle = ink(isDown ? "--down" : point.status === "degraded" ? "--degraded" : "--spark");
    pen.fillRect(x, height - tall, BAR, tall);
  }
}

function words(points: SparkPoint[], noun: string): string {
  if (points.length === 0) return `No ${noun}s yet`;
  const down = points.filter((point) => point.status === "down").length;
  const times = points.flatMap((point) => (point.response_ms === null ? [] : [point.response_ms]));
  const slowest = times.length > 0 ? `, slowest ${formatMs(Math.max(...times))}` : "";
  return `Last ${plural(points.length, noun)}: ${down} failed${slowest}`;
}

/** A small chart of the last checks, or of what else `noun` says they are. */
export function Sparkline({ points, noun = "check" }: { points: SparkPoint[]; noun?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const turn = paint.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` says that the colours have changed.
  useEffect(() => {
    if (canvas.current) draw(canvas.current, points);
  }, [points, turn]);
  const text = words(points, noun);
  return <canvas ref={canvas} class="sparkline" role="img" aria-label={text} title={text} />;
}
