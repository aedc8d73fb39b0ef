// What this browser remembers. A browser that forbids it forgets, and nothing else goes wrong.

const PREFIX = "asura.";

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Private windows and full disks: the choice lasts as long as the page.
  }
}
