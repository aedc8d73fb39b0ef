// The shapes of the HTTP contract under the names that the dashboard uses. They are made, not written: see schema.ts.

import type * as made from "./schema";

export type * from "./schema";

export type CheckStatus = made.Check["status"];
export type MonitorStatus = made.Monitor["status"];
export type Settings = { [key: string]: made.Json };
export type EventName = made.Channel["events"][number];
export type FieldSpec = made.Field;
export type TypeSpec = made.Type;

/** The votes that opened an incident, each with what was seen. */
export type Evidence = made.Json;

/** A health document; a failing one says why. */
export type HealthAnswer = made.Health & { reason?: string };

/** A channel's document with every field. */
export type WholeChannel = Required<made.ChannelDocument>;

/** One page of a list; with `before=<id of the last row>` a long history goes on. */
export interface Page<T> {
  data: T[];
  total: number;
  page: number;
  per_page: number;
  total_pages: number;
}
