// The address bar as a signal, and the one way to change it. Knows nothing of pages.

import { computed, signal } from "@preact/signals";
import { inside, under } from "./base";

export interface Place {
  /** Inside the dashboard, with a leading slash and no trailing one. */
  path: string;
  query: URLSearchParams;
}

export type Guard = () => boolean | Promise<boolean>;

function read(): Place {
  const path = inside(window.location.pathname) ?? "/";
  return { path: path.replace(/(.)\/+$/, "$1"), query: new URLSearchParams(window.location.search) };
}

const current = signal<Place>(read());
let depth = 0;
let guard: Guard | null = null;
let isUndoing = false;

/** Where the person is. */
export const place = computed(() => current.value);

/** Goes to a path of the dashboard (it may carry a query), unless a form with unsaved changes objects. */
export async function navigate(to: string, options: { replace?: boolean; force?: boolean } = {}): Promise<boolean> {
  if (!options.force && !(await mayLeave())) return false;
  if (options.replace) {
    history.replaceState({ depth }, "", under(to));
  } else {
    depth += 1;
    history.pushState({ depth }, "", under(to));
  }
  current.value = read();
  return true;
}

/** Writes the query of the page that is open, without a new step in the history: filters, pages, tabs. */
export function setQuery(changes: Record<string, string | null>): void {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState({ depth }, "", window.location.pathname + (text ? `?${text}` : ""));
  current.value = read();
}

/** Asks before the page is left; answers the function that takes the question back. */
export function guardLeaving(ask: Guard): () => void {
  guard = ask;
  return () => {
    if (guard === ask) guard = null;
  };
}

async function mayLeave(): Promise<boolean> {
  if (!guard) return true;
  const asked = guard;
  if (!(await asked())) return false;
  if (guard === asked) guard = null;
  return true;
}

/** The parameters of `/monitors/:id` in a path, or null when it doesn't fit. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/");
  const have = path.split("/");
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of want.entries()) {
    const value = have[index] ?? "";
    if (part.startsWith(":")) {
      if (value === "") return null;
      try {
        params[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return null;
      }
    } else if (part !== value) return null;
  }
  return params;
}

function plainClick(event: MouseEvent): HTMLAnchorElement | null {
  if (event.defaultPrevented || event.button !== 0) return null;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link?.href || link.target || link.hasAttribute("download") || link.dataset.external !== undefined) return null;
  return link;
}

/** Turns plain clicks on links of the dashboard into navigation. Called once, at the start. */
export function startRouter(): void {
  depth = Number(history.state?.depth ?? 0);
  document.addEventListener("click", (event) => {
    const link = plainClick(event);
    if (!link) return;
    const url = new URL(link.href);
    const path = url.origin === window.location.origin ? inside(url.pathname) : null;
    if (path === null || path.startsWith("/api/") || path === "/metrics") return;
    event.preventDefault();
    void navigate(path + url.search);
  });
  window.addEventListener("popstate", async (event) => {
    if (isUndoing) {
      isUndoing = false;
      return;
    }
    const target = Number(event.state?.depth ?? 0);
    const step = target - depth;
    if (guard && step !== 0) {
      // The browser has gone already: go back where the form is, ask, and only then leave.
      isUndoing = true;
      history.go(-step);
      if (!(await mayLeave())) return;
      history.go(step);
      return;
    }
    depth = target;
    current.value = read();
  });
  window.addEventListener("beforeunload", (event) => {
    if (guard) event.preventDefault();
  });
}
