// What became of assertions: whether each held, what was expected, what was seen.

import { Status } from "./status";

export interface Asserted {
  type: string;
  target: string | null;
  ok: boolean;
  degraded: boolean;
  /** In words: `at least 14 days`, `to contain "ok"`. */
  expected: string;
  seen: string;
}

const statusOf = (result: Asserted) => (result.ok ? "held" : result.degraded ? "degraded" : "failed");

const NAMES: Record<string, string> = {
  body_contains: "body",
  body_regex: "body",
  cert_expiry: "certificate",
  dns_record: "DNS records",
};

/** What was looked at: `status code`, `header content-type`, `$.status`. */
export function subjectOf({ type, target }: Pick<Asserted, "type" | "target">): string {
  if (target) return type === "header" ? `header ${target.toLowerCase()}` : target;
  return NAMES[type] ?? type.replaceAll("_", " ");
}

/** One result: a mark with its word, and what was seen. */
export function AssertionSeen({ result }: { result: Asserted }) {
  return (
    <p class="asserted-seen">
      <Status status={statusOf(result)} label={result.ok ? "Held" : result.degraded ? "Degraded" : "Failed"} />
      <span>
        <span class="muted">seen:</span> <span class="code">{result.seen || "nothing"}</span>
      </span>
    </p>
  );
}

/** All results, what failed first read as it was written. */
export function AssertionResults({ results }: { results: Asserted[] }) {
  if (results.length === 0) return null;
  const held = results.filter((one) => one.ok).length;
  return (
    <section class="asserted" aria-label="Assertions">
      <p class="result-title">
        Assertions{" "}
        <span class="muted">{held === results.length ? "all held" : `${held} of ${results.length} held`}</span>
      </p>
      <ul>
        {results.map((result, index) => (
          <li key={index}>
            <Status status={statusOf(result)} label={result.ok ? "Held" : result.degraded ? "Degraded" : "Failed"} />
            <span class="asserted-words">
              <span>
                {subjectOf(result)} <span class="muted">expected</span> <span class="code">{result.expected}</span>
              </span>
              <span>
                <span class="muted">seen</span> <span class="code">{result.seen || "nothing"}</span>
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
