// What stands around every page: navigation, messages, dialogs; and the login in the place of all that.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { LoginPage } from "../features/login/page";
import { navigate, place } from "../lib/router";
import { prefetchPages } from "../routes";
import { startLive } from "../state/live";
import { session, standing, startSession } from "../state/session";
import { Brand } from "../ui/brand";
import { ConfirmHost, holdDialogs } from "../ui/dialog";
import { Failure } from "../ui/states";
import { Help, useGlobalKeys } from "./help";
import { Navigation } from "./navigation";
import { Outlet } from "./outlet";
import { Toaster } from "./toaster";

/** The dashboard. */
export function App() {
  const now = standing.value;
  return (
    <>
      {session.value && <Inside key={session.value.name} isHeld={now.kind !== "in"} />}
      {now.kind === "out" && <LoginPage hasExpired={now.hasExpired} />}
      {now.kind === "unknown" && <p class="sr-only">Loading…</p>}
      {now.kind === "broken" && (
        <main class="gate">
          <Brand />
          <Failure error={now.error} onRetry={() => startSession()} />
        </main>
      )}
      <Toaster />
    </>
  );
}

// When the session ends by itself, the page waits behind the login with what was typed in it.
function Inside({ isHeld }: { isHeld: boolean }) {
  const focused = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (!isHeld) return;
    focused.current = document.activeElement;
    holdDialogs(true);
    return () => {
      holdDialogs(false);
      const last = focused.current;
      // After the attributes are gone: nothing in an inert page takes the focus.
      setTimeout(() => last instanceof HTMLElement && last.isConnected && last.focus(), 0);
    };
  }, [isHeld]);
  useEffect(() => (isHeld ? undefined : startLive()), [isHeld]);
  useEffect(() => prefetchPages(), []);
  useGlobalKeys();
  const path = place.value.path;
  useEffect(() => {
    if (path === "/login") void navigate("/", { replace: true });
  }, [path]);
  return (
    <div hidden={isHeld} inert={isHeld}>
      {/* biome-ignore lint/a11y/useValidAnchor: with <base>, a bare fragment would leave the page. */}
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        Skip to the content
      </a>
      <div class="frame">
        <Navigation />
        <main id="content" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Help />
      <ConfirmHost />
    </div>
  );
}
