// From where a ping URL can be reached. Pure.

const LOCAL = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0|\[::\])$/;

/** Whether a URL leads to the machine that it is used on, as the one does that is made from a listening address. */
export function isLocalOnly(url: string): boolean {
  // What has no host at all, such as http://:8080, leads nowhere else either.
  return !URL.canParse(url) || LOCAL.test(new URL(url).hostname);
}
