// Buttons that wait for what they started, and say why when they are off.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

export type ButtonKind = "plain" | "primary" | "danger" | "quiet";

let report: (error: unknown) => void = () => {};

/** Says where the failure of a button's act is told. */
export function reportFailures(to: (error: unknown) => void): void {
  report = to;
}

interface ButtonProps {
  children?: ComponentChildren;
  icon?: IconName;
  /** The words of a button that shows only an icon, or more precise ones than it shows. */
  label?: string;
  kind?: ButtonKind;
  type?: "button" | "submit";
  onClick?: () => unknown;
  /** Why it can't be used now; given, the button is off and says so. */
  refusal?: string | undefined;
  isBusy?: boolean;
  isExpanded?: boolean;
  isSmall?: boolean;
  class?: string;
}

/** A button. While a promise of `onClick` is open it is busy and takes no second click. */
export function Button(props: ButtonProps) {
  const {
    children,
    icon,
    label,
    kind = "plain",
    type = "button",
    onClick,
    refusal,
    isBusy,
    isExpanded,
    isSmall,
  } = props;
  const [isWaiting, setWaiting] = useState(false);
  const stands = useRef(true);
  const reason = useId();
  useEffect(() => {
    stands.current = true;
    return () => {
      stands.current = false;
    };
  }, []);
  const busy = isBusy || isWaiting;
  const act = async () => {
    if (busy || refusal || !onClick) return;
    const answer = onClick();
    if (!(answer instanceof Promise)) return;
    setWaiting(true);
    try {
      await answer;
    } catch (error) {
      report(error);
    } finally {
      if (stands.current) setWaiting(false);
    }
  };
  const look = ["button", `button-${kind}`, isSmall && "button-small", !children && "button-icon", props.class];
  return (
    <>
      <button
        type={refusal ? "button" : type}
        class={look.filter(Boolean).join(" ")}
        onClick={act}
        aria-label={label}
        title={refusal ?? (children ? undefined : label)}
        aria-disabled={refusal ? "true" : undefined}
        aria-describedby={refusal ? reason : undefined}
        aria-pressed={isExpanded}
        aria-busy={busy ? "true" : undefined}
      >
        {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
        {children && <span>{children}</span>}
      </button>
      {refusal && (
        <span id={reason} class="sr-only">
          {refusal}
        </span>
      )}
    </>
  );
}

/** A link that looks like a button; `href` is relative to the document's base. */
export function LinkButton(props: {
  href: string;
  children: ComponentChildren;
  icon?: IconName;
  kind?: ButtonKind;
  refusal?: string | undefined;
}) {
  const { href, children, icon, kind = "plain", refusal } = props;
  if (refusal)
    return (
      <Button icon={icon ?? "right"} kind={kind} refusal={refusal}>
        {children}
      </Button>
    );
  return (
    <a class={`button button-${kind}`} href={href}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </a>
  );
}
