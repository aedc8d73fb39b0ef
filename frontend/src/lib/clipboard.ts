// Copying to the clipboard, also where the browser keeps its own way for pages over https.

/** Whether the text is in the clipboard now. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain http there is no navigator.clipboard, and many a dashboard is reached so in a house of its own.
    return copySelected(text);
  }
}

function copySelected(text: string): boolean {
  const before = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "sr-only";
  box.setAttribute("aria-hidden", "true");
  // Beside the button: what stands behind an open dialog can't be selected.
  (before?.parentElement ?? document.body).append(box);
  box.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    box.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
