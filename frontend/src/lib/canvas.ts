// What every canvas needs: sharp pixels, the theme's colours, and word when to draw again.

import { signal } from "@preact/signals";

/** Grows each time colours may have changed; a canvas that reads it draws itself again. */
export const paint = signal(0);

/** Sizes the canvas to its box in device pixels; null while it has none. The context's unit is a CSS pixel. */
export function prepare(
  canvas: HTMLCanvasElement,
): { pen: CanvasRenderingContext2D; width: number; height: number } | null {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const pen = canvas.getContext("2d");
  if (!pen || width === 0 || height === 0) return null;
  const ratio = window.devicePixelRatio || 1;
  const w = Math.round(width * ratio);
  const h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

let inkTurn = -1;
let inks = new Map<string, string>();

/** The colour that a custom property such as `--down` stands for now, resolved for a canvas. */
export function ink(name: string): string {
  if (inkTurn !== paint.peek()) {
    inkTurn = paint.peek();
    inks = new Map();
  }
  const known = inks.get(name);
  if (known) return known;
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  inks.set(name, color);
  return color;
}
