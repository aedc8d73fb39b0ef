// The votes that opened an incident, each as it was seen.

import type { Evidence, Json } from "../../api/types";
import { formatMs } from "../../lib/format";
import { Instant } from "../../ui/ago";
import { phasesOf } from "../../ui/result";
import { Status } from "../../ui/status";
import { Waterfall } from "../../ui/waterfall";

const text = (value: Json | undefined) => (typeof value === "string" ? value : "");
const number = (value: Json | undefined) => (typeof value === "number" ? value : null);

/** The last lines of what a job printed. */
const lines = (value: Json | undefined) => (Array.isArray(value) ? value.map(text) : []);

const object = (value: Json | undefined) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};

function timings(value: Json | undefined) {
  const given = object(value);
  return {
    dns_ms: number(given.dns_ms),
    connect_ms: number(given.connect_ms),
    tls_ms: number(given.tls_ms),
    first_byte_ms: number(given.first_byte_ms),
    transfer_ms: number(given.transfer_ms),
  };
}

/** The evidence, in the order in which it was seen. */
export function EvidenceList({ evidence }: { evidence: Evidence[] }) {
  if (evidence.length === 0) return <p class="muted">No single results were kept.</p>;
  return (
    <ul class="evidence">
      {evidence.map(object).map((vote, index) => (
        <li key={index} class="card">
          <p class="result-head">
            <Status status={text(vote.status) || "down"} />
            {text(vote.region) && text(vote.region) !== "local" && <span class="chip">{text(vote.region)}</span>}
            {number(vote.response_ms) !== null && <span class="figure">{formatMs(number(vote.response_ms))}</span>}
            {number(vote.status_code) !== null && <span class="muted">status {number(vote.status_code)}</span>}
          </p>
          {text(vote.message) && <p>{text(vote.message)}</p>}
          {lines(vote.output).length > 0 && <pre class="evidence-output">{lines(vote.output).join("\n")}</pre>}
          {(number(vote.streak) ?? 0) > 1 && (
            <p>
              {number(vote.streak)} in a row
              {text(vote.streak_since) && (
                <>
                  , the first <Instant at={text(vote.streak_since)} />
                </>
              )}
            </p>
          )}
          {text(vote.checked_at) && (
            <p class="muted small">
              <Instant at={text(vote.checked_at)} />
            </p>
          )}
          <Waterfall phases={phasesOf(timings(vote.timings))} />
        </li>
      ))}
    </ul>
  );
}
