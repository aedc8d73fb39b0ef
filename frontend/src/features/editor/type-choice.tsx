// Which type of monitor: radio buttons in groups, each with a line that says what it does.

import { useId } from "preact/hooks";
import type { TypeSpec } from "../../api/types";
import { Markdown } from "../../lib/markdown";

const KINDS: [string, string[]][] = [
  ["Sites and services", ["http", "websocket", "grpc", "mqtt"]],
  ["Jobs that report by themselves", ["heartbeat"]],
  ["Network and names", ["icmp", "tcp", "tls", "dns", "domain"]],
  ["On this machine", ["command", "docker"]],
];

interface Part {
  title: string;
  types: TypeSpec[];
}

/** The types in the groups in which a person looks for them; what is in none comes last. */
export function grouped(types: TypeSpec[]): Part[] {
  const known = new Set(KINDS.flatMap(([, names]) => names));
  const parts = KINDS.map(([title, names]) => ({
    title,
    types: names.flatMap((name) => types.find((one) => one.name === name) ?? []),
  }));
  return [...parts, { title: "Others", types: types.filter((one) => !known.has(one.name)) }].filter(
    (part) => part.types.length > 0,
  );
}

/** The first sentence of a description, without its Markdown. */
export function firstSentence(about: string): string {
  const [first = ""] = about.trim().split(/\n\s*\n/);
  const text = first.replaceAll(/\s+/g, " ").replaceAll(/[`*]/g, "");
  return /^.*?[.!?:](?=\s|$)/.exec(text)?.[0].replace(/:$/, ".") ?? text;
}

/** The choice, with the description of what is chosen. */
export function TypeChoice({
  types,
  value,
  onChange,
  error,
}: {
  types: TypeSpec[];
  value: string;
  onChange: (name: string) => void;
  error: string | undefined;
}) {
  const name = useId();
  const chosen = types.find((one) => one.name === value);
  return (
    <>
      <fieldset class="field types">
        <legend>Type</legend>
        {grouped(types).map((part) => (
          <div key={part.title} class="types-part">
            <p class="types-title">{part.title}</p>
            <div class="types-list">
              {part.types.map((one) => (
                <label key={one.name} class={one.name === value ? "type type-on" : "type"}>
                  <input
                    class="sr-only"
                    type="radio"
                    name={name}
                    aria-labelledby={`${name}-${one.name}`}
                    aria-describedby={`${name}-${one.name}-line`}
                    checked={one.name === value}
                    onChange={() => onChange(one.name)}
                  />
                  <span class="type-name" id={`${name}-${one.name}`}>
                    {one.label}
                  </span>
                  <span class="type-line" id={`${name}-${one.name}-line`}>
                    {firstSentence(one.about)}
                  </span>
                </label>
              ))}
            </div>
          </div>
        ))}
        {error && <p class="field-error">{error}</p>}
      </fieldset>
      {chosen?.about && (
        <details class="about">
          <summary>{chosen.is_passive ? "What it waits for" : "What is checked"}, and what counts as down</summary>
          <Markdown text={chosen.about} />
        </details>
      )}
    </>
  );
}
