// What can be done with a monitor.

import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Check, Monitor } from "../../api/types";
import { useShortcuts } from "../../lib/keys";
import { navigate } from "../../lib/router";
import { refusal } from "../../state/session";
import { toast, toastError } from "../../state/toasts";
import { Button, LinkButton } from "../../ui/button";
import { confirm, Dialog } from "../../ui/dialog";
import { ResultView } from "../../ui/result";

/** The buttons of the page's head, and their keys. */
export function Actions({ monitor, onChange }: { monitor: Monitor; onChange: () => void }) {
  const [result, setResult] = useState<Check | null>(null);
  const isPaused = !monitor.enabled;
  const isPassive = monitor.heartbeat !== null;
  const denied = refusal("monitors.write");
  const check = async () => {
    setResult(await api.monitors.check(monitor.id));
    onChange();
  };
  const toggle = async () => {
    await (isPaused ? api.monitors.resume(monitor.id) : api.monitors.pause(monitor.id));
    toast(isPaused ? "Resumed" : "Paused");
    onChange();
  };
  const clone = async () => {
    const copy = await api.monitors.clone(monitor.id);
    toast(
      copy.enabled
        ? `${copy.name} exists and is watched already. Untick Enabled to pause it; its page can delete it.`
        : `Cloned as ${copy.name}, paused`,
      "plain",
    );
    await navigate(`/monitors/${copy.id}/edit`);
  };
  const remove = async () => {
    if (!(await confirm(deletion(monitor.name)))) return;
    await api.monitors.remove(monitor.id);
    toast(`Deleted ${monitor.name}`);
    await navigate("/monitors");
  };
  const ifAllowed = (act: () => Promise<unknown>) => () => {
    if (!denied) act().catch(toastError);
  };
  useShortcuts([
    ...(isPassive ? [] : [{ keys: "c", does: "Check this monitor now", act: ifAllowed(check) }]),
    { keys: "e", does: "Edit this monitor", act: ifAllowed(() => navigate(`/monitors/${monitor.id}/edit`)) },
    { keys: "p", does: "Pause or resume this monitor", act: ifAllowed(toggle) },
  ]);
  return (
    <>
      {!isPassive && (
        <Button icon="refresh" kind="primary" refusal={denied} onClick={check}>
          Check now
        </Button>
      )}
      <Button icon={isPaused ? "play" : "pause"} refusal={denied} onClick={toggle}>
        {isPaused ? "Resume" : "Pause"}
      </Button>
      <LinkButton icon="edit" href={`./monitors/${monitor.id}/edit`} refusal={denied}>
        Edit
      </LinkButton>
      <Button icon="copy" refusal={denied} onClick={clone}>
        Clone
      </Button>
      <Button icon="trash" kind="danger" label={`Delete ${monitor.name}`} refusal={denied} onClick={remove} />
      {result && (
        <Dialog
          title="Checked just now"
          onClose={() => setResult(null)}
          footer={<Button onClick={() => setResult(null)}>Close</Button>}
        >
          <ResultView result={result} />
        </Dialog>
      )}
    </>
  );
}

function deletion(name: string) {
  return {
    title: `Delete ${name}?`,
    text: <p>Its history and its incidents go with it. This can't be undone.</p>,
    action: "Delete monitor",
    isDanger: true,
  };
}
