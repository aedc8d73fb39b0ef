// The way around: a column on a wide screen, a bar at the bottom of a phone.

import { place } from "../lib/router";
import { liveMode } from "../state/live";
import { overview } from "../state/overview";
import { session } from "../state/session";
import { Brand } from "../ui/brand";
import { Icon, type IconName } from "../ui/icons";
import { isHelpOpen } from "./help";

interface Entry {
  path: string;
  label: string;
  icon: IconName;
}

const ENTRIES: Entry[] = [
  { path: "/", label: "Overview", icon: "overview" },
  { path: "/monitors", label: "Monitors", icon: "monitors" },
  { path: "/incidents", label: "Incidents", icon: "incidents" },
  { path: "/notifications", label: "Notifications", icon: "notifications" },
  { path: "/settings", label: "Settings", icon: "settings" },
];

const MODES = {
  connecting: ["Connecting", "Connecting to Asura"],
  live: ["Live", "Changes appear as they happen"],
  polling: ["Polling", "The live connection is lost; this page asks every 30 seconds"],
  offline: ["Offline", "Asura can't be reached; what you see is not current"],
} as const;

/** Whether what is shown is current. */
export function LiveMark() {
  const [word, meaning] = MODES[liveMode.value];
  return (
    <span class={`live live-${liveMode.value}`} title={meaning} role="status">
      <span class="live-dot" aria-hidden="true" />
      <span class="live-word">{word}</span>
      <span class="sr-only">. {meaning}.</span>
    </span>
  );
}

function countFor(path: string): number {
  const counts = overview.value;
  if (path === "/monitors") return counts?.monitors.down ?? 0;
  return path === "/incidents" ? (counts?.incidents.open ?? 0) : 0;
}

function isHere(path: string): boolean {
  const here = place.value.path;
  return path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`);
}

/** The navigation. */
export function Navigation() {
  return (
    <header class="rail">
      <div class="rail-top">
        <a class="brand-link" href="./" aria-label="Asura, to the overview">
          <Brand />
        </a>
        <LiveMark />
      </div>
      <nav aria-label="Main">
        <ul>
          {ENTRIES.map((entry) => {
            const count = countFor(entry.path);
            const noun = entry.path === "/monitors" ? "down" : "open";
            return (
              <li key={entry.path}>
                <a href={`.${entry.path}`} aria-current={isHere(entry.path) ? "page" : undefined}>
                  <Icon name={entry.icon} size={18} />
                  <span class="rail-label">{entry.label}</span>
                  {count > 0 && (
                    <span class="count">
                      {count}
                      <span class="sr-only"> {noun}</span>
                    </span>
                  )}
                </a>
              </li>
            );
          })}
        </ul>
      </nav>
      <div class="rail-foot">
        <span class="rail-user" title="The name of the key you logged in with">
          <Icon name="user" />
          <span>{session.value?.name}</span>
        </span>
        <button
          type="button"
          class="button button-quiet button-icon"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={() => {
            isHelpOpen.value = true;
          }}
        >
          <Icon name="keyboard" />
        </button>
      </div>
    </header>
  );
}
