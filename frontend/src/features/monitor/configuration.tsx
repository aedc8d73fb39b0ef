// How a monitor is set up, beside what it saw.

import type { Heartbeat, Monitor } from "../../api/types";
import { formatSpan, plural } from "../../lib/format";
import { Markdown } from "../../lib/markdown";
import { typeName } from "../../state/type-names";
import { Ago } from "../../ui/ago";
import { Fact, Section } from "../../ui/page";
import { StatusIcon } from "../../ui/status";
import { useDependencies } from "./dependencies";
import { Expectation } from "./expectation";

/** The section. */
export function Configuration({ monitor }: { monitor: Monitor }) {
  return (
    <Section title="Configuration">
      {monitor.description && <Markdown text={monitor.description} />}
      <dl class="facts">
        <Fact label="Type">{typeName(monitor.type)}</Fact>
        {monitor.heartbeat ? (
          <Expected monitor={monitor} heartbeat={monitor.heartbeat} />
        ) : (
          <Checked monitor={monitor} />
        )}
        <Fact label="Reminder">
          {monitor.resend_interval > 0 ? `every ${formatSpan(monitor.resend_interval)}` : "none"}
        </Fact>
        {monitor.upside_down && <Fact label="Upside down">an answer counts as down</Fact>}
        {monitor.depends_on.length > 0 && (
          <Fact label="Depends on">
            <Dependencies ids={monitor.depends_on} />
          </Fact>
        )}
        {monitor.group && (
          <Fact label="Group">
            <a href={`./monitors?group=${encodeURIComponent(monitor.group)}`}>{monitor.group}</a>
          </Fact>
        )}
        {monitor.tags.length > 0 && (
          <Fact label="Tags" class="chips">
            {monitor.tags.map((tag) => (
              <a key={tag} class="chip" href={`./monitors?tag=${encodeURIComponent(tag)}`}>
                {tag}
              </a>
            ))}
          </Fact>
        )}
        {monitor.cert_expires_at && (
          <Fact label="Certificate">
            expires <Ago at={monitor.cert_expires_at} />
          </Fact>
        )}
        <Fact label="Created">
          <Ago at={monitor.created_at} />
        </Fact>
      </dl>
    </Section>
  );
}

function Checked({ monitor }: { monitor: Monitor }) {
  const { failure_threshold: failures, success_threshold: successes } = monitor;
  const asserted = countConditions(monitor);
  return (
    <>
      <Fact label="Interval">{formatSpan(monitor.interval)}</Fact>
      <Fact label="Timeout">{formatSpan(monitor.timeout)}</Fact>
      {asserted > 0 && <Fact label="Assertions">{plural(asserted, "condition")}</Fact>}
      <Fact label="Down after">{failures === 1 ? "the first failure" : `${failures} failures in a row`}</Fact>
      <Fact label="Up after">{successes === 1 ? "the first success" : `${successes} successes in a row`}</Fact>
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
      <Fact label="Expected">
        <Expectation monitor={monitor} heartbeat={heartbeat} />
        {heartbeat.schedule && <code class="schedule">{heartbeat.schedule}</code>}
      </Fact>
      <Fact label="Grace">{formatSpan(heartbeat.grace)}</Fact>
      {BOUNDS.map(([name, label]) => {
        const seconds = settings[name];
        return (
          typeof seconds === "number" && (
            <Fact key={name} label={label}>
              {formatSpan(seconds)}
            </Fact>
          )
        );
      })}
      {KEYWORDS.map(([name, label]) => {
        const words = settings[name];
        return (
          Array.isArray(words) &&
          words.length > 0 && (
            <Fact key={name} label={label} class="code">
              {words.join(", ")}
            </Fact>
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
