// The runs of a job that have begun and not ended.

import type { Run } from "../../api/types";
import { now } from "../../lib/clock";
import { Ago, Instant, Lasted } from "../../ui/ago";
import { Section } from "../../ui/page";
import { StatusIcon } from "../../ui/status";

/** As many as are shown at once; a job whose runs never end may have many. */
const MOST = 5;

/** The section, overdue runs first; nothing while nothing runs. */
export function Runs({ runs }: { runs: Run[] }) {
  if (runs.length === 0) return null;
  const ordered = byUrgency(runs);
  const rest = ordered.slice(MOST);
  return (
    <Section title={runs.length === 1 ? "Running now" : `Running now: ${runs.length}`}>
      <RunList runs={ordered.slice(0, MOST)} />
      {rest.length > 0 && (
        <details class="runs-rest">
          <summary>{rest.length} more</summary>
          <RunList runs={rest} />
        </details>
      )}
    </Section>
  );
}

function RunList({ runs }: { runs: Run[] }) {
  return (
    <ul class="list list-plain">
      {runs.map((run) => (
        <li key={run.rid ?? ""} class="list-row">
          <StatusIcon status={isOverdue(run, now.value) ? "failed" : "begun"} />
          <div class="list-words">
            <p>
              for <Lasted from={run.started_at} />, since <Instant at={run.started_at} />
            </p>
            <p class="list-text">
              {run.deadline_at === null ? (
                "Nobody waits for its end any more."
              ) : isOverdue(run, now.value) ? (
                "It should have ended by now."
              ) : (
                <>
                  Must end <Ago at={run.deadline_at} />, by <Instant at={run.deadline_at} />.
                </>
              )}
            </p>
            <p class="list-text small">
              {run.rid === null ? "It gave itself no id." : <span class="code">{run.rid}</span>}
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Whether a run has been going on for too long; one whose end nobody waits for has no deadline. */
export function isOverdue({ deadline_at: deadline }: Run, at: number): boolean {
  return deadline === null || Date.parse(deadline) < at;
}

/** What is overdue comes first, then what must end soonest. Instants of one form compare as text. */
export function byUrgency(runs: Run[]): Run[] {
  const key = (run: Run) => run.deadline_at ?? "";
  return runs.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
