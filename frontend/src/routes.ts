// Every page with its address. A page's code is loaded when it is first needed.

import type { ComponentType } from "preact";
import { match } from "./lib/router";

export type PageProps = { params: Record<string, string> };
export type PageComponent = ComponentType<PageProps>;

interface Route {
  pattern: string;
  title: string;
  load: () => Promise<{ default: PageComponent }>;
}

const overview = () => import("./features/overview/page");
const monitors = () => import("./features/monitors/page");
const monitor = () => import("./features/monitor/page");
const editor = () => import("./features/editor/page");
const incidents = () => import("./features/incidents/page");
const incident = () => import("./features/incidents/detail");
const notifications = () => import("./features/notifications/page");
const settings = () => import("./features/settings/page");

const ROUTES: Route[] = [
  { pattern: "/", title: "Overview", load: overview },
  { pattern: "/monitors", title: "Monitors", load: monitors },
  { pattern: "/monitors/new", title: "New monitor", load: editor },
  { pattern: "/monitors/:id", title: "Monitor", load: monitor },
  { pattern: "/monitors/:id/edit", title: "Edit monitor", load: editor },
  { pattern: "/incidents", title: "Incidents", load: incidents },
  { pattern: "/incidents/:id", title: "Incident", load: incident },
  { pattern: "/notifications", title: "Notifications", load: notifications },
  { pattern: "/settings", title: "Settings", load: settings },
];

export interface Found {
  route: Route;
  params: Record<string, string>;
}

/** The page at a path, or null when there is none. Ids that are no numbers lead nowhere. */
export function findRoute(path: string): Found | null {
  for (const route of ROUTES) {
    const params = match(route.pattern, path);
    if (params && (params.id === undefined || /^\d{1,15}$/.test(params.id))) return { route, params };
  }
  return null;
}

/** Fetches the code of the other pages while nothing else is to be done. */
export function prefetchPages(): void {
  const pages = [monitors, monitor, incidents, incident, editor, notifications, settings];
  const next = () => {
    const load = pages.shift();
    if (load)
      load().then(
        () => setTimeout(next, 50),
        () => {},
      );
  };
  setTimeout(next, 1500);
}
