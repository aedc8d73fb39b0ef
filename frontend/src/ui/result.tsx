// What one check saw: its verdict, its message, what was asserted, how long each phase took, and what else there was.

import { formatMs } from "../lib/format";
import { Ago, Instant } from "./ago";
import { type Asserted, AssertionResults } from "./assertions";
import { Fact } from "./page";
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
  assertions: Asserted[];
  notes: { label: string; text: string }[];
  dns_records: string[] | null;
  detail: { [key: string]: unknown };
  cert_expires_at: string | null;
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
  const isLabelled = result.notes.length > 0 || result.dns_records !== null || Object.keys(result.detail).length > 0;
  return (
    <div class="result">
      <p class="result-head">
        <Status status={result.status} />
        {result.response_ms !== null && <strong class="figure">{formatMs(result.response_ms)}</strong>}
        {result.status_code !== null && <span class="muted">status {result.status_code}</span>}
      </p>
      {result.message && <p class="result-message">{result.message}</p>}
      <AssertionResults results={result.assertions} />
      <Waterfall phases={phasesOf(result.timings)} />
      {(isLabelled || result.cert_expires_at) && (
        <dl class="facts result-facts">
          {result.notes.map((note, index) => (
            <Fact key={`note ${index}`} label={capital(note.label)}>
              <span class="code">{note.text}</span>
            </Fact>
          ))}
          {result.dns_records && (
            <Fact label="Records">
              {result.dns_records.length === 0
                ? "none"
                : result.dns_records.map((record, index) => (
                    <div key={index} class="code">
                      {record}
                    </div>
                  ))}
            </Fact>
          )}
          {Object.entries(result.detail).map(([name, value]) => {
            const [label, text] = detailWords(name, value);
            return (
              <Fact key={name} label={label}>
                <span class="code">{text}</span>
              </Fact>
            );
          })}
          {result.cert_expires_at && (
            <Fact label="Certificate">
              ends <Ago at={result.cert_expires_at} />,{" "}
              <span class="muted">
                <Instant at={result.cert_expires_at} />
              </span>
            </Fact>
          )}
        </dl>
      )}
    </div>
  );
}

const UNITS: [RegExp, string][] = [
  [/_percent$/, " %"],
  [/_ms$/, " ms"],
  [/_bytes$/, " bytes"],
  [/_days$/, " days"],
  [/_s$/, " s"],
];

/** A detail that only some types have, in words: `loss_percent: 20` is `Loss` and `20 %`. */
export function detailWords(name: string, value: unknown): [string, string] {
  const unit = typeof value === "number" ? UNITS.find(([ending]) => ending.test(name)) : undefined;
  const label = capital((unit ? name.replace(unit[0], "") : name).replaceAll("_", " "));
  if (Array.isArray(value)) return [label, value.map(plain).join(", ") || "none"];
  return [label, plain(value) + (unit?.[1] ?? "")];
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
