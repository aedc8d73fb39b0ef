// One way to talk to the daemon: JSON in, JSON out, and one kind of error that a person can act on.

import { under } from "../lib/base";

const ROOT = "/api/v1";
// A hung proxy must not leave a button turning for ever.
const TIMEOUT_MS = 60_000;

export class ApiError extends Error {
  constructor(
    message: string,
    /** 0 when no answer came at all. */
    readonly status: number,
    readonly code: string,
    /** What is wrong with which field, for validation errors. */
    readonly fields: Record<string, string> = {},
    /** Seconds after which trying again makes sense, for 429 and 503. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;

export interface Ask {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** For what may rightly take longer than other requests. */
  patienceMs?: number;
}

let whenUnauthorized: () => void = () => {};

/** Says what to do when the session has ended; the login page takes over. */
export function onUnauthorized(act: () => void): void {
  whenUnauthorized = act;
}

let era = 0;

/** A login has begun: an old request that is refused only now says nothing of the new session. */
export function forgetEarlierRequests(): void {
  era += 1;
}

/** The address of an endpoint, for links and event sources. */
export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return under(ROOT + path) + (text ? `?${text}` : "");
}

/** Asks the daemon. Raises `ApiError`, or an AbortError when `signal` says so. */
export async function ask<T>(method: string, path: string, asked: Ask = {}): Promise<T> {
  const { query, body, signal, patienceMs = TIMEOUT_MS } = asked;
  const begunIn = era;
  const limit = AbortSignal.timeout(patienceMs);
  const init: RequestInit = {
    method,
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    credentials: "same-origin",
    cache: "no-store",
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(address(path, query), init);
  } catch (error) {
    if (signal?.aborted) throw error;
    const slow = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(slow ? "Asura did not answer in time." : "Asura can't be reached.", 0, "unreachable");
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  if (response.status === 401 && path !== "/session" && begunIn === era) whenUnauthorized();
  if (!response.ok) throw problem(response, text);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError("The answer is not from Asura: is there a proxy in between?", response.status, "not_json");
  }
}

function problem(response: Response, text: string): ApiError {
  let error = `Asura answered ${response.status}.`;
  let code = "";
  let fields: Record<string, string> = {};
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null) {
      if ("error" in document && typeof document.error === "string") error = sentence(document.error);
      if ("code" in document && typeof document.code === "string") code = document.code;
      if ("fields" in document) fields = texts(document.fields);
    }
  } catch {
    // A proxy's own error page: its status is all that can be told.
  }
  const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(error, response.status, code, fields, Number.isFinite(after) ? after : null);
}

function texts(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}

/** Begins with a capital letter and ends with a stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return trimmed;
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** What to tell a person about any error. */
export function tell(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
