// Light, dark, or as the system has it.

import { effect, signal } from "@preact/signals";
import { paint } from "../lib/canvas";
import { recall, remember } from "../lib/storage";

export type Theme = "auto" | "light" | "dark";

const KEY = "theme";

function stored(): Theme {
  const value = recall(KEY);
  return value === "light" || value === "dark" ? value : "auto";
}

export const theme = signal<Theme>(stored());

export function chooseTheme(next: Theme): void {
  theme.value = next;
  remember(KEY, next);
}

/** Puts the choice on the document and follows the system's. */
export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    paint.value = paint.peek() + 1;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    paint.value += 1;
  });
}
