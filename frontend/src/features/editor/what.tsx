// The first card of the form: which type, which target, which name.

import { useRef, useState } from "preact/hooks";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { isHostAndPort, type Kept, nameFrom, withType } from "./draft";
import type { Part } from "./form";
import { TypeChoice } from "./type-choice";

/** What to watch. */
export function What({ draft, set, onChange, errors, types, isNew }: Part) {
  const kept = useRef<Record<string, Kept>>({});
  const [isNamed, setNamed] = useState(draft.name !== "");
  const type = types.monitors.find((one) => one.name === draft.type);
  const choose = (name: string) => {
    const next = types.monitors.find((one) => one.name === name);
    const { settings, interval } = draft;
    kept.current[draft.type] = { settings, interval };
    if (next) onChange(withType(draft, next, kept.current, types.defaults));
  };
  const isTcpMeant =
    draft.type === "http" && isHostAndPort(draft.target) && types.monitors.some((one) => one.name === "tcp");
  // What reports by itself is known by its name; what is asked has an address, which gives the name.
  const name = (
    <TextField
      key="name"
      label="Name"
      isRequired
      value={draft.name}
      onChange={(next) => {
        setNamed(next !== "");
        set({ name: next });
      }}
      error={errors.name}
    />
  );
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
      {type?.is_passive && name}
      <TextField
        label={type?.target_label ?? "Target"}
        help={type?.target_help}
        placeholder={type?.target_placeholder}
        type={type?.is_passive ? "text" : "url"}
        isRequired={type?.target_required ?? true}
        isCode
        value={draft.target}
        onChange={(text) => {
          const target = text.trimStart();
          set(isNew && !isNamed && !type?.is_passive ? { target, name: nameFrom(target) } : { target });
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
      {!type?.is_passive && name}
    </fieldset>
  );
}
