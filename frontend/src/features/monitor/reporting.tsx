// How a job reports: its URL, lines to paste, and another token when the old one got about.

import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Heartbeat, Monitor } from "../../api/types";
import { now } from "../../lib/clock";
import { recall, remember } from "../../lib/storage";
import { refusal } from "../../state/session";
import { toast } from "../../state/toasts";
import { Ago, Instant } from "../../ui/ago";
import { Button } from "../../ui/button";
import { CopyButton } from "../../ui/copy-button";
import { Dialog } from "../../ui/dialog";
import { CheckField } from "../../ui/field";
import { Section } from "../../ui/page";
import { Tabs } from "../../ui/tabs";
import { type Snippet, waysFor } from "./snippets";

const HIDDEN = "••••••••";

interface Props {
  monitor: Monitor;
  heartbeat: Heartbeat;
  onChange: (monitor: Monitor) => void;
  /** Token and lines are shown from the beginning: nothing has been reported yet. */
  isOpen: boolean;
}

/** The section. Once the job has reported, the token is hidden until asked for: screens are shared. */
export function Reporting({ monitor, heartbeat, onChange, isOpen }: Props) {
  const [isShown, setShown] = useState(isOpen);
  const [isRotating, setRotating] = useState(false);
  const { token, ping_url: url } = heartbeat;
  if (token === null || url === null) {
    return (
      <Section title="How the job reports">
        <p class="muted">
          {refusal("monitors.write") ?? "This key may not see the ping URL."} Whoever has the ping URL can report for
          the job, so it is shown only to those who may change the monitor.
        </p>
      </Section>
    );
  }
  const masked = (text: string) => (isShown ? text : text.replaceAll(token, HIDDEN));
  const job = { url, name: monitor.name, interval: monitor.interval, ...heartbeat };
  return (
    <Section
      title="How the job reports"
      actions={
        <>
          <Button isSmall kind="quiet" isExpanded={isShown} onClick={() => setShown(!isShown)}>
            {isShown ? "Hide the token" : "Show the token"}
          </Button>
          <Button isSmall icon="refresh" onClick={() => setRotating(true)}>
            Rotate token
          </Button>
        </>
      }
    >
      <div class="card reporting">
        <div class="ping-url">
          <span class="label">Ping URL</span>
          <code class="ping-url-text">{masked(url)}</code>
          <CopyButton text={url} what="the ping URL" />
        </div>
        <OldToken until={heartbeat.old_token_until} />
        <p class="field-help">
          Any GET, HEAD or POST to it is a success. Put <code>/start</code>, <code>/fail</code>, <code>/log</code> or an
          exit status such as <code>/3</code> behind it to say more, and <code>?rid=…</code> to tell runs apart. What is
          posted is kept.
        </p>
        {isOpen ? (
          <Ways job={job} masked={masked} />
        ) : (
          <details class="as-table">
            <summary>Lines to paste</summary>
            <Ways job={job} masked={masked} />
          </details>
        )}
      </div>
      {isRotating && (
        <Rotation
          monitor={monitor}
          onClose={() => setRotating(false)}
          onDone={(next) => {
            setRotating(false);
            onChange(next);
          }}
        />
      )}
    </Section>
  );
}

function OldToken({ until }: { until: string | null }) {
  if (until === null || Date.parse(until) <= now.value) return null;
  return (
    <p class="notice">
      <span>
        The URL from before the rotation works too until <Instant at={until} />, <Ago at={until} />.
      </span>
    </p>
  );
}

function Ways({ job, masked }: { job: Parameters<typeof waysFor>[0]; masked: (text: string) => string }) {
  const ways = waysFor(job);
  const [chosen, setChosen] = useState(recall("way") ?? "shell");
  const way = ways.find((one) => one.value === chosen) ?? ways[0];
  const choose = (next: string) => {
    setChosen(next);
    remember("way", next);
  };
  return (
    <div class="ways">
      <Tabs label="Where the job runs" options={ways} value={way?.value ?? ""} onChange={choose} />
      {way?.snippets.map((snippet) => (
        <Pasted key={`${way.value} ${snippet.title}`} snippet={snippet} masked={masked} way={way.label} />
      ))}
    </div>
  );
}

function Pasted({ snippet, masked, way }: { snippet: Snippet; masked: (text: string) => string; way: string }) {
  const { title, code, note } = snippet;
  const what = `${way}: ${title.charAt(0).toLowerCase()}${title.slice(1)}`;
  return (
    <section class="snippet" aria-label={what}>
      <p class="snippet-head">
        <span class="label">{title}</span>
        <CopyButton text={code} what={what} />
      </p>
      <pre class="snippet-code">{masked(code)}</pre>
      {note && <p class="field-help">{note}</p>}
    </section>
  );
}

interface RotationProps {
  monitor: Monitor;
  onClose: () => void;
  onDone: (monitor: Monitor) => void;
}

function Rotation({ monitor, onClose, onDone }: RotationProps) {
  const [isKept, setKept] = useState(true);
  const [problem, setProblem] = useState<Error | null>(null);
  const rotate = async () => {
    setProblem(null);
    let next: Monitor;
    try {
      next = await api.monitors.rotateToken(monitor.id, isKept);
    } catch (error) {
      // Said here: a toast stands behind the dialog.
      setProblem(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    toast(
      isKept
        ? "Rotated: the new URL is good now, the old one for another day."
        : "Rotated: only the new URL is good from now on.",
    );
    onDone(next);
  };
  return (
    <Dialog
      title={`Rotate the token of ${monitor.name}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" onClick={rotate}>
            Rotate token
          </Button>
        </>
      }
    >
      <p>The ping URL changes: put the new one wherever the job runs.</p>
      <CheckField
        label="Keep the old URL for a day"
        help={
          isKept
            ? "Time to change the job. Choose this unless the old URL is in wrong hands."
            : "The old URL answers 404 at once, and the job counts as silent until it has the new one."
        }
        value={isKept}
        onChange={setKept}
      />
      {problem && (
        <p class="field-error" role="alert">
          The rotation was not confirmed: {problem.message}
        </p>
      )}
    </Dialog>
  );
}
