// Keyboard shortcuts: single keys and two-key sequences such as `g m`. They rest while somebody types.

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { recall, remember } from "./storage";

export interface Shortcut {
  /** `?`, `/`, or two keys with a blank: `g m`. */
  keys: string;
  /** For the help dialog. */
  does: string;
  act: () => void;
}

const SEQUENCE_MS = 1200;

/** All shortcuts that work at this moment, for the help dialog. */
export const shortcuts = signal<Shortcut[]>([]);

/** Whether single keys do something: people who talk to their computer turn this off. */
export const areKeysOn = signal(recall("keys") !== "off");

export function switchKeys(isOn: boolean): void {
  areKeysOn.value = isOn;
  remember("keys", isOn ? "on" : "off");
}

let held = "";
let heldAt = 0;

function isTyping(event: KeyboardEvent): boolean {
  const at = event.target;
  if (!(at instanceof HTMLElement)) return false;
  return at.isContentEditable || at.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

function listen(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (!areKeysOn.value || isTyping(event) || document.querySelector("dialog[open], [inert]")) return;
  const sequence = held && Date.now() - heldAt < SEQUENCE_MS ? `${held} ${event.key}` : event.key;
  held = "";
  const found = shortcuts.value.findLast((one) => one.keys === sequence);
  if (found) {
    event.preventDefault();
    found.act();
  } else if (shortcuts.value.some((one) => one.keys.startsWith(`${event.key} `))) {
    held = event.key;
    heldAt = Date.now();
  }
}

export function startKeys(): void {
  document.addEventListener("keydown", listen);
}

/** Adds shortcuts while the component stands; the newest of two with the same keys wins. */
export function useShortcuts(own: Shortcut[]): void {
  const latest = useRef(own);
  latest.current = own;
  const names = own.map((one) => one.keys).join(",");
  // With the paint, not after it: a key pressed at once must already work.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the set of keys decides; what they do is read late.
  useLayoutEffect(() => {
    const mine = latest.current.map(({ keys, does }, index) => ({
      keys,
      does,
      act: () => latest.current[index]?.act(),
    }));
    shortcuts.value = [...shortcuts.peek(), ...mine];
    return () => {
      shortcuts.value = shortcuts.peek().filter((one) => !mine.includes(one));
    };
  }, [names]);
}
