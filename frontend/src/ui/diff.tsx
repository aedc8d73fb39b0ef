// A unified diff that can be read by eye and by ear: a sign, a word for screen readers, and only then a colour.

interface Line {
  kind: "added" | "removed" | "same" | "hunk" | "note";
  text: string;
}

const KINDS: Record<string, Line["kind"]> = { "+": "added", "-": "removed", "@": "hunk", "\\": "note" };
const WORDS: Partial<Record<Line["kind"], string>> = { added: "added: ", removed: "removed: " };
const SIGNS: Record<Line["kind"], string> = { added: "+", removed: "−", same: " ", hunk: "", note: "" };

/** The lines of a diff's hunks. */
export function readDiff(diff: string): Line[] {
  return diff
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const kind = KINDS[line.charAt(0)] ?? "same";
      if (kind === "hunk") return { kind, text: hunkWords(line) };
      return { kind, text: kind === "note" ? line.slice(1).trim() : line.slice(1) };
    });
}

// `@@ -3,7 +3,8 @@` as a person says it.
function hunkWords(line: string): string {
  const start = /^@@ -(\d+)(?:,(\d+))? \+(\d+)/.exec(line);
  return start ? `Line ${start[3] === "0" ? start[1] : start[3]}` : line;
}

/** The diff. It scrolls sideways by itself, by the keyboard too. */
export function Diff({ diff, label }: { diff: string; label: string }) {
  const lines = readDiff(diff);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="diff" tabIndex={0} aria-label={label}>
      <div class="diff-lines">
        {lines.map((line, index) => (
          <div key={index} class={`diff-line diff-${line.kind}`}>
            <span class="diff-sign" aria-hidden="true">
              {SIGNS[line.kind]}
            </span>
            <span class="diff-text">
              {WORDS[line.kind] && <span class="sr-only">{WORDS[line.kind]}</span>}
              {line.text}
            </span>
          </div>
        ))}
      </div>
    </section>
  );
}
