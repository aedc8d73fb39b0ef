// Tables that become cards on a phone. The roles are written out because `display` would take them away there.

import type { ComponentChildren } from "preact";
import { Icon } from "./icons";

export interface Column<T> {
  key: string;
  label: ComponentChildren;
  /** The words of the heading when `label` is none. */
  title?: string;
  cell: (row: T) => ComponentChildren;
  /** Aligned to the right, in figures of one width. */
  isNumber?: boolean;
  /** The name by which the list is sorted when the heading is pressed. */
  sort?: string;
  /** On a phone: `title` heads the card, `bare` has a line without its label, `half` shares one, `hide` is left out. */
  phone?: "title" | "bare" | "half" | "hide";
  class?: string;
  /** What a phone calls the cell of this row, where that is not the heading. */
  phoneLabel?: (row: T) => string | undefined;
}

interface TableProps<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string | number;
  rowClass?: (row: T) => string | undefined;
  /** `name` ascending, `-name` descending. */
  sort?: string;
  onSort?: (sort: string) => void;
}

function direction(sort: string | undefined, name: string): "ascending" | "descending" | undefined {
  if (sort === name) return "ascending";
  return sort === `-${name}` ? "descending" : undefined;
}

function Heading<T>({
  column,
  sort,
  onSort,
}: {
  column: Column<T>;
  sort: string | undefined;
  onSort: TableProps<T>["onSort"];
}) {
  const name = column.sort;
  const sorted = name ? direction(sort, name) : undefined;
  const look = [column.isNumber && "number", column.class].filter(Boolean).join(" ");
  return (
    <th {...{ role: "columnheader" }} scope="col" class={look || undefined} aria-sort={sorted}>
      {name && onSort ? (
        <button type="button" class="sort" onClick={() => onSort(sorted === "ascending" ? `-${name}` : name)}>
          {column.label}
          {sorted && <Icon name={sorted === "ascending" ? "up" : "down"} size={12} />}
        </button>
      ) : (
        column.label
      )}
      {column.title && <span class="sr-only">{column.title}</span>}
    </th>
  );
}

/** A table with a caption for screen readers. */
export function DataTable<T>({ caption, columns, rows, rowKey, rowClass, sort, onSort }: TableProps<T>) {
  return (
    <table {...{ role: "table" }} class="table">
      <caption class="sr-only">{caption}</caption>
      <thead {...{ role: "rowgroup" }}>
        <tr {...{ role: "row" }}>
          {columns.map((column) => (
            <Heading key={column.key} column={column} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody {...{ role: "rowgroup" }}>
        {rows.map((row) => (
          <tr {...{ role: "row" }} key={rowKey(row)} class={rowClass?.(row)}>
            {columns.map((column) => (
              <td
                {...{ role: "cell" }}
                key={column.key}
                class={[column.isNumber && "number", `phone-${column.phone ?? "line"}`, column.class]
                  .filter(Boolean)
                  .join(" ")}
                data-label={column.phoneLabel?.(row) ?? (typeof column.label === "string" ? column.label : undefined)}
              >
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Page 2 of 5, with a button either way. */
export function Pager({
  page,
  pages,
  total,
  noun,
  onPage,
}: {
  page: number;
  pages: number;
  total: number;
  noun: string;
  onPage: (page: number) => void;
}) {
  if (pages <= 1) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" class="button button-plain" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        <Icon name="left" />
        <span>Previous</span>
      </button>
      <span class="muted">
        Page {page} of {pages} · {total} {noun}
      </span>
      <button type="button" class="button button-plain" disabled={page >= pages} onClick={() => onPage(page + 1)}>
        <span>Next</span>
        <Icon name="right" />
      </button>
    </nav>
  );
}

interface TrailProps {
  /** The ids before which the pages opened so far begin: the last is that of the page that is shown. */
  trail: number[];
  onTrail: (trail: number[]) => void;
  rows: { id: number | null }[];
  perPage: number;
  /** Where a page has several such ways. */
  label?: string;
}

/** The way through a long history, newest first; nothing when one page holds all of it. */
export function TrailPager({ trail, onTrail, rows, perPage, label = "Pages" }: TrailProps) {
  const last = rows.length === perPage ? (rows.at(-1)?.id ?? null) : null;
  if (trail.length === 0 && last === null) return null;
  return (
    <nav class="pager" aria-label={label}>
      <button
        type="button"
        class="button button-plain"
        disabled={trail.length === 0}
        onClick={() => onTrail(trail.slice(0, -1))}
      >
        <Icon name="left" />
        <span>Newer</span>
      </button>
      <button
        type="button"
        class="button button-plain"
        disabled={last === null}
        onClick={() => last !== null && onTrail([...trail, last])}
      >
        <span>Older</span>
        <Icon name="right" />
      </button>
    </nav>
  );
}
