// This browser, this session, and the daemon itself.

import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Backup, HealthAnswer, System as SystemFacts } from "../../api/types";
import { under } from "../../lib/base";
import { formatBytes, formatSpan } from "../../lib/format";
import { areKeysOn, switchKeys } from "../../lib/keys";
import { useQuery } from "../../lib/query";
import { logOut, may, refusal, session } from "../../state/session";
import { chooseTheme, type Theme, theme } from "../../state/theme";
import { Button } from "../../ui/button";
import { CheckField } from "../../ui/field";
import { Icon } from "../../ui/icons";
import { Fact, Page, Section } from "../../ui/page";
import { Load, Skeleton } from "../../ui/states";
import { Tabs } from "../../ui/tabs";
import { Audit } from "./audit";
import { Parts } from "./parts";
import "./settings.css";

const THEMES = [
  { value: "auto", label: "Auto" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

/** The page of settings. */
export default function SettingsPage() {
  return (
    <Page title="Settings">
      <div class="halves">
        <Appearance />
        <SessionFacts />
      </div>
      <System />
      <Section title="Elsewhere">
        <ul class="links">
          <li>
            <a href={under("/api/docs")} data-external>
              <Icon name="external" /> The HTTP API, described
            </a>
          </li>
          {may("metrics.read") && (
            <li>
              <a href={under("/metrics")} data-external>
                <Icon name="external" /> Metrics for Prometheus
              </a>
            </li>
          )}
        </ul>
      </Section>
      {may("system.read") && <Audit />}
    </Page>
  );
}

function Appearance() {
  return (
    <Section title="This browser">
      <div class="field">
        <span class="label" aria-hidden="true">
          Theme
        </span>
        <Tabs label="Theme" options={THEMES} value={theme.value} onChange={(next) => chooseTheme(next as Theme)} />
      </div>
      <CheckField
        label="Keyboard shortcuts"
        help="Single keys such as / and g m. ? lists them."
        value={areKeysOn.value}
        onChange={switchKeys}
      />
    </Section>
  );
}

function SessionFacts() {
  const here = session.value;
  if (!here) return null;
  return (
    <Section
      title="Session"
      actions={
        <Button icon="logout" onClick={logOut}>
          Log out
        </Button>
      }
    >
      <dl class="facts">
        <Fact label="Key">{here.name}</Fact>
        <Fact label="Role">{here.role ?? "none, single permissions"}</Fact>
        <Fact label="Permissions" class="chips">
          {here.permissions.map((permission) => (
            <span key={permission} class="chip">
              {permission}
            </span>
          ))}
        </Fact>
      </dl>
    </Section>
  );
}

interface Sight {
  facts: SystemFacts | null;
  health: HealthAnswer;
}

async function look(signal: AbortSignal): Promise<Sight> {
  const [facts, health] = await Promise.all([may("system.read") ? api.system.facts(signal) : null, api.health(signal)]);
  return { facts, health };
}

function System() {
  const query = useQuery("system", look);
  return (
    <Section title="System" actions={<BackUp />}>
      <Load query={query} skeleton={<Skeleton rows={4} height={32} />}>
        {({ facts, health }) => (
          <>
            <dl class="facts">
              <Fact label="Version">{health.version}</Fact>
              <Fact label="Running for">{formatSpan(health.uptime_seconds)}</Fact>
              {facts && <Facts facts={facts} />}
            </dl>
            {!facts && <p class="muted">{refusal("system.read")}</p>}
            {facts && <Parts parts={facts.parts} />}
          </>
        )}
      </Load>
    </Section>
  );
}

function Facts({ facts }: { facts: SystemFacts }) {
  return (
    <>
      <Fact label="Database">
        {formatBytes(facts.database.size_bytes)}
        {facts.database.wal_bytes > 0 && ` and ${formatBytes(facts.database.wal_bytes)} of log`}, schema{" "}
        {facts.database.schema_version}
        <br />
        <span class="code">{facts.database.path}</span>
        {!facts.database.healthy && <p class="field-error">{facts.database.last_error ?? "It can't be written to."}</p>}
      </Fact>
      <Fact label="Made of">
        Python {facts.python}, SQLite {facts.sqlite}
      </Fact>
      <Fact label="Kept">
        single checks {facts.retention.raw_days} days, history {facts.retention.days} days
      </Fact>
    </>
  );
}

function BackUp() {
  const [made, setMade] = useState<Backup | null>(null);
  return (
    <>
      <span role="status" class="muted">
        {made && (
          <>
            Written: <span class="code">{made.path}</span>, {formatBytes(made.size_bytes)}
          </>
        )}
      </span>
      <Button icon="copy" refusal={refusal("system.write")} onClick={() => api.system.backup().then(setMade)}>
        Back up now
      </Button>
    </>
  );
}
