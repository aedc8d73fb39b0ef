// The certificates that the target shows, how long each lasts, and when they were replaced.

import * as api from "../../api/endpoints";
import type { CertificateChange, Monitor, Certificate as Shown } from "../../api/types";
import { plural } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { Instant } from "../../ui/ago";
import { Fact, Section } from "../../ui/page";
import { Load, Skeleton } from "../../ui/states";
import { Status } from "../../ui/status";

const SOON_DAYS = 30;
const VERY_SOON_DAYS = 7;
const MOST_NAMES = 6;

/** The section; nothing where no certificate was ever seen. */
export function Certificate({ monitor }: { monitor: Monitor }) {
  return monitor.cert_expires_at ? <Chain monitor={monitor} /> : null;
}

function Chain({ monitor }: { monitor: Monitor }) {
  const query = useQuery(`certificates ${monitor.id} ${monitor.cert_expires_at}`, (signal) =>
    api.monitors.certificates(monitor.id, signal),
  );
  return (
    <Section title="Certificate">
      <Load query={query} skeleton={<Skeleton rows={2} height={72} />}>
        {({ chain, changes }) => (
          <>
            {chain.length === 0 && <p class="muted">No chain was kept yet; the next check brings it.</p>}
            <ol class="list">
              {chain.map((one) => (
                <li key={one.fingerprint} class="certificate">
                  <One certificate={one} />
                </li>
              ))}
            </ol>
            <Replaced changes={changes} />
          </>
        )}
      </Load>
    </Section>
  );
}

/** What is left of a certificate, with a mark that grows graver. */
export function daysLeft(days: number): { status: string; words: string } {
  // Whole days, rounded down: -1 is within the last 24 hours.
  if (days < 0)
    return { status: "failed", words: days === -1 ? "expired today" : `expired ${plural(-days - 1, "day")} ago` };
  const words = days === 0 ? "expires today" : `${plural(days, "day")} left`;
  if (days <= VERY_SOON_DAYS) return { status: "failed", words };
  return { status: days <= SOON_DAYS ? "degraded" : "held", words };
}

function One({ certificate }: { certificate: Shown }) {
  const { status, words } = daysLeft(certificate.days_left);
  const { names } = certificate;
  return (
    <>
      <p class="certificate-head">
        <span class="list-title">{certificate.subject || names[0] || "no name"}</span>
        <Status status={status} label={words} />
      </p>
      <dl class="facts small">
        <Fact label="Until">
          <Instant at={certificate.expires_at} />
        </Fact>
        {names.length > 0 && (
          <Fact label="For" class="code">
            {names.slice(0, MOST_NAMES).join(", ")}
            {names.length > MOST_NAMES && ` and ${names.length - MOST_NAMES} more`}
          </Fact>
        )}
        <Fact label="Issuer">{certificate.issuer}</Fact>
        <Fact label="SHA-256" class="code fingerprint">
          {certificate.fingerprint}
        </Fact>
      </dl>
    </>
  );
}

function Replaced({ changes }: { changes: CertificateChange[] }) {
  if (changes.length === 0) return null;
  return (
    <details class="as-table">
      <summary>Replaced {changes.length === 1 ? "once" : `${changes.length} times`}</summary>
      <ul class="replaced">
        {changes.map((change) => (
          <li key={change.at}>
            <p>
              <Instant at={change.at} />
              {change.new_issuer !== change.old_issuer && <>, now from {change.new_issuer || "nobody named"}</>}
            </p>
            <p class="muted small">
              <span class="code">{shortly(change.old_fingerprint)}</span> became{" "}
              <span class="code">{shortly(change.new_fingerprint)}</span>, until <Instant at={change.new_expires_at} />
            </p>
          </li>
        ))}
      </ul>
    </details>
  );
}

// Enough to tell two of them apart.
const shortly = (fingerprint: string) => `${fingerprint.slice(0, 12)}…`;
