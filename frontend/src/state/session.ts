// Who is logged in, and what they may do.

import { computed, signal } from "@preact/signals";
import { ApiError, forgetEarlierRequests, onUnauthorized } from "../api/client";
import * as api from "../api/endpoints";
import type { Session } from "../api/types";
import { forgetQueries, repeatQueries } from "../lib/query";

export type Permission =
  | "monitors.read"
  | "monitors.write"
  | "incidents.read"
  | "incidents.write"
  | "notifications.read"
  | "notifications.write"
  | "metrics.read"
  | "system.read"
  | "system.write";

export type Standing =
  | { kind: "unknown" }
  /** `was` is the session that ended by itself: its pages wait, with what was typed, for the same key. */
  | { kind: "out"; hasExpired: boolean; was?: Session }
  | { kind: "in"; session: Session }
  | { kind: "broken"; error: Error };

export const standing = signal<Standing>({ kind: "unknown" });

/** Who is logged in, or was until the session ended by itself. */
export const session = computed((): Session | null => {
  const now = standing.value;
  if (now.kind === "in") return now.session;
  return now.kind === "out" ? (now.was ?? null) : null;
});

/** Whether the session may do this; reading it in a component follows a change of session. */
export function may(permission: Permission): boolean {
  return session.value?.permissions.includes(permission) ?? false;
}

/** Why a button is off, or undefined when it is on. */
export function refusal(permission: Permission): string | undefined {
  return may(permission) ? undefined : `This key lacks the permission ${permission}.`;
}

/** Finds out who is logged in. */
export async function startSession(): Promise<void> {
  onUnauthorized(expire);
  try {
    standing.value = { kind: "in", session: await api.session.read() };
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) standing.value = { kind: "out", hasExpired: false };
    else standing.value = { kind: "broken", error: error instanceof Error ? error : new Error(String(error)) };
  }
}

export async function logIn(key: string): Promise<void> {
  const opened = await api.session.open(key);
  forgetEarlierRequests();
  forgetQueries();
  // The cookie decides from here on: what it may do is asked with it, not assumed from the answer.
  standing.value = { kind: "in", session: Array.isArray(opened?.permissions) ? opened : await api.session.read() };
  repeatQueries();
}

export async function logOut(): Promise<void> {
  try {
    await api.session.close();
  } catch (error) {
    // A session that is over already is what was wanted.
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  forgetQueries();
  standing.value = { kind: "out", hasExpired: false };
}

function expire(): void {
  const now = standing.value;
  if (now.kind === "in") standing.value = { kind: "out", hasExpired: true, was: now.session };
}
