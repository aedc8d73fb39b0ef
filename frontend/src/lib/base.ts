// Where the dashboard stands. The daemon writes its base_path into <base href>, so this is read, never guessed.

const basePath = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");

/** The absolute path of something under the daemon's base path; `path` begins with a slash. */
export function under(path: string): string {
  return basePath + path.replace(/^\//, "");
}

/** The path inside the dashboard for a pathname of the browser, or null when it lies outside. */
export function inside(pathname: string): string | null {
  if (pathname === basePath.slice(0, -1)) return "/";
  return pathname.startsWith(basePath) ? `/${pathname.slice(basePath.length)}` : null;
}
