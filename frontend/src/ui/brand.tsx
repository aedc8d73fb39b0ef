// The mark of the program.

/** The name and the mark. */
export function Brand() {
  return (
    <span class="brand">
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect class="brand-box" width="32" height="32" rx="8" />
        <path class="brand-line" d="M5 17h6l3-8 5 14 3-6h5" />
      </svg>
      Asura
    </span>
  );
}
