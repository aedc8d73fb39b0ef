// Where short messages appear, read out politely; failures at once.

import { dismiss, type Toast, toasts } from "../state/toasts";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";

/** The messages. Both regions stand from the start: a region that comes with its message is not read. */
export function Toaster() {
  const all = toasts.value;
  return (
    <div class="toasts">
      <div role="status" aria-live="polite">
        {all
          .filter((one) => one.tone !== "bad")
          .map((one) => (
            <Message key={one.id} toast={one} />
          ))}
      </div>
      <div role="alert" aria-live="assertive">
        {all
          .filter((one) => one.tone === "bad")
          .map((one) => (
            <Message key={one.id} toast={one} />
          ))}
      </div>
    </div>
  );
}

function Message({ toast }: { toast: Toast }) {
  return (
    <div class={`toast toast-${toast.tone}`}>
      {toast.tone !== "plain" && <Icon name={toast.tone === "good" ? "check" : "incidents"} />}
      <p>{toast.text}</p>
      <Button kind="quiet" isSmall icon="close" label="Dismiss this message" onClick={() => dismiss(toast.id)} />
    </div>
  );
}
