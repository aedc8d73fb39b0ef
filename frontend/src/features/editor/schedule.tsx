// A cron schedule with its time zone, and at once what the daemon makes of it: in words, and the next times.

import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import * as api from "../../api/endpoints";
import type { ScheduleTimes, Settings } from "../../api/types";
import { formatInZone } from "../../lib/format";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";

const TYPING_MS = 350;
const SHOWN = 5;

interface Props {
  schedule: string;
  timezone: string;
  onChange: (settings: Settings) => void;
  errors: Record<string, string>;
}

/** Both fields and what they mean. */
export function ScheduleFields({ schedule, timezone, onChange, errors }: Props) {
  const { told, problem, again } = useMeaning(schedule, timezone);
  const wrong = problem instanceof ApiError ? problem.fields : {};
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <div class="form-row">
        <TextField
          label="Cron schedule"
          help="As in crontab: minute, hour, day of the month, month, day of the week."
          isCode
          isRequired
          placeholder="0 3 * * *"
          value={schedule}
          onChange={(text) => onChange({ schedule: text })}
          error={wrong.schedule ?? errors["settings.schedule"]}
        />
        <div class="stacked">
          <TextField
            label="Time zone"
            help="The one that the job's machine has."
            isCode
            value={timezone}
            suggestions={zones()}
            onChange={(text) => onChange({ timezone: text })}
            error={wrong.timezone ?? errors["settings.timezone"]}
          />
          {here && here !== timezone && (
            <span>
              <Button isSmall kind="quiet" onClick={() => onChange({ timezone: here })}>
                Use {here}, as here
              </Button>
            </span>
          )}
        </div>
      </div>
      <div class="schedule-told" aria-live="polite">
        {told && <Told told={told} timezone={timezone} here={here} />}
        {problem && Object.keys(wrong).length === 0 && (
          <p class="muted">
            The next times can't be shown now: {problem.message}{" "}
            <Button isSmall kind="quiet" icon="refresh" onClick={again}>
              Try again
            </Button>
          </p>
        )}
        {!told && !problem && <p class="muted">{schedule.trim() ? "Reading the schedule…" : ""}</p>}
      </div>
    </>
  );
}

function Told({ told, timezone, here }: { told: ScheduleTimes; timezone: string; here: string }) {
  return (
    <>
      <p>
        <strong>{told.in_words}</strong> <span class="muted">({timezone})</span>
      </p>
      {told.times.length > 0 && <p class="field-help">The next times:</p>}
      <ol class="schedule-times">
        {told.times.map((at) => (
          <li key={at}>
            {formatInZone(at, timezone)}
            {here !== timezone && <span class="muted"> · {formatInZone(at, here)} here</span>}
          </li>
        ))}
      </ol>
    </>
  );
}

function zones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
}

interface Meaning {
  told: ScheduleTimes | null;
  problem: Error | null;
}

// Asked once the typing pauses; what was said of an earlier text goes as soon as another one stands there.
function useMeaning(schedule: string, timezone: string): Meaning & { again: () => void } {
  const [meaning, setMeaning] = useState<Meaning>({ told: null, problem: null });
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` is the request to try again.
  useEffect(() => {
    setMeaning({ told: null, problem: null });
    if (schedule.trim() === "") return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      api.system
        .schedule({ schedule, timezone, count: SHOWN }, abort.signal)
        .then((told) => setMeaning({ told, problem: null }))
        .catch((error: unknown) => {
          if (abort.signal.aborted) return;
          setMeaning({ told: null, problem: error instanceof Error ? error : new Error(String(error)) });
        });
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [schedule, timezone, turn]);
  return { ...meaning, again: () => setTurn(turn + 1) };
}
