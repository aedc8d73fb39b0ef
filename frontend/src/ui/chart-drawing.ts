// The strokes of the chart. It draws what it is given and keeps nothing.

import { formatClock, formatDayTime } from "../lib/format";
import type { TimeTicks } from "../lib/scale";
import type { Band, Point } from "./chart";

const LEFT = 56;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const FONT = "11px system-ui, sans-serif";

export interface Frame {
  width: number;
  height: number;
  x: (at: number) => number;
  y: (value: number) => number;
  timeAt: (x: number) => number;
}

/** Where instants and values stand on a canvas of this size. */
export function frameOf(width: number, height: number, from: number, to: number, top: number): Frame {
  const room = Math.max(1, width - LEFT - RIGHT);
  const tall = Math.max(1, height - TOP - BOTTOM);
  const span = Math.max(1, to - from);
  return {
    width,
    height,
    x: (at) => LEFT + ((at - from) / span) * room,
    y: (value) => TOP + tall - (value / top) * tall,
    timeAt: (x) => from + ((x - LEFT) / room) * span,
  };
}

interface Scene {
  points: Point[];
  bands: Band[];
  chosen: Point | undefined;
  values: number[];
  times: TimeTicks;
  ink: (name: string) => string;
  format: (value: number | null) => string;
}

export function drawChart(pen: CanvasRenderingContext2D, frame: Frame, scene: Scene): void {
  pen.font = FONT;
  drawBands(pen, frame, scene);
  drawAxes(pen, frame, scene);
  drawRange(pen, frame, scene);
  drawLine(pen, frame, scene);
  if (scene.chosen) drawCursor(pen, frame, scene, scene.chosen);
}

// Failures are a tint, slanted lines and a bar on the floor: visible without seeing red.
function drawBands(pen: CanvasRenderingContext2D, frame: Frame, { bands, ink }: Scene): void {
  const floor = frame.height - BOTTOM;
  for (const band of bands) {
    const left = Math.max(LEFT, frame.x(band.from));
    const wide = Math.max(2, Math.min(frame.width - RIGHT, frame.x(band.to)) - left);
    const color = ink(band.kind === "unknown" ? "--muted" : `--${band.kind}`);
    pen.save();
    pen.beginPath();
    pen.rect(left, TOP, wide, floor - TOP);
    pen.clip();
    pen.globalAlpha = band.kind === "unknown" ? 0.06 : 0.12;
    pen.fillStyle = color;
    pen.fillRect(left, TOP, wide, floor - TOP);
    if (band.kind === "down") {
      pen.globalAlpha = 0.35;
      pen.strokeStyle = color;
      pen.lineWidth = 1;
      pen.beginPath();
      for (let x = left - floor - (left % 8); x < left + wide; x += 8) {
        pen.moveTo(x, floor);
        pen.lineTo(x + floor - TOP, TOP);
      }
      pen.stroke();
    }
    pen.restore();
    pen.fillStyle = color;
    if (band.kind !== "unknown") pen.fillRect(left, floor - 3, wide, 3);
  }
}

function drawAxes(pen: CanvasRenderingContext2D, frame: Frame, { values, times, ink, format }: Scene): void {
  pen.strokeStyle = ink("--line");
  pen.fillStyle = ink("--muted");
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const value of values) {
    const y = Math.round(frame.y(value)) + 0.5;
    pen.beginPath();
    pen.moveTo(LEFT, y);
    pen.lineTo(frame.width - RIGHT, y);
    pen.stroke();
    pen.fillText(value === 0 ? "0" : format(value), LEFT - 6, y);
  }
  pen.textBaseline = "alphabetic";
  pen.textAlign = "center";
  for (const at of times.at) {
    const x = frame.x(at);
    const text = times.isDaily ? (formatDayTime(at).split(",")[0] ?? "") : formatClock(at).slice(0, 5);
    const half = pen.measureText(text).width / 2;
    if (x - half < LEFT || x + half > frame.width) continue;
    pen.fillText(text, x, frame.height - 8);
  }
}

function drawRange(pen: CanvasRenderingContext2D, frame: Frame, { points, ink }: Scene): void {
  pen.save();
  pen.fillStyle = ink("--accent");
  pen.globalAlpha = 0.16;
  for (const run of runs(points)) {
    if (!run.some((point) => point.high !== null && point.low !== null && point.high > point.low)) continue;
    pen.beginPath();
    for (const [index, point] of run.entries()) {
      const y = frame.y(point.high ?? point.value ?? 0);
      if (index === 0) pen.moveTo(frame.x(point.at), y);
      else pen.lineTo(frame.x(point.at), y);
    }
    for (const point of run.toReversed()) pen.lineTo(frame.x(point.at), frame.y(point.low ?? point.value ?? 0));
    pen.closePath();
    pen.fill();
  }
  pen.restore();
}

function drawLine(pen: CanvasRenderingContext2D, frame: Frame, { points, ink }: Scene): void {
  pen.strokeStyle = ink("--accent");
  pen.fillStyle = ink("--accent");
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  for (const run of runs(points)) {
    const [first] = run;
    if (run.length === 1 && first) {
      pen.beginPath();
      pen.arc(frame.x(first.at), frame.y(first.value ?? 0), 2.4, 0, 2 * Math.PI);
      pen.fill();
      continue;
    }
    pen.beginPath();
    for (const point of run) pen.lineTo(frame.x(point.at), frame.y(point.value ?? 0));
    pen.stroke();
  }
}

// Neighbouring points that have a value; a gap or a failure ends the line instead of being bridged.
function runs(points: Point[]): Point[][] {
  const steps = points.slice(1).map((point, index) => point.at - (points[index]?.at ?? 0));
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const out: Point[][] = [];
  let open: Point[] = [];
  let before: Point | undefined;
  for (const point of points) {
    if (before && point.at - before.at > usual * 3) open = [];
    if (point.value === null) open = [];
    else {
      if (open.length === 0) out.push(open);
      open.push(point);
    }
    before = point;
  }
  return out;
}

function drawCursor(pen: CanvasRenderingContext2D, frame: Frame, { ink }: Scene, chosen: Point): void {
  const x = Math.round(frame.x(chosen.at)) + 0.5;
  pen.strokeStyle = ink("--muted");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, TOP);
  pen.lineTo(x, frame.height - BOTTOM);
  pen.stroke();
  if (chosen.value === null) return;
  pen.fillStyle = ink("--accent");
  pen.strokeStyle = ink("--surface");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(x, frame.y(chosen.value), 4, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
}
