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
  const { told, problem, isOld, again } = useMeaning(schedule, timezone);
  // What is read out without a fault needs no word of the last time it was sent.
  const wrong = problem instanceof ApiError ? problem.fields : {};
  const sent = told && !isOld ? {} : errors;
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
          error={wrong.schedule ?? sent["settings.schedule"]}
        />
        <div class="stacked">
          <TextField
            label="Time zone"
            help="The one that the job's machine has."
            isCode
            value={timezone}
            suggestions={zones()}
            onChange={(text) => onChange({ timezone: text })}
            error={wrong.timezone ?? sent["settings.timezone"]}
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
      <div class={isOld ? "schedule-told schedule-old" : "schedule-told"} aria-live="polite">
        {told && <NextTimes told={told} here={here} />}
        {problem && Object.keys(wrong).length === 0 && (
          <p class="muted">
            The next times can't be shown now: {problem.message}{" "}
            <Button isSmall kind="quiet" icon="refresh" onClick={again}>
              Try again
            </Button>
          </p>
        )}
        {isOld && !told && !problem && <p class="muted">Reading the schedule…</p>}
      </div>
    </>
  );
}

function NextTimes({ told: { times, in_words, timezone }, here }: { told: Told; here: string }) {
  return (
    <>
      <p>
        <strong>{in_words}</strong> <span class="muted">({timezone})</span>
      </p>
      {times.length > 0 && <p class="field-help">The next times:</p>}
      <ol class="schedule-times">
        {times.map((at) => (
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

/** With the zone that was asked for, which may have been edited since. */
type Told = ScheduleTimes & { timezone: string };

interface Meaning {
  told: Told | null;
  problem: Error | null;
  /** It was said of an earlier text; another answer is on its way. */
  isOld: boolean;
}

const NOTHING: Meaning = { told: null, problem: null, isOld: false };

// Asked once the typing pauses. Until the answer comes the last one stays, so that nothing jumps under the eye.
function useMeaning(schedule: string, timezone: string): Meaning & { again: () => void } {
  const [meaning, setMeaning] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` is the request to try again.
  useEffect(() => {
    if (schedule.trim() === "") return setMeaning(NOTHING);
    setMeaning((old) => ({ ...old, isOld: true }));
    const abort = new AbortController();
    const timer = setTimeout(() => {
      api.system
        .schedule({ schedule, timezone, count: SHOWN }, abort.signal)
        .then((times) => setMeaning({ told: { ...times, timezone }, problem: null, isOld: false }))
        .catch((error: unknown) => {
          if (abort.signal.aborted) return;
          setMeaning({ ...NOTHING, problem: error instanceof Error ? error : new Error(String(error)) });
        });
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [schedule, timezone, turn]);
  return { ...meaning, again: () => setTurn(turn + 1) };
}
