// On which other monitors this one depends: named, searched for, and taken away again.

import { useId, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import { useQuery } from "../../lib/query";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";

interface Props {
  /** The monitor that is edited: it can't depend on itself. */
  id: number | null;
  value: number[];
  onChange: (ids: number[]) => void;
  error: string | undefined;
}

const MOST_FOUND = 20;

/** The field. */
export function Dependencies({ id, value, onChange, error }: Props) {
  const [text, setText] = useState("");
  const list = useId();
  const named = useQuery(`monitors ${value.join()}`, (signal) => nameAll(value, signal));
  const asked = text.trim();
  const found = useQuery(`monitors like ${asked}`, (signal) =>
    api.monitors.list({ q: asked, per_page: MOST_FOUND, sort: "name" }, signal),
  );
  const offered = (found.data?.data ?? []).filter((one) => one.id !== id && !value.includes(one.id));
  const choose = (name: string): boolean => {
    const chosen = offered.find((one) => one.name === name.trim());
    if (!chosen) return false;
    setText("");
    onChange([...value, chosen.id]);
    return true;
  };
  return (
    <Field
      label="Depends on"
      help="While one of these is down nobody is told of this one: the cause is known. It is still checked."
      error={error}
    >
      {(attributes) => (
        <>
          {value.length > 0 && (
            <ul class="chosen">
              {value.map((each) => (
                <li key={each} class="chosen-one">
                  <a href={`./monitors/${each}`} target="_blank" rel="noreferrer">
                    {named.data?.get(each) ?? `Monitor ${each}`}
                    <span class="sr-only"> (opens in a new tab)</span>
                  </a>
                  <Button
                    kind="quiet"
                    isSmall
                    icon="close"
                    label={`Don't depend on ${named.data?.get(each) ?? each}`}
                    onClick={() => onChange(value.filter((one) => one !== each))}
                  />
                </li>
              ))}
            </ul>
          )}
          <input
            {...attributes}
            class="input"
            list={list}
            value={text}
            autoComplete="off"
            placeholder="Name of a monitor"
            onInput={(event) => {
              setText(event.currentTarget.value);
              // Taken from the list, not typed: a typed name may still become a longer one.
              if (event.inputType === "insertReplacementText" || !event.inputType) choose(event.currentTarget.value);
            }}
            onChange={(event) => choose(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || text === "") return;
              event.preventDefault();
              choose(text);
            }}
          />
          <datalist id={list}>
            {offered.map((one) => (
              <option key={one.id} value={one.name} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

async function nameAll(ids: number[], signal: AbortSignal): Promise<Map<number, string>> {
  const found = await Promise.allSettled(ids.map((id) => api.monitors.read(id, signal)));
  return new Map(found.flatMap((one) => (one.status === "fulfilled" ? [[one.value.id, one.value.name]] : [])));
}
