// Values over a window on a canvas, with a readout for mouse, finger and keyboard.

import { useEffect, useRef, useState } from "preact/hooks";
import { ink, paint, prepare } from "../lib/canvas";
import { formatClock, formatDayTime, formatInstant } from "../lib/format";
import { nearest, timeTicks } from "../lib/scale";
import { drawChart, type Frame, frameOf } from "./chart-drawing";

export interface Point {
  /** Milliseconds since 1970. */
  at: number;
  /** The typical response; null where nothing answered. */
  value: number | null;
  low: number | null;
  high: number | null;
  /** What the readout says besides the value. */
  note: string;
}

export interface Band {
  from: number;
  to: number;
  kind: "down" | "degraded" | "unknown";
}

interface ChartProps {
  label: string;
  from: number;
  to: number;
  points: Point[];
  bands: Band[];
  measure: Measure;
}

/** What is drawn: how a value reads, where the lines of the axis stand, and what is said where there is none. */
export interface Measure {
  format: (value: number | null) => string;
  ticks: (top: number, count: number) => number[];
  none: string;
}

const PIXELS_A_TIME_TICK = 90;
const VALUE_TICKS = 4;

function readout(point: Point, { format, none }: Measure): string {
  const value = point.value === null ? none : format(point.value);
  return `${formatInstant(point.at)}: ${value}${point.note ? `, ${point.note}` : ""}`;
}

/** The chart. Arrow keys step through its points; the table beside it says the same in text. */
export function Chart({ label, from, to, points, bands, measure }: ChartProps) {
  const { format, none } = measure;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [size, setSize] = useState(0);
  const turn = paint.value;
  const instants = points.map((point) => point.at);
  const index = at === null ? null : nearest(instants, at);
  const chosen = index === null ? undefined : points[index];

  useEffect(() => {
    if (!canvas.current) return;
    const watch = new ResizeObserver(([entry]) => setSize(entry?.contentRect.width ?? 0));
    watch.observe(canvas.current);
    return () => watch.disconnect();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` says that the colours have changed.
  useEffect(() => {
    const ready = canvas.current ? prepare(canvas.current) : null;
    if (!ready) return;
    const top = points.reduce((most, point) => Math.max(most, point.high ?? point.value ?? 0), 1);
    const hasValues = points.some((point) => point.value !== null);
    const values = hasValues ? measure.ticks(top, VALUE_TICKS) : [0];
    const frame = frameOf(ready.width, ready.height, from, to, values.at(-1) ?? 1);
    const times = timeTicks(from, to, Math.max(2, Math.floor(ready.width / PIXELS_A_TIME_TICK)));
    drawChart(ready.pen, frame, { points, bands, chosen, values, times, ink, format });
  }, [points, bands, from, to, size, turn, chosen, measure]);

  const point = (event: PointerEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return;
    const frame: Frame = frameOf(box.width, box.height, from, to, 1);
    setAt(frame.timeAt(event.clientX - box.left));
  };
  const step = (event: KeyboardEvent) => {
    const last = points.length - 1;
    const here = index ?? last + 1;
    const jump = event.shiftKey ? 10 : 1;
    const moves: Record<string, number> = {
      ArrowLeft: here - jump,
      ArrowRight: here + jump,
      Home: 0,
      End: last,
      PageUp: here - 20,
      PageDown: here + 20,
    };
    const next = moves[event.key];
    if (event.key === "Escape") setAt(null);
    if (next === undefined) return;
    event.preventDefault();
    setAt(instants[Math.min(last, Math.max(0, next))] ?? null);
  };

  const span = `${formatDayTime(from)} to ${to > Date.now() - 60_000 ? "now" : formatDayTime(to)}`;
  return (
    <figure class="chart">
      <figcaption class="chart-readout">
        {chosen ? (
          <>
            <span>{to - from > 36 * 3600_000 ? formatDayTime(chosen.at) : formatClock(chosen.at)}</span>
            <strong>{chosen.value === null ? none : format(chosen.value)}</strong>
            {chosen.low !== null && chosen.high !== null && chosen.low !== chosen.high && (
              <span class="muted">
                {format(chosen.low)} to {format(chosen.high)}
              </span>
            )}
            {chosen.note && <span>{chosen.note}</span>}
          </>
        ) : (
          <span class="muted">{span}</span>
        )}
      </figcaption>
      <div
        class={points.some((one) => one.value !== null) ? "chart-box" : "chart-box chart-box-low"}
        role="slider"
        tabIndex={0}
        aria-label={`${label}. Arrow keys read it point by point.`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, points.length - 1)}
        aria-valuenow={index ?? Math.max(0, points.length - 1)}
        aria-valuetext={chosen ? readout(chosen, measure) : span}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
        onKeyDown={step}
      >
        <canvas ref={canvas} />
      </div>
    </figure>
  );
}
