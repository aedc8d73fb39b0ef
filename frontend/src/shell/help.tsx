// The keyboard: what works everywhere, and the dialog that lists what works here.

import { signal } from "@preact/signals";
import { areKeysOn, shortcuts, useShortcuts } from "../lib/keys";
import { navigate } from "../lib/router";
import { may } from "../state/session";
import { Dialog } from "../ui/dialog";

export const isHelpOpen = signal(false);

function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field) field.focus();
  else void navigate("/monitors").then(() => waitForSearch(20));
}

// The page with the search may still be on its way.
function waitForSearch(tries: number): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field) field.focus();
  else if (tries > 0) setTimeout(() => waitForSearch(tries - 1), 50);
}

/** The shortcuts that work on every page. */
export function useGlobalKeys(): void {
  const go = (path: string) => () => void navigate(path);
  useShortcuts([
    {
      keys: "?",
      does: "Show this list",
      act: () => {
        isHelpOpen.value = true;
      },
    },
    { keys: "/", does: "Search monitors", act: focusSearch },
    { keys: "g o", does: "Go to the overview", act: go("/") },
    { keys: "g m", does: "Go to the monitors", act: go("/monitors") },
    { keys: "g i", does: "Go to the incidents", act: go("/incidents") },
    { keys: "g n", does: "Go to the notifications", act: go("/notifications") },
    { keys: "g s", does: "Go to the settings", act: go("/settings") },
    {
      keys: "n",
      does: "New monitor",
      act: () => {
        if (may("monitors.write")) void navigate("/monitors/new");
      },
    },
  ]);
}

/** The list of shortcuts. */
export function Help() {
  if (!isHelpOpen.value) return null;
  const seen = new Map(shortcuts.value.map((one) => [one.keys, one.does]));
  return (
    <Dialog
      title="Keyboard shortcuts"
      onClose={() => {
        isHelpOpen.value = false;
      }}
    >
      {!areKeysOn.value && <p class="notice">Shortcuts are switched off in the settings.</p>}
      <dl class="keys">
        {[...seen].map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key, index) => (
                <>
                  {index > 0 && <span class="muted"> then </span>}
                  <kbd>{key}</kbd>
                </>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
