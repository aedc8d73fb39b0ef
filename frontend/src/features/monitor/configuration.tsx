// How a monitor is set up, beside what it saw.

import { Fragment } from "preact";
import type { Heartbeat, Monitor } from "../../api/types";
import { formatSpan, plural } from "../../lib/format";
import { Markdown } from "../../lib/markdown";
import { typeName } from "../../state/type-names";
import { Ago } from "../../ui/ago";
import { Section } from "../../ui/page";
import { StatusIcon } from "../../ui/status";
import { useDependencies } from "./dependencies";
import { Expectation } from "./expectation";

/** The section. */
export function Configuration({ monitor }: { monitor: Monitor }) {
  return (
    <Section title="Configuration">
      {monitor.description && <Markdown text={monitor.description} />}
      <dl class="facts">
        <dt>Type</dt>
        <dd>{typeName(monitor.type)}</dd>
        {monitor.heartbeat ? (
          <Expected monitor={monitor} heartbeat={monitor.heartbeat} />
        ) : (
          <Checked monitor={monitor} />
        )}
        <dt>Reminder</dt>
        <dd>{monitor.resend_interval > 0 ? `every ${formatSpan(monitor.resend_interval)}` : "none"}</dd>
        {monitor.upside_down && (
          <>
            <dt>Upside down</dt>
            <dd>an answer counts as down</dd>
          </>
        )}
        {monitor.depends_on.length > 0 && (
          <>
            <dt>Depends on</dt>
            <dd>
              <Dependencies ids={monitor.depends_on} />
            </dd>
          </>
        )}
        {monitor.group && (
          <>
            <dt>Group</dt>
            <dd>
              <a href={`./monitors?group=${encodeURIComponent(monitor.group)}`}>{monitor.group}</a>
            </dd>
          </>
        )}
        {monitor.tags.length > 0 && (
          <>
            <dt>Tags</dt>
            <dd class="chips">
              {monitor.tags.map((tag) => (
                <a key={tag} class="chip" href={`./monitors?tag=${encodeURIComponent(tag)}`}>
                  {tag}
                </a>
              ))}
            </dd>
          </>
        )}
        {monitor.cert_expires_at && (
          <>
            <dt>Certificate</dt>
            <dd>
              expires <Ago at={monitor.cert_expires_at} />
            </dd>
          </>
        )}
        <dt>Created</dt>
        <dd>
          <Ago at={monitor.created_at} />
        </dd>
      </dl>
    </Section>
  );
}

function Checked({ monitor }: { monitor: Monitor }) {
  const { failure_threshold: failures, success_threshold: successes } = monitor;
  const asserted = countConditions(monitor);
  return (
    <>
      <dt>Interval</dt>
      <dd>{formatSpan(monitor.interval)}</dd>
      <dt>Timeout</dt>
      <dd>{formatSpan(monitor.timeout)}</dd>
      {asserted > 0 && (
        <>
          <dt>Assertions</dt>
          <dd>{plural(asserted, "condition")}</dd>
        </>
      )}
      <dt>Down after</dt>
      <dd>{failures === 1 ? "the first failure" : `${failures} failures in a row`}</dd>
      <dt>Up after</dt>
      <dd>{successes === 1 ? "the first success" : `${successes} successes in a row`}</dd>
    </>
  );
}

const BOUNDS = [
  ["max_runtime", "Longest run"],
  ["min_runtime", "Shortest run"],
] as const;
const KEYWORDS = [
  ["success_keywords", "Success says"],
  ["failure_keywords", "Failure says"],
  ["start_keywords", "Start says"],
] as const;

function Expected({ monitor, heartbeat }: { monitor: Monitor; heartbeat: Heartbeat }) {
  const { settings } = monitor;
  return (
    <>
      <dt>Expected</dt>
      <dd>
        <Expectation monitor={monitor} heartbeat={heartbeat} />
        {heartbeat.schedule && <code class="schedule">{heartbeat.schedule}</code>}
      </dd>
      <dt>Grace</dt>
      <dd>{formatSpan(heartbeat.grace)}</dd>
      {BOUNDS.map(([name, label]) => {
        const seconds = settings[name];
        return (
          typeof seconds === "number" && (
            <Fragment key={name}>
              <dt>{label}</dt>
              <dd>{formatSpan(seconds)}</dd>
            </Fragment>
          )
        );
      })}
      {KEYWORDS.map(([name, label]) => {
        const words = settings[name];
        return (
          Array.isArray(words) &&
          words.length > 0 && (
            <Fragment key={name}>
              <dt>{label}</dt>
              <dd class="code">{words.join(", ")}</dd>
            </Fragment>
          )
        );
      })}
    </>
  );
}

function Dependencies({ ids }: { ids: number[] }) {
  const query = useDependencies(ids);
  return (
    <ul class="stacked">
      {ids.map((id, index) => {
        const found = query.data?.[index];
        return (
          <li key={id} class="dependency">
            {found && <StatusIcon status={found.status} size={14} />}
            <a href={`./monitors/${id}`}>{found?.name ?? `Monitor ${id}`}</a>
          </li>
        );
      })}
    </ul>
  );
}

/** How many conditions a list or a tree of assertions holds. */
export function countConditions({ assertions }: Pick<Monitor, "assertions">): number {
  if (Array.isArray(assertions)) return assertions.length;
  const groups = typeof assertions === "object" && assertions !== null ? assertions.groups : [];
  if (!Array.isArray(groups)) return 0;
  return groups.reduce<number>((sum, group) => {
    const conditions = typeof group === "object" && group !== null && !Array.isArray(group) ? group.conditions : [];
    return sum + (Array.isArray(conditions) ? conditions.length : 0);
  }, 0);
}
