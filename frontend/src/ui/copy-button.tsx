// A button that copies a text and says that it did, to the eye and to the ear.

import { useEffect, useState } from "preact/hooks";
import { copyText } from "../lib/clipboard";
import { Button } from "./button";

const TOLD_MS = 2500;

type State = "idle" | "copied" | "refused";
const WORDS: Record<State, string> = { idle: "Copy", copied: "Copied", refused: "Could not copy" };

/** `what` ends the button's name: `Copy` and `the URL`. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<State>("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), TOLD_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => setState((await copyText(text)) ? "copied" : "refused");
  return (
    <>
      <Button
        isSmall
        icon={state === "copied" ? "check" : state === "refused" ? "close" : "copy"}
        label={`${WORDS[state]} ${what}`}
        onClick={copy}
      >
        {WORDS[state]}
      </Button>
      <span class="sr-only" role="status">
        {state === "copied" && `Copied ${what}.`}
        {state === "refused" && "The browser refused to copy: select the text and copy it by hand."}
      </span>
    </>
  );
}
