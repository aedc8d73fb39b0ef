// Several texts, one on each line: what may itself hold commas and spaces.

import { useState } from "preact/hooks";
import { type FieldProps, TextField } from "./field";

const MOST_ROWS = 8;

const lines = (text: string) =>
  text
    .split("\n")
    .map((one) => one.trim())
    .filter(Boolean);

/** The field. It grows with what stands in it. */
export function LinesField({
  value,
  onChange,
  help,
  ...field
}: FieldProps & { value: string[]; onChange: (value: string[]) => void; placeholder?: string | undefined }) {
  // What was typed is kept beside what it means: a line that was just begun must not vanish.
  const [text, setText] = useState(value.join("\n"));
  const shown = lines(text).join("\n") === value.join("\n") ? text : value.join("\n");
  return (
    <TextField
      {...field}
      help={help ? <>{help} One on each line.</> : "One on each line."}
      rows={Math.min(MOST_ROWS, Math.max(2, shown.split("\n").length))}
      isCode
      value={shown}
      onChange={(next) => {
        setText(next);
        onChange(lines(next));
      }}
    />
  );
}
