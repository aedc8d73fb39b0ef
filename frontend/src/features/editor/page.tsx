// A new monitor, or an existing one: one form, a trial run, and the server's word on every field.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { Channel, Check, Monitor, Types } from "../../api/types";
import { useQuery } from "../../lib/query";
import { guardLeaving, navigate } from "../../lib/router";
import type { PageProps } from "../../routes";
import { may, refusal } from "../../state/session";
import { toast, toastError } from "../../state/toasts";
import { Button, LinkButton } from "../../ui/button";
import { confirm } from "../../ui/dialog";
import { worded } from "../../ui/field";
import { Page } from "../../ui/page";
import { ResultView } from "../../ui/result";
import { Empty, Failure, Load, Skeleton } from "../../ui/states";
import { type Draft, documentOf, draftOf, freshDraft, isSame, isScheduleMissing, stillWrong } from "./draft";
import { Form } from "./form";
import "./editor.css";

/** What came of a test, and of which assertions. */
interface Trial {
  result: Check | Error;
  assertions: string;
}

interface Ground {
  types: Types;
  channels: Channel[];
  monitor: Monitor | null;
}

async function look(id: number | null, signal: AbortSignal): Promise<Ground> {
  const [types, channels, monitor] = await Promise.all([
    api.system.types(signal),
    may("notifications.read") ? api.channels.list(signal) : null,
    id === null ? null : api.monitors.read(id, signal),
  ]);
  return { types, channels: channels?.data ?? [], monitor };
}

/** The page of the form. */
export default function EditorPage({ params }: PageProps) {
  const id = params.id === undefined ? null : Number(params.id);
  // What is edited is loaded anew each time: the form must not begin with an old copy.
  const [visit] = useState(() => Date.now());
  const query = useQuery(`editor ${id} ${visit}`, (signal) => look(id, signal));
  const title = id === null ? "New monitor" : "Edit monitor";
  const denied = refusal("monitors.write");
  if (denied) {
    return (
      <Page title={title}>
        <Empty
          icon="edit"
          title="This key may not change monitors"
          action={<LinkButton href="./monitors">To all monitors</LinkButton>}
        >
          <p>{denied}</p>
        </Empty>
      </Page>
    );
  }
  const name = query.data?.monitor?.name;
  const crumb = id === null ? <a href="./monitors">Monitors</a> : <a href={`./monitors/${id}`}>{name ?? "Monitor"}</a>;
  return (
    <Page title={title} crumb={crumb}>
      <Load query={query} skeleton={<Skeleton rows={8} height={56} />}>
        {(ground) => <Editor ground={ground} />}
      </Load>
    </Page>
  );
}

function Editor({ ground }: { ground: Ground }) {
  const { monitor, types, channels } = ground;
  const [start] = useState<Draft>(() => (monitor ? draftOf(monitor, types.assertions) : freshDraft(types.defaults)));
  const [draft, setDraft] = useState(start);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const change = (next: Draft) => {
    setErrors((old) => stillWrong(old, draft, next));
    setDraft(next);
  };
  const [trial, setTrial] = useState<Trial | null>(null);
  const [isSaving, setSaving] = useState(false);
  const shownTrial = useRef<HTMLDivElement>(null);
  const isChanged = !isSame(draft, start);
  useEffect(() => {
    if (trial) comeToSee(shownTrial.current);
  }, [trial]);
  useEffect(() => (isChanged ? guardLeaving(askToLeave) : undefined), [isChanged]);

  const send = async <T,>(act: () => Promise<T>): Promise<T | null> => {
    try {
      const answer = await act();
      setErrors({});
      return answer;
    } catch (error) {
      const fields = error instanceof ApiError ? error.fields : {};
      const isTaken = error instanceof ApiError && error.status === 409;
      setErrors(isTaken ? { name: error.message } : fields);
      if (!isTaken && Object.keys(fields).length === 0) throw error;
      setTimeout(focusFirstError, 0);
      return null;
    }
  };
  const isPassive = types.monitors.find((one) => one.name === draft.type)?.is_passive ?? false;
  const whole = (one: Draft) => documentOf(one, monitor, types);
  const store = async () => {
    if (isScheduleMissing(draft)) {
      setErrors({ "settings.schedule": "must not be empty: five fields, such as 0 3 * * *" });
      setTimeout(focusFirstError, 0);
      return;
    }
    const saved = await send(() =>
      monitor ? api.monitors.replace(monitor.id, whole(draft)) : api.monitors.create(whole(draft)),
    );
    if (!saved) return;
    toast(
      monitor ? "Saved" : isPassive ? `${saved.name} waits for its first ping` : `${saved.name} is watched from now on`,
    );
    await navigate(`/monitors/${saved.id}`, { force: true, replace: monitor === null });
  };
  // Enter comes past the button: a save that runs takes no second one.
  const isRunning = useRef(false);
  const save = async () => {
    if (isRunning.current) return;
    isRunning.current = true;
    setSaving(true);
    try {
      await store();
    } finally {
      isRunning.current = false;
      setSaving(false);
    }
  };
  const test = async () => {
    setTrial(null);
    // A trial needs no name yet.
    const named = { ...draft, name: draft.name || "trial" };
    const assertions = JSON.stringify(draft.assertions);
    try {
      const result = await send(() => api.monitors.test(whole(named)));
      if (result) setTrial({ result, assertions });
    } catch (error) {
      setTrial({ result: error instanceof Error ? error : new Error(String(error)), assertions });
    }
  };
  const shown = trial?.result ?? null;
  const isTested = trial?.assertions === JSON.stringify(draft.assertions);
  return (
    <form
      class="editor"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save().catch(toastError);
      }}
    >
      <Problems errors={errors} labels={labelsOf(types, draft.type)} />
      <Form
        draft={draft}
        onChange={change}
        errors={errors}
        types={types}
        channels={channels}
        isNew={monitor === null}
        id={monitor?.id ?? null}
        results={isTested && shown && !(shown instanceof Error) ? shown.assertions : null}
      />
      <section class="editor-trial" ref={shownTrial} tabIndex={-1} aria-label="Result of the test">
        {shown instanceof Error && <Failure error={shown} />}
        {shown && !(shown instanceof Error) && (
          <div class="card">
            <ResultView result={shown} />
            <p class="field-help">A trial run: nothing of it is stored.</p>
          </div>
        )}
      </section>
      <div class="editor-foot">
        <Button kind="primary" icon="check" isBusy={isSaving} onClick={save}>
          {monitor ? "Save" : "Create monitor"}
        </Button>
        {!isPassive && (
          <Button icon="flask" onClick={test}>
            Test
          </Button>
        )}
        <LinkButton kind="quiet" href={monitor ? `./monitors/${monitor.id}` : "./monitors"}>
          Cancel
        </LinkButton>
        {isChanged && <span class="muted editor-changed">Not saved yet</span>}
        <button type="submit" class="sr-only" tabIndex={-1} aria-hidden="true">
          Save
        </button>
      </div>
    </form>
  );
}

function Problems({ errors, labels }: { errors: Record<string, string>; labels: Map<string, string> }) {
  const all = Object.entries(errors);
  if (all.length === 0) return null;
  return (
    <div class="failure failure-list" role="alert">
      <p>
        <strong>
          {all.length === 1 ? "One field needs another look." : `${all.length} fields need another look.`}
        </strong>
      </p>
      <ul>
        {all.map(([path, text]) => (
          <li key={path}>{worded(labels.get(path) ?? words(path), text)}</li>
        ))}
      </ul>
    </div>
  );
}

const LABELS: [string, string][] = [
  ["failure_threshold", "Failures before down"],
  ["success_threshold", "Successes before up"],
  ["resend_interval", "Reminder"],
  ["notification_channel_ids", "Who is told"],
];

// The words that stand at the fields.
function labelsOf(types: Types, name: string): Map<string, string> {
  const labels = new Map(LABELS);
  const type = types.monitors.find((one) => one.name === name);
  if (type) labels.set("target", type.target_label);
  if (type?.is_passive) labels.set("interval", "Period");
  for (const field of type?.fields ?? []) {
    labels.set(`settings.${field.name}`, field.label);
    for (const variant of field.variants ?? [])
      for (const inner of variant.fields)
        labels.set(`settings.${field.name}.${inner.name}`, `${field.label}: ${inner.label.toLowerCase()}`);
  }
  return labels;
}

// What came of a test stands below the form: go there, for the eye and for the screen reader.
function comeToSee(box: HTMLElement | null): void {
  const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  box?.focus({ preventScroll: true });
  box?.scrollIntoView({ block: "nearest", behavior: isCalm ? "auto" : "smooth" });
}

function words(path: string): string {
  const asserted = /^assertions(?:\.groups\[(\d+)\])?(?:\.conditions)?(?:\[(\d+)\])?(?:\.(\w+))?$/.exec(path);
  if (asserted) {
    const [, group, at, part] = asserted;
    const place = [
      group === undefined ? "" : `group ${Number(group) + 1}`,
      at === undefined ? "" : `condition ${Number(at) + 1}`,
      part ?? "",
    ];
    return capital(place.filter(Boolean).join(", ") || "assertions");
  }
  const text = path.replace(/^settings\./, "").replaceAll(/[_.]/g, " ");
  return capital(text);
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function askToLeave(): Promise<boolean> {
  return confirm({
    title: "Leave without saving?",
    text: <p>What you have changed here is lost.</p>,
    action: "Leave",
    isDanger: true,
  });
}

function focusFirstError(): void {
  const field = document.querySelector<HTMLElement>(".editor [aria-invalid=true]");
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}
