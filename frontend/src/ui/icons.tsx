// Every icon, drawn here: 16 by 16, in the colour of the text around it, silent for screen readers.

const PATHS = {
  overview: "M2 13.5h12M4 13.5V8m4 5.5v-11m4 11V6",
  monitors: "M1.5 8.5h3l2-5 3 9 2-4h3",
  incidents: "M8 2 14.5 13.5h-13L8 2Zm0 4.5V10m0 1.8v.2",
  notifications: "M4 11.5V7a4 4 0 1 1 8 0v4.5m-9.5 0h11M6.5 13.8c.8.8 2.2.8 3 0",
  settings: "M2 4.5h6m4 0h2m-12 7h2m4 0h6M8 4.5a2 2 0 1 0 4 0 2 2 0 0 0-4 0Zm-4 7a2 2 0 1 0 4 0 2 2 0 0 0-4 0Z",
  plus: "M8 3v10M3 8h10",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10Zm3.6-1.4L14 14",
  close: "m4 4 8 8m0-8-8 8",
  check: "m3 8.5 3.5 3.5L13 4.5",
  pause: "M5.5 3.5v9m5-9v9",
  play: "M5 3.5v9l7.5-4.5L5 3.5Z",
  edit: "m3 13 .6-2.9L10.8 3l2.2 2.2-7.1 7.2L3 13Z",
  copy: "M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8v-8Z",
  trash: "M2.5 4.5h11m-9 0 .6 9h5.8l.6-9m-5-2h3v2h-3v-2ZM6.8 7l.2 4m2.2-4L9 11",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7L13 5.8M13 2.5v3.3H9.7",
  up: "m4 10 4-4 4 4",
  down: "m4 6 4 4 4-4",
  right: "m6 4 4 4-4 4",
  left: "m10 4-4 4 4 4",
  send: "M14 2 7 9m7-7-4.5 12L7 9 2 6.5 14 2Z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-9.5V8l2.3 1.6",
  tag: "M2.5 2.5h5l6 6-5 5-6-6v-5Zm3 3v.1",
  user: "M8 8a2.8 2.8 0 1 0 0-5.5A2.8 2.8 0 0 0 8 8Zm-5.5 6c.5-2.8 2.6-4 5.5-4s5 1.2 5.5 4",
  logout: "M6.5 2.5h-4v11h4M6 8h7.5m-3-3 3 3-3 3",
  external: "M9 2.5h4.5V7m0-4.5L7.5 8.5M11 9.5v4H2.5V5h4",
  keyboard: "M1.5 4h13v8h-13V4ZM4 6.7h.1m2.5 0h.1m2.5 0h.1m2.6 0h.1M5 9.5h6",
  flask: "M6 2.5h4m-3.3 0v4L3 13.5h10L9.3 6.5v-4M5 10h6",
  comment: "M2.5 3h11v8h-6l-3 2.5V11h-2V3Z",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon. It says nothing by itself: whoever uses it gives the words. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
