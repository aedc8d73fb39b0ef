// The daemon's health. A failing daemon answers 503 with the same document, which is what a person needs to read.

import { address } from "./client";
import type { HealthAnswer } from "./types";

/** Reads the health document whatever its status. Raises when nothing, or something else, answered. */
export async function health(signal?: AbortSignal): Promise<HealthAnswer> {
  const response = await fetch(address("/health"), { cache: "no-store", ...(signal ? { signal } : {}) });
  const document: unknown = await response.json();
  if (typeof document !== "object" || document === null || !("status" in document)) {
    throw new Error(`The health document is missing: status ${response.status}.`);
  }
  return document as HealthAnswer;
}
