// The frame of a page: its heading, what can be done, and sections.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface PageProps {
  title: ComponentChildren;
  /** Above the title: where this belongs. */
  crumb?: ComponentChildren;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** A page. Its heading takes the focus when it opens, so that screen readers and the keyboard begin there. */
export function Page({ title, crumb, note, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement === null) return;
    if (document.activeElement.closest("main")) return;
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      <header class="page-head">
        <div class="page-words">
          {crumb && <div class="crumb">{crumb}</div>}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {note && <div class="page-note">{note}</div>}
        </div>
        {actions && <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** A titled part of a page. */
export function Section({
  title,
  actions,
  children,
  class: look,
}: {
  title: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  const heading = useId();
  return (
    <section class={`section ${look ?? ""}`} aria-labelledby={heading}>
      <header class="section-head">
        <h2 id={heading}>{title}</h2>
        {actions && <div class="section-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** One of a list of facts. */
export function Fact({ label, class: look, children }: { label: string; class?: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{label}</dt>
      <dd class={look}>{children}</dd>
    </>
  );
}
