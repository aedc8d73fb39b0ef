// Acting on the chosen monitors together.

import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../../api/endpoints";
import { plural } from "../../lib/format";
import { useQuery } from "../../lib/query";
import { toast } from "../../state/toasts";
import { Button } from "../../ui/button";
import { confirm, Dialog } from "../../ui/dialog";
import { TextField } from "../../ui/field";

interface Props {
  chosen: number[];
  isAll: boolean;
  onToggleAll: () => void;
  onDone: () => void;
}

const DONE: Record<string, string> = { pause: "paused", resume: "resumed", delete: "deleted" };

/** The bar above the list: how many are chosen, and what can be done with them. */
export function BulkBar({ chosen, isAll, onToggleAll, onDone }: Props) {
  const [isGrouping, setGrouping] = useState(false);
  const all = useRef<HTMLInputElement>(null);
  const count = plural(chosen.length, "monitor");
  useEffect(() => {
    if (all.current) all.current.indeterminate = chosen.length > 0 && !isAll;
  }, [chosen.length, isAll]);
  const act = async (action: string) => {
    if (action === "delete" && !(await confirm(deletion(count)))) return;
    await api.monitors.bulk({ action, ids: chosen });
    toast(`${count} ${DONE[action] ?? "changed"}`);
    onDone();
  };
  const group = async (name: string) => {
    await api.monitors.bulk({ action: "set_group", ids: chosen, group: name === "" ? null : name });
    toast(name === "" ? `${count} taken out of their group` : `${count} moved to ${name}`);
    setGrouping(false);
    onDone();
  };
  return (
    <div class="bulk">
      <label class="choice choice-all">
        <input ref={all} type="checkbox" checked={isAll} onChange={onToggleAll} />
        <span>{chosen.length === 0 ? "Select all on this page" : `${chosen.length} selected`}</span>
      </label>
      {chosen.length > 0 && (
        <fieldset class="bulk-actions" aria-label={`With ${count}`}>
          <Button isSmall icon="pause" onClick={() => act("pause")}>
            Pause
          </Button>
          <Button isSmall icon="play" onClick={() => act("resume")}>
            Resume
          </Button>
          <Button isSmall icon="tag" onClick={() => setGrouping(true)}>
            Set group
          </Button>
          <Button isSmall kind="danger" icon="trash" onClick={() => act("delete")}>
            Delete
          </Button>
        </fieldset>
      )}
      {isGrouping && <GroupDialog count={count} onClose={() => setGrouping(false)} onSet={group} />}
    </div>
  );
}

function deletion(count: string) {
  return {
    title: `Delete ${count}?`,
    text: <p>Their history and incidents go with them. This can't be undone.</p>,
    action: `Delete ${count}`,
    isDanger: true,
  };
}

function GroupDialog({
  count,
  onClose,
  onSet,
}: {
  count: string;
  onClose: () => void;
  onSet: (name: string) => Promise<void>;
}) {
  const [name, setName] = useState("");
  const groups = useQuery("groups", (signal) => api.system.groups(signal));
  const set = () => onSet(name.trim());
  return (
    <Dialog
      title={`Group of ${count}`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={set}>
            {name.trim() === "" ? "Take out of their group" : "Set group"}
          </Button>
        </>
      }
    >
      <TextField
        label="Group"
        help="Empty takes them out of their group."
        value={name}
        onChange={setName}
        suggestions={groups.data ?? []}
      />
    </Dialog>
  );
}
