// Whether a monitor is watched at all.

import { CheckField } from "../../ui/field";
import type { Part } from "./form";

/** The field. */
export function Enabled({ draft, set, errors, help }: Pick<Part, "draft" | "set" | "errors"> & { help: string }) {
  return (
    <CheckField
      label="Enabled"
      help={help}
      value={draft.enabled}
      onChange={(enabled) => set({ enabled })}
      error={errors.enabled}
    />
  );
}
