// How what is answered has changed, newest first, each change as a diff.

import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Change, Monitor } from "../../api/types";
import { plural } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { useLive } from "../../state/live";
import { Ago, Instant } from "../../ui/ago";
import { Diff } from "../../ui/diff";
import { Section } from "../../ui/page";
import { Load, Skeleton } from "../../ui/states";
import { TrailPager } from "../../ui/table";

const PER_PAGE = 5;

/** The section; nothing where changes aren't tracked. */
export function Changes({ monitor }: { monitor: Monitor }) {
  return monitor.track_changes ? <Tracked monitor={monitor} /> : null;
}

function Tracked({ monitor }: { monitor: Monitor }) {
  const [trail, setTrail] = useState<number[]>([]);
  const before = trail.at(-1);
  const query = useQuery(`changes ${monitor.id} ${before ?? ""}`, (signal) =>
    api.monitors.changes(monitor.id, { before, per_page: PER_PAGE }, signal),
  );
  useLive({
    monitor: (event) => {
      if (event.id === monitor.id) query.reload();
    },
    reset: query.reload,
  });
  const total = query.data?.total ?? 0;
  return (
    <Section title="Changes" actions={total > 0 && <span class="muted">{plural(total, "change")}</span>}>
      <Load query={query} skeleton={<Skeleton rows={2} />}>
        {(page) =>
          page.data.length === 0 ? (
            <p class="muted">No change so far: each answer is compared with the one before.</p>
          ) : (
            <ol class="changes">
              {page.data.map((change, index) => (
                <li key={change.id}>
                  <OneChange change={change} isOpen={index === 0 && before === undefined} />
                </li>
              ))}
            </ol>
          )
        }
      </Load>
      <TrailPager
        trail={trail}
        onTrail={setTrail}
        rows={query.data?.data ?? []}
        perPage={PER_PAGE}
        label="Pages of changes"
      />
    </Section>
  );
}

function OneChange({ change, isOpen }: { change: Change; isOpen: boolean }) {
  return (
    <details class="change" open={isOpen || undefined}>
      <summary>
        <span class="change-counts">
          <span class="tone-up">
            +{change.added} <span class="sr-only">{change.added === 1 ? "line added" : "lines added"}</span>
          </span>{" "}
          <span class="tone-down">
            −{change.removed} <span class="sr-only">{change.removed === 1 ? "line removed" : "lines removed"}</span>
          </span>
        </span>{" "}
        <Ago at={change.at} />{" "}
        <span class="muted small">
          <Instant at={change.at} />
        </span>
        {change.region !== "local" && <span class="chip">{change.region}</span>}
      </summary>
      <Diff diff={change.diff} label={`What changed ${change.at}`} />
      {change.is_cut && <p class="field-help">The change is longer: only a part of it is kept.</p>}
    </details>
  );
}
