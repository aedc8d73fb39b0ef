// How a job reports: its URL, lines to paste, and another token when the old one got about.

import { useRef, useState } from "preact/hooks";
import type { Heartbeat, Monitor } from "../../api/types";
import { now } from "../../lib/clock";
import { recall, remember } from "../../lib/storage";
import { refusal } from "../../state/session";
import { Button } from "../../ui/button";
import { CopyButton } from "../../ui/copy-button";
import { Section } from "../../ui/page";
import { Tabs } from "../../ui/tabs";
import { isLocalOnly } from "./reach";
import { OldUrl, Rotation } from "./rotation";
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
  const job = { url, name: monitor.name, interval: monitor.interval, ...heartbeat };
  const oldUntil = heartbeat.old_token_until;
  const isOldGood = oldUntil !== null && Date.parse(oldUntil) > now.value;
  const ways = <Ways job={job} token={isShown ? null : token} onShow={() => setShown(true)} />;
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
          <code class="ping-url-text">
            <Masked text={url} token={isShown ? null : token} />
          </code>
          <CopyButton text={url} what="the ping URL" />
        </div>
        {isLocalOnly(url) && (
          <p class="field-help">
            This URL works only on the machine that Asura runs on. For jobs elsewhere set{" "}
            <code>server.external_url</code> in <code>asura.yaml</code>.
          </p>
        )}
        {isOldGood && <OldUrl until={oldUntil} />}
        <p class="field-help">
          Any GET, HEAD or POST to it is a success. Put <code>/start</code>, <code>/fail</code>, <code>/log</code> or an
          exit status such as <code>/3</code> behind it to say more, and <code>?rid=…</code> to tell runs apart. What is
          posted is kept.
        </p>
        {isOpen ? (
          ways
        ) : (
          <details class="as-table">
            <summary>Lines to paste</summary>
            {ways}
          </details>
        )}
      </div>
      {isRotating && (
        <Rotation
          monitor={monitor}
          oldUntil={isOldGood ? oldUntil : null}
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

/** A text without the token. What would be selected of it by hand is not what it looks like, so nothing can be. */
function Masked({ text, token }: { text: string; token: string | null }) {
  if (token === null) return <span>{text}</span>;
  return <span class="masked">{text.replaceAll(token, HIDDEN)}</span>;
}

interface WaysProps {
  job: Parameters<typeof waysFor>[0];
  /** The token while it is hidden. */
  token: string | null;
  onShow: () => void;
}

function Ways({ job, token, onShow }: WaysProps) {
  const box = useRef<HTMLDivElement>(null);
  const ways = waysFor(job);
  const [chosen, setChosen] = useState(recall("way") ?? "shell");
  const way = ways.find((one) => one.value === chosen) ?? ways[0];
  const choose = (next: string) => {
    setChosen(next);
    remember("way", next);
  };
  const show = () => {
    // The button goes away with the dots: the keyboard stays at the lines.
    box.current?.focus();
    onShow();
  };
  return (
    <div class="ways" ref={box} tabIndex={-1}>
      <Tabs label="Where the job runs" options={ways} value={way?.value ?? ""} onChange={choose} />
      {token !== null && (
        <p class="field-help">
          The dots stand for the token, which Copy puts in. To select lines by hand, show it first.{" "}
          <Button isSmall kind="quiet" onClick={show}>
            Show it
          </Button>
        </p>
      )}
      {way?.snippets.map((snippet) => (
        <Pasted key={`${way.value} ${snippet.title}`} snippet={snippet} token={token} way={way.label} />
      ))}
    </div>
  );
}

function Pasted({ snippet, token, way }: { snippet: Snippet; token: string | null; way: string }) {
  const { title, code, note } = snippet;
  const what = `${way}: ${title.charAt(0).toLowerCase()}${title.slice(1)}`;
  return (
    <section class="snippet" aria-label={what}>
      <p class="snippet-head">
        <span class="label">{title}</span>
        <CopyButton text={code} what={what} />
      </p>
      <pre class="snippet-code">
        <Masked text={code} token={token} />
      </pre>
      {note && <p class="field-help">{note}</p>}
    </section>
  );
}
