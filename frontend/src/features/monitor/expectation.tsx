// How often a heartbeat is expected, in words.

import * as api from "../../api/endpoints";
import type { Heartbeat, Monitor } from "../../api/types";
import { formatSpan } from "../../lib/format";
import { useQuery } from "../../lib/query";

/** `every 5 min`, `at 02:30 every day (Europe/Berlin)`. */
export function Expectation({ monitor, heartbeat }: { monitor: Monitor; heartbeat: Heartbeat }) {
  const { schedule, timezone } = heartbeat;
  return schedule ? <Scheduled schedule={schedule} timezone={timezone} /> : <>every {formatSpan(monitor.interval)}</>;
}

function Scheduled({ schedule, timezone }: { schedule: string; timezone: string }) {
  const { data } = useQuery(`schedule ${schedule} ${timezone}`, (signal) =>
    api.system.schedule({ schedule, timezone, count: 1 }, signal),
  );
  const words = data?.in_words ?? "on its cron schedule";
  return (
    <>
      {words.charAt(0).toLowerCase() + words.slice(1)} ({timezone})
    </>
  );
}
