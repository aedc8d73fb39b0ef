// What the page of a heartbeat has instead of checks: what is expected when, how the job reports, what it reported.
// A chunk of its own, which the pages of other monitors never fetch.

import { useState } from "preact/hooks";
import type { Heartbeat, Monitor } from "../../api/types";
import { now } from "../../lib/clock";
import { formatAgo, formatDayTime, formatRun, formatSpan } from "../../lib/format";
import { useMedia } from "../../lib/media";
import { Uptimes } from "../../ui/uptimes";
import { Configuration } from "./configuration";
import { Incidents } from "./incidents";
import { Pings } from "./pings";
import { Reporting } from "./reporting";
import { ResponseTimes } from "./response-times";
import { Runs } from "./runs";
import { NARROW } from "./standing";
import "./heartbeat.css";

interface Props {
  monitor: Monitor;
  heartbeat: Heartbeat;
  onChange: (monitor: Monitor) => void;
}

/** Everything below the verdict. Before the first ping, how to send one comes first. */
export function HeartbeatParts({ monitor, heartbeat, onChange }: Props) {
  const isNarrow = useMedia(NARROW);
  const isHeard = heartbeat.last_ping_at !== null;
  // What somebody is copying from must not move away under them when the first ping arrives.
  const [wasNew] = useState(!isHeard);
  const reporting = <Reporting monitor={monitor} heartbeat={heartbeat} onChange={onChange} isOpen={wasNew} />;
  const main = (
    <div key="main" class="monitor-part">
      <Pings monitor={monitor} />
    </div>
  );
  const side = (
    <div key="side" class="monitor-part">
      <Runs runs={heartbeat.runs} />
      <Incidents monitor={monitor} />
      <Configuration monitor={monitor} />
    </div>
  );
  return (
    <>
      {isHeard && <Expected heartbeat={heartbeat} isPaused={monitor.status === "paused"} />}
      {wasNew && reporting}
      {isHeard && <Uptimes uptime={{ ...monitor.uptime }} since={monitor.created_at} />}
      {isHeard && <ResponseTimes monitor={monitor} />}
      <div class="two-thirds">{isNarrow ? [side, main] : [main, side]}</div>
      {!wasNew && reporting}
    </>
  );
}

function Expected({ heartbeat, isPaused }: { heartbeat: Heartbeat; isPaused: boolean }) {
  const { next_expected_at: next, deadline_at: deadline, last_ping_at: last, last_duration_ms: run } = heartbeat;
  return (
    <ul class="tiles tiles-above" aria-label="Pings">
      <Tile {...(isPaused ? { number: "–", words: "no ping expected while paused" } : nextPing(next, now.value))} />
      <Tile
        {...(isPaused ? { number: "–", words: "not down while paused" } : downAt(heartbeat, deadline, now.value))}
      />
      <Tile
        number={last ? formatAgo(Date.parse(last), now.value) : "never"}
        words={last ? `last ping, ${formatDayTime(last)}` : "last ping"}
      />
      <Tile number={formatRun(run)} words={runWords(heartbeat)} />
    </ul>
  );
}

function Tile({ number, words }: { number: string; words: string }) {
  return (
    <li>
      <div class="tile">
        <span class="tile-number">{number}</span>
        <span class="tile-word">{words}</span>
      </div>
    </li>
  );
}

/** When the next ping is expected, in words. */
export function nextPing(next: string | null, at: number): { number: string; words: string } {
  if (next === null) return { number: "–", words: "next ping: nobody can say" };
  const late = at - Date.parse(next);
  return late > 0
    ? { number: `${formatSpan(late / 1000)} late`, words: `expected ${formatDayTime(next)}` }
    : { number: formatAgo(Date.parse(next), at), words: `next ping, ${formatDayTime(next)}` };
}

function runWords({ last_duration_ms: run, runs }: Heartbeat): string {
  if (run !== null) return "last run time";
  return runs.length > 0 ? "run time, once the run ends" : "run time: a job that sends /start has one";
}

/** When the job is down unless it reports, in words. */
export function downAt(
  { status }: Pick<Heartbeat, "status">,
  deadline: string | null,
  at: number,
): { number: string; words: string } {
  if (status === "down") return { number: "down", words: "until the job reports a success" };
  if (deadline === null) return { number: "–", words: "no deadline" };
  return { number: formatAgo(Date.parse(deadline), at), words: `down if silent until ${formatDayTime(deadline)}` };
}
