// Whether a login can last here. The session's cookie is for HTTPS only, except on this very machine.

/** Whether the page came over plain HTTP from what isn't loopback. */
export function isPlainFromElsewhere({ protocol, hostname }: { protocol: string; hostname: string }): boolean {
  const isHere = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === "http:" && !isHere;
}
