// What the list is narrowed to, kept in the address so that it can be shared and gone back to.

import { place, setQuery } from "../../lib/router";

export const PER_PAGE = 50;

export interface Filters {
  q: string;
  status: string;
  type: string;
  tag: string;
  group: string;
  sort: string;
  page: number;
}

const NAMES = ["q", "status", "type", "tag", "group"] as const;
export const DEFAULT_SORT = "status";

/** The filters that the address names. Subscribes the component that calls it. */
export function readFilters(): Filters {
  const { query } = place.value;
  const text = (name: string) => query.get(name) ?? "";
  const page = Number(query.get("page") ?? 1);
  return {
    q: text("q"),
    status: text("status"),
    type: text("type"),
    tag: text("tag"),
    group: text("group"),
    sort: text("sort") || DEFAULT_SORT,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** Changes filters; anything but the page itself leads back to the first page. */
export function writeFilters(changes: Partial<Record<keyof Filters, string | null>>): void {
  const sort = changes.sort === DEFAULT_SORT ? { sort: null } : {};
  setQuery({ page: null, ...changes, ...sort });
}

export function isNarrowed(filters: Filters): boolean {
  return NAMES.some((name) => filters[name] !== "");
}

export function clearFilters(): void {
  writeFilters(Object.fromEntries(NAMES.map((name) => [name, null])));
}

/** What the API is asked. */
export function toQuery(filters: Filters): Record<string, string | number> {
  const { page, ...rest } = filters;
  return { ...rest, page, per_page: PER_PAGE, include: "recent" };
}
