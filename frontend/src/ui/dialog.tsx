// Dialogs: the browser's own <dialog>, which keeps focus inside and gives it back.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "./button";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  isWide?: boolean;
}

const areHeld = signal(false);

/** Takes open dialogs away, and brings them back with what was typed. A question is answered with no. */
export function holdDialogs(isHeld: boolean): void {
  if (isHeld) asked.peek()?.answer(false);
  areHeld.value = isHeld;
}

/** A modal dialog, open as long as it is rendered. Escape and the cross call `onClose`. */
export function Dialog({ title, onClose, children, footer, isWide }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const before = useRef<Element | null>(null);
  useLayoutEffect(() => {
    before.current = document.activeElement;
    return () => {
      if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus();
    };
  }, []);
  const isHeld = areHeld.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a state held as a signal's value is one all the same.
  useLayoutEffect(() => {
    const dialog = box.current;
    keepGutter();
    if (!isHeld) dialog?.showModal();
    return () => dialog?.close();
  }, [isHeld]);
  return (
    <dialog
      ref={box}
      class={isWide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={heading}>{title}</h2>
        <Button kind="quiet" icon="close" label="Close" onClick={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
      {footer && <footer class="dialog-foot">{footer}</footer>}
    </dialog>
  );
}

// Behind a dialog the page doesn't scroll, and must not become wider by the scroll bar that it loses.
function keepGutter(): void {
  const root = document.documentElement;
  if (document.querySelector("dialog[open]")) return;
  root.style.setProperty("--gutter", `${window.innerWidth - root.clientWidth}px`);
}

export interface Question {
  title: string;
  text: ComponentChildren;
  /** The word on the button that does it. */
  action: string;
  isDanger?: boolean;
}

const asked = signal<(Question & { answer: (yes: boolean) => void }) | null>(null);

/** Asks a yes-or-no question; false when it is dismissed. */
export function confirm(question: Question): Promise<boolean> {
  asked.peek()?.answer(false);
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = null;
        resolve(yes);
      },
    };
  });
}

/** Where `confirm` asks; rendered once. */
export function ConfirmHost() {
  const question = asked.value;
  if (!question) return null;
  return (
    <Dialog
      title={question.title}
      onClose={() => question.answer(false)}
      footer={
        <>
          <Button onClick={() => question.answer(false)}>Cancel</Button>
          <Button kind={question.isDanger ? "danger" : "primary"} onClick={() => question.answer(true)}>
            {question.action}
          </Button>
        </>
      }
    >
      {question.text}
    </Dialog>
  );
}
