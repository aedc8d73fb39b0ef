// The first card of the form: which type, which target, which name.

import { useRef, useState } from "preact/hooks";
import type { Settings } from "../../api/types";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { isHostAndPort, nameFrom, withType } from "./draft";
import type { Part } from "./form";
import { TypeChoice } from "./type-choice";

/** What to watch. */
export function What({ draft, set, onChange, errors, types, isNew }: Part) {
  const kept = useRef<Record<string, Settings>>({});
  const [isNamed, setNamed] = useState(draft.name !== "");
  const type = types.monitors.find((one) => one.name === draft.type);
  const choose = (name: string) => {
    kept.current[draft.type] = draft.settings;
    onChange(withType(draft, name, kept.current));
  };
  const isTcpMeant =
    draft.type === "http" && isHostAndPort(draft.target) && types.monitors.some((one) => one.name === "tcp");
  const choice = <TypeChoice types={types.monitors} value={draft.type} onChange={choose} error={errors.type} />;
  return (
    <fieldset class="card form-part">
      <legend>What to watch</legend>
      {isNew ? (
        choice
      ) : (
        <details class="folded folded-first" open={errors.type !== undefined || undefined}>
          <summary>
            <span class="label">Type</span> <span class="muted">{type?.label ?? draft.type}</span>
          </summary>
          <div class="folded-body">{choice}</div>
        </details>
      )}
      <TextField
        label={type?.target_label ?? "Target"}
        help={type?.target_help}
        placeholder={type?.target_placeholder}
        type="url"
        isRequired
        isCode
        value={draft.target}
        onChange={(text) => {
          const target = text.trimStart();
          set(isNew && !isNamed ? { target, name: nameFrom(target) } : { target });
        }}
        error={errors.target}
      />
      {isTcpMeant && (
        <p class="notice" role="status">
          <span>A host and a port, without https://, is what TCP watches.</span>{" "}
          <Button isSmall onClick={() => choose("tcp")}>
            Choose TCP
          </Button>
        </p>
      )}
      <TextField
        label="Name"
        isRequired
        value={draft.name}
        onChange={(name) => {
          setNamed(name !== "");
          set({ name });
        }}
        error={errors.name}
      />
    </fieldset>
  );
}
