// The page that belongs to the address, loaded when it is first needed.

import { useErrorBoundary, useLayoutEffect, useState } from "preact/hooks";
import { place } from "../lib/router";
import { type Found, findRoute, type PageComponent } from "../routes";
import { pageTitle } from "../state/overview";
import { Button, LinkButton } from "../ui/button";
import { Page } from "../ui/page";
import { Empty, Skeleton } from "../ui/states";

const loaded = new Map<string, PageComponent>();

/** Renders the page at the address. */
export function Outlet() {
  const path = place.value.path;
  const found = findRoute(path);
  const title = found?.route.title ?? "Not found";
  useLayoutEffect(() => {
    pageTitle.value = title;
  }, [title]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top.
  useLayoutEffect(() => window.scrollTo(0, 0), [path]);
  return found ? <Fetched key={path} found={found} /> : <NotFound />;
}

function Fetched({ found: { route, params } }: { found: Found }) {
  const [Shown, setShown] = useState<PageComponent | undefined>(() => loaded.get(route.pattern));
  const [problem, setProblem] = useState<Error | null>(null);
  const [crash] = useErrorBoundary((error) => console.error(error));

  useLayoutEffect(() => {
    if (loaded.has(route.pattern)) return;
    let isWanted = true;
    route
      .load()
      .then((module) => {
        loaded.set(route.pattern, module.default);
        if (isWanted) setShown(() => module.default);
      })
      .catch((error: unknown) => {
        if (isWanted) setProblem(error instanceof Error ? error : new Error(String(error)));
      });
    return () => {
      isWanted = false;
    };
  }, [route]);

  if (crash) return <Broken text="This page has failed. That is a fault of Asura; the console says more." />;
  if (problem) {
    return <Broken text="This page could not be fetched. Asura may have been updated, or can't be reached." />;
  }
  if (Shown) return <Shown params={params} />;
  return (
    <Page title={route.title}>
      <Skeleton rows={6} />
    </Page>
  );
}

function NotFound() {
  return (
    <Page title="Not found">
      <Empty
        icon="search"
        title="There is no page at this address."
        action={<LinkButton href="./">To the overview</LinkButton>}
      />
    </Page>
  );
}

function Broken({ text }: { text: string }) {
  return (
    <Page title="Something went wrong">
      <div class="failure" role="alert">
        <p>{text}</p>
        <Button icon="refresh" onClick={() => window.location.reload()}>
          Load again
        </Button>
      </div>
    </Page>
  );
}
