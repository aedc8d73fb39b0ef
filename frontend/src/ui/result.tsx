// What one check saw: its verdict, its message and how long each phase took.

import { formatMs } from "../lib/format";
import { Status } from "./status";
import { type Phase, Waterfall } from "./waterfall";

interface Timed {
  dns_ms: number | null;
  connect_ms: number | null;
  tls_ms: number | null;
  first_byte_ms: number | null;
  transfer_ms: number | null;
}

interface Result {
  status: string;
  response_ms: number | null;
  timings: Timed;
  status_code: number | null;
  message: string;
}

const PHASES: [keyof Timed, string][] = [
  ["dns_ms", "Name"],
  ["connect_ms", "Connect"],
  ["tls_ms", "TLS"],
  ["first_byte_ms", "First byte"],
  ["transfer_ms", "Transfer"],
];

/** The phases of a check in their order. */
export function phasesOf(timings: Timed): Phase[] {
  return PHASES.map(([key, label]) => ({ label, ms: timings[key] }));
}

/** A result in full. */
export function ResultView({ result }: { result: Result }) {
  return (
    <div class="result">
      <p class="result-head">
        <Status status={result.status} />
        {result.response_ms !== null && <strong class="figure">{formatMs(result.response_ms)}</strong>}
        {result.status_code !== null && <span class="muted">status {result.status_code}</span>}
      </p>
      {result.message && <p>{result.message}</p>}
      <Waterfall phases={phasesOf(result.timings)} />
    </div>
  );
}
