// How long each phase of one attempt took, one after the other.

import { formatMs } from "../lib/format";

export interface Phase {
  label: string;
  ms: number | null;
}

/** Bars in sequence with their numbers; phases that did not happen are left out. */
export function Waterfall({ phases }: { phases: Phase[] }) {
  const had = phases.flatMap((phase) => (phase.ms === null ? [] : [{ label: phase.label, ms: phase.ms }]));
  if (had.length === 0) return null;
  const total = Math.max(
    1,
    had.reduce((sum, phase) => sum + phase.ms, 0),
  );
  let before = 0;
  return (
    <dl class="waterfall">
      {had.map((phase) => {
        const left = (before / total) * 100;
        before += phase.ms;
        return (
          <div key={phase.label} class="waterfall-row">
            <dt>{phase.label}</dt>
            <dd>
              <span class="waterfall-track" aria-hidden="true">
                <span
                  class="waterfall-bar"
                  style={{ left: `${left}%`, width: `${Math.max(1, (phase.ms / total) * 100)}%` }}
                />
              </span>
              <span class="waterfall-ms">{formatMs(phase.ms)}</span>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
