// The way in: an API key, exchanged for a session. The address stays, so the person lands where they wanted to be.

import { useEffect, useState } from "preact/hooks";
import { ApiError, tell } from "../../api/client";
import { formatSpan } from "../../lib/format";
import { pageTitle } from "../../state/overview";
import { logIn } from "../../state/session";
import { Brand } from "../../ui/brand";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { isPlainFromElsewhere } from "./plain";

function words(error: unknown): string {
  if (!(error instanceof ApiError)) return tell(error);
  if (error.status === 401) return "Asura does not know this key.";
  if (error.status === 429) {
    const wait = error.retryAfter ? ` Try again in ${formatSpan(error.retryAfter)}.` : " Wait a little and try again.";
    return `Too many attempts.${wait}`;
  }
  return error.message;
}

function PlainHttp({ hostname, port }: { hostname: string; port: string }) {
  return (
    <div class="notice" role="note">
      <span>
        This page came over plain HTTP, and a browser keeps a login of another machine over HTTPS only: you would be
        logged out at once. Open Asura over HTTPS (a proxy with TLS, or <code>server.tls_cert</code>), or through an SSH
        tunnel: <code>{`ssh -L 8090:localhost:${port || "80"} ${hostname}`}</code>, then{" "}
        <code>http://localhost:8090</code>.
      </span>
    </div>
  );
}

/** The login page. */
export function LoginPage({ hasExpired }: { hasExpired: boolean }) {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | undefined>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const before = pageTitle.peek();
    pageTitle.value = "Log in";
    document.querySelector<HTMLInputElement>("#login input")?.focus();
    return () => {
      pageTitle.value = before;
    };
  }, []);
  const submit = async () => {
    if (isBusy) return;
    if (key.trim() === "") {
      setProblem("Enter an API key.");
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      await logIn(key.trim());
    } catch (error) {
      setProblem(words(error));
      setBusy(false);
      document.querySelector<HTMLInputElement>("#login input")?.focus();
    }
  };
  return (
    <main class="gate">
      <h1>
        <Brand />
        <span class="sr-only">: log in</span>
      </h1>
      <form
        id="login"
        class="card gate-card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {hasExpired && (
          <p class="notice" role="status">
            Your session has ended. Log in to go on where you were.
          </p>
        )}
        {isPlainFromElsewhere(window.location) && <PlainHttp {...window.location} />}
        <TextField
          label="API key"
          type="password"
          isCode
          value={key}
          onChange={setKey}
          placeholder="ak_…"
          autoComplete="current-password"
          error={problem}
        />
        <div class="sr-only" role="alert">
          {problem}
        </div>
        <Button type="submit" kind="primary" isBusy={isBusy} class="button-wide">
          Log in
        </Button>
        <p class="field-help">
          On its first start Asura prints an admin key, once. To make another one, run <code>asura setup</code> and add
          its hash to the configuration.
        </p>
      </form>
    </main>
  );
}
