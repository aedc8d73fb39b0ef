// Short messages about what was just done.

import { signal } from "@preact/signals";
import { tell } from "../api/client";

export type Tone = "good" | "bad" | "plain";

export interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

const GOOD_MS = 5000;
const BAD_MS = 12_000;
const MOST = 4;
let next = 1;

export const toasts = signal<Toast[]>([]);

export function toast(text: string, tone: Tone = "good"): void {
  const id = next++;
  toasts.value = [...toasts.value.slice(1 - MOST), { id, text, tone }];
  setTimeout(() => dismiss(id), tone === "bad" ? BAD_MS : GOOD_MS);
}

export function toastError(error: unknown): void {
  toast(tell(error), "bad");
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}
