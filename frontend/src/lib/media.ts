// Whether the window fits a media query, as a value that follows it.

import { useEffect, useState } from "preact/hooks";

/** True while `query` holds. For what CSS can't do: the order of the document. */
export function useMedia(query: string): boolean {
  const [fits, setFits] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const list = window.matchMedia(query);
    const follow = () => setFits(list.matches);
    follow();
    list.addEventListener("change", follow);
    return () => list.removeEventListener("change", follow);
  }, [query]);
  return fits;
}
