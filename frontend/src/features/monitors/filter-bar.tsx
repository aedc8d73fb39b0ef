// Search and filters above the list.

import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import { useShortcuts } from "../../lib/keys";
import { useQuery } from "../../lib/query";
import { typeName } from "../../state/type-names";
import { Button } from "../../ui/button";
import { type Option, Select } from "../../ui/field";
import { Icon } from "../../ui/icons";
import { statusLabel } from "../../ui/status";
import { clearFilters, type Filters, isNarrowed, writeFilters } from "./filters";

const TYPING_MS = 250;
const STATUSES = ["down", "degraded", "up", "pending", "paused"];
const SORTS: Option[] = [
  { value: "status", label: "Worst first" },
  { value: "name", label: "Name" },
  { value: "-response", label: "Slowest first" },
  { value: "-last_check_at", label: "Latest result first" },
  { value: "-created_at", label: "Newest first" },
];

function options(all: string, names: string[], chosen: string, label = (name: string) => name): Option[] {
  const list = chosen !== "" && !names.includes(chosen) ? [...names, chosen] : names;
  return [{ value: "", label: all }, ...list.map((name) => ({ value: name, label: label(name) }))];
}

/** Search, filters and order. */
export function FilterBar({ filters }: { filters: Filters }) {
  const [isOpen, setOpen] = useState(false);
  const tags = useQuery("tags", (signal) => api.system.tags(signal));
  const groups = useQuery("groups", (signal) => api.system.groups(signal));
  const types = useQuery("types", (signal) => api.system.types(signal));
  const typeNames = types.data?.monitors.map((type) => type.name) ?? [];
  const sorts = SORTS.some((sort) => sort.value === filters.sort)
    ? SORTS
    : [...SORTS, { value: filters.sort, label: "By column" }];
  return (
    <search class={isOpen ? "filters filters-open" : "filters"}>
      <Search value={filters.q} />
      <Button class="filters-switch" icon="settings" isExpanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Filters
      </Button>
      <div class="filters-rest">
        <Select
          attributes={{ "aria-label": "Status" }}
          value={filters.status}
          options={options("Any status", STATUSES, filters.status, statusLabel)}
          onChange={(status) => writeFilters({ status })}
        />
        <Select
          attributes={{ "aria-label": "Type" }}
          value={filters.type}
          options={options("Any type", typeNames, filters.type, typeName)}
          onChange={(type) => writeFilters({ type })}
        />
        <Named label="Group" names={groups.data} value={filters.group} onChange={(group) => writeFilters({ group })} />
        <Named label="Tag" names={tags.data} value={filters.tag} onChange={(tag) => writeFilters({ tag })} />
        <Select
          attributes={{ "aria-label": "Order" }}
          value={filters.sort}
          options={sorts}
          onChange={(sort) => writeFilters({ sort })}
        />
      </div>
      {isNarrowed(filters) && (
        <Button kind="quiet" icon="close" onClick={clearFilters}>
          Clear
        </Button>
      )}
    </search>
  );
}

interface NamedProps {
  label: string;
  names: string[] | undefined;
  value: string;
  onChange: (name: string) => void;
}

// Groups and tags: nothing to choose from until a monitor has one.
function Named({ label, names, value, onChange }: NamedProps) {
  if (!names?.length && value === "") return null;
  return (
    <Select
      attributes={{ "aria-label": label }}
      value={value}
      options={options(`Any ${label.toLowerCase()}`, names ?? [], value)}
      onChange={onChange}
    />
  );
}

function Search({ value }: { value: string }) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const written = useRef(value);
  useShortcuts([{ keys: "/", does: "Search monitors", act: () => field.current?.focus() }]);
  // The address may change by other means: a link, the cleared filters, the way back.
  useEffect(() => {
    if (value !== written.current) setText(value);
    written.current = value;
  }, [value]);
  useEffect(() => {
    if (text.trim() === written.current) return;
    const timer = setTimeout(() => {
      written.current = text.trim();
      writeFilters({ q: text.trim() });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="sr-only">Search by name or target</span>
      <input
        ref={field}
        type="search"
        class="input"
        placeholder="Name or target"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
    </label>
  );
}
