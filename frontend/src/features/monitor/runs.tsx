// The runs of a job that have begun and not ended.

import type { Run } from "../../api/types";
import { now } from "../../lib/clock";
import { Ago, Instant, Lasted } from "../../ui/ago";
import { Section } from "../../ui/page";
import { StatusIcon } from "../../ui/status";

/** The section; nothing while nothing runs. */
export function Runs({ runs }: { runs: Run[] }) {
  if (runs.length === 0) return null;
  return (
    <Section title={runs.length === 1 ? "Running now" : `Running now: ${runs.length}`}>
      <ul class="list list-plain list-high">
        {runs.map((run) => (
          <li key={run.rid ?? ""} class="list-row">
            <StatusIcon status={isOverdue(run, now.value) ? "failed" : "pending"} />
            <div class="list-words">
              <p>
                for <Lasted from={run.started_at} />, since <Instant at={run.started_at} />
              </p>
              <p class="list-text">
                {run.deadline_at === null || isOverdue(run, now.value) ? (
                  "It should have ended by now."
                ) : (
                  <>
                    must end by <Instant at={run.deadline_at} />, <Ago at={run.deadline_at} />
                  </>
                )}
              </p>
              <p class="list-text small">
                {run.rid === null ? "a run without an id" : <span class="code">{run.rid}</span>}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Whether a run has been going on for too long; one that was told as such has no deadline any more. */
export function isOverdue({ deadline_at: deadline }: Run, at: number): boolean {
  return deadline === null || Date.parse(deadline) < at;
}
