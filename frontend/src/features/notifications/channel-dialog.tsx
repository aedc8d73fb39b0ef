// A new channel, or an existing one.

import { useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Channel, TypeSpec, WholeChannel } from "../../api/types";
import { toast } from "../../state/toasts";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { CheckField, SelectField, TextField } from "../../ui/field";
import { SettingFields } from "../../ui/setting-fields";
import { EVENTS, eventLabel } from "./events";

interface Props {
  channel: Channel | null;
  types: TypeSpec[];
  onClose: () => void;
  onSaved: () => void;
}

function fresh(types: TypeSpec[]): WholeChannel {
  return { name: "", type: types[0]?.name ?? "webhook", enabled: true, settings: {}, events: [] };
}

/** The form of a channel. */
export function ChannelDialog({ channel, types, onClose, onSaved }: Props) {
  const [draft, setDraft] = useState<WholeChannel>(() => channel ?? fresh(types));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const type = types.find((one) => one.name === draft.type);
  const set = (changes: Partial<WholeChannel>) => setDraft({ ...draft, ...changes });
  const save = async () => {
    const { name, enabled, settings, events } = draft;
    const wanted = { name, type: draft.type, enabled, settings, events };
    try {
      await (channel ? api.channels.replace(channel.id, wanted) : api.channels.create(wanted));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 409) setErrors({ name: error.message });
      else if (Object.keys(error.fields).length > 0) setErrors(error.fields);
      else throw error;
      setTimeout(focusFirstError, 0);
      return;
    }
    toast(channel ? "Saved" : `${name} is told from now on`);
    onSaved();
  };
  return (
    <Dialog
      title={channel ? `Edit ${channel.name}` : "New channel"}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={save}>
            {channel ? "Save" : "Create channel"}
          </Button>
        </>
      }
    >
      <TextField label="Name" isRequired value={draft.name} onChange={(name) => set({ name })} error={errors.name} />
      {types.length > 1 && (
        <SelectField
          label="Type"
          value={draft.type}
          options={types.map((one) => ({ value: one.name, label: one.label }))}
          onChange={(name) => set({ type: name, settings: {} })}
          error={errors.type}
        />
      )}
      <SettingFields
        key={draft.type}
        specs={type?.fields ?? []}
        values={draft.settings}
        errors={errors}
        path="settings"
        onChange={(settings) => set({ settings })}
      />
      {errors.settings && <p class="field-error">{errors.settings}</p>}
      <fieldset class="field">
        <legend>Told of</legend>
        <p class="field-help">{draft.events.length === 0 ? "None chosen: every event." : "Only the chosen events."}</p>
        {EVENTS.map((name) => (
          <CheckField
            key={name}
            label={eventLabel(name)}
            value={draft.events.includes(name)}
            onChange={(isOn) =>
              set({ events: EVENTS.filter((one) => (one === name ? isOn : draft.events.includes(one))) })
            }
          />
        ))}
        {errors.events && <p class="field-error">{errors.events}</p>}
      </fieldset>
      <CheckField label="Enabled" value={draft.enabled} onChange={(enabled) => set({ enabled })} />
    </Dialog>
  );
}

function focusFirstError(): void {
  document.querySelector<HTMLElement>("dialog [aria-invalid=true]")?.focus();
}
