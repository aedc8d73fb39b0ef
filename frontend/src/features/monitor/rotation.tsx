// Another token for a heartbeat, asked for in a dialog.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import type { Monitor } from "../../api/types";
import { toast } from "../../state/toasts";
import { Ago, Instant } from "../../ui/ago";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { CheckField } from "../../ui/field";

/** That the URL from before a rotation still works. */
export function OldUrl({ until, children }: { until: string; children?: ComponentChildren }) {
  return (
    <p class="notice">
      <span>
        The URL from before the rotation works too until <Instant at={until} />, <Ago at={until} />.{children}
      </span>
    </p>
  );
}

interface Props {
  monitor: Monitor;
  /** Until when a URL from before an earlier rotation is good; null when there is none. */
  oldUntil: string | null;
  onClose: () => void;
  onDone: (monitor: Monitor) => void;
}

/** The dialog. */
export function Rotation({ monitor, oldUntil, onClose, onDone }: Props) {
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
      {oldUntil && <OldUrl until={oldUntil}> Rotating again ends that one at once.</OldUrl>}
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
