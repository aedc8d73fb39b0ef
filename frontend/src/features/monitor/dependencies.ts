// The monitors that another one depends on, as they stand now.

import * as api from "../../api/endpoints";
import type { Monitor } from "../../api/types";
import { type Query, useQuery } from "../../lib/query";
import { useLive } from "../../state/live";

/** In the order of `ids`; null is one that can't be read. */
export function useDependencies(ids: number[]): Query<(Monitor | null)[]> {
  const query = useQuery(`dependencies ${ids.join()}`, (signal) =>
    Promise.all(ids.map((id) => api.monitors.read(id, signal).catch(() => null))),
  );
  useLive({
    monitor: (event) => {
      if (ids.includes(event.id)) query.reload();
    },
    reset: query.reload,
  });
  return query;
}
