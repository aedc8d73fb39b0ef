// The Markdown that descriptions use, as elements: text can never become markup of its own.
// Paragraphs, headings, lists, code, bold, italics and http(s) links; anything else stays the text it is.

import type { ComponentChildren, JSX } from "preact";

const INLINE =
  /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\n]+)\*|_([^_\n]+)_|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"')]+)/g;

function inline(text: string): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    out.push(text.slice(end, found.index));
    end = found.index + found[0].length;
    const [, code, bold, star, under, label, href, bare] = found;
    if (code) out.push(<code>{code}</code>);
    else if (bold) out.push(<strong>{bold}</strong>);
    else if (star || under) out.push(<em>{star || under}</em>);
    else out.push(link(href ?? bare ?? "", label ?? bare ?? ""));
  }
  out.push(text.slice(end));
  return out;
}

function link(href: string, text: string): JSX.Element {
  return (
    <a href={href} rel="noreferrer nofollow noopener" target="_blank">
      {text}
    </a>
  );
}

function lines(text: string[]): ComponentChildren[] {
  return text.flatMap((line, index) => (index === 0 ? inline(line) : [<br key={index} />, ...inline(line)]));
}

function block(text: string): JSX.Element {
  const rows = text.split("\n");
  const first = rows[0] ?? "";
  if (first.startsWith("```"))
    return <pre>{rows.slice(1, rows.at(-1)?.startsWith("```") ? -1 : undefined).join("\n")}</pre>;
  if (/^#{1,6} /.test(first) && rows.length === 1)
    return (
      <p>
        <strong>{inline(first.replace(/^#+ /, ""))}</strong>
      </p>
    );
  if (rows.every((row) => /^[-*] /.test(row)))
    return (
      <ul>
        {rows.map((row) => (
          <li key={row}>{inline(row.slice(2))}</li>
        ))}
      </ul>
    );
  if (rows.every((row) => /^\d+[.)] /.test(row)))
    return (
      <ol>
        {rows.map((row) => (
          <li key={row}>{inline(row.replace(/^\d+[.)] /, ""))}</li>
        ))}
      </ol>
    );
  return <p>{lines(rows)}</p>;
}

function blocks(text: string): string[] {
  const out: string[] = [];
  let open: string[] = [];
  let isCode = false;
  const close = () => {
    if (open.length > 0) out.push(open.join("\n"));
    open = [];
  };
  for (const row of text.replaceAll("\r\n", "\n").split("\n")) {
    if (row.startsWith("```")) {
      if (!isCode) close();
      open.push(row);
      if (isCode) close();
      isCode = !isCode;
    } else if (row.trim() === "" && !isCode) close();
    else open.push(row);
  }
  close();
  return out;
}

/** Renders a description. */
export function Markdown({ text }: { text: string }) {
  return (
    <div class="markdown">
      {blocks(text).map((one, index) => (
        <div key={index}>{block(one)}</div>
      ))}
    </div>
  );
}
