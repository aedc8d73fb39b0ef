// The counts that the whole dashboard shows: in the navigation, the title and the icon of the tab.

import { effect, signal } from "@preact/signals";
import * as api from "../api/endpoints";
import type { Overview } from "../api/types";
import { gather } from "../lib/debounce";

// Many events within this time cost one request.
const GATHER_MS = 1500;

export const overview = signal<Overview | null>(null);

const later = gather(() => {
  overviewQuery.load().catch(() => {});
}, GATHER_MS);

export const overviewQuery = {
  async load(): Promise<void> {
    overview.value = await api.system.overview();
  },
  soon: later,
  stop(): void {
    later.cancel();
    overview.value = null;
  },
};

const icons = import.meta.glob<string>("./favicon-*.svg", {
  base: "../assets",
  query: "?url",
  import: "default",
  eager: true,
});
const MOST_DIGITS = 9;

function iconFor(down: number): string | undefined {
  const name = down === 0 ? "ok" : down > MOST_DIGITS ? "more" : String(down);
  return icons[`./favicon-${name}.svg`];
}

/** The page that is open, for the title of the tab. */
export const pageTitle = signal("");

/** Keeps the tab's title and icon at the number of monitors that are down. */
export function startTab(): void {
  effect(() => {
    const down = overview.value?.monitors.down ?? 0;
    const page = pageTitle.value;
    document.title = `${down > 0 ? `(${down}) ` : ""}${page ? `${page} · ` : ""}Asura`;
  });
  effect(() => {
    const href = iconFor(overview.value?.monitors.down ?? 0);
    const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (href && link && link.href !== new URL(href, document.baseURI).href) link.href = href;
  });
}
