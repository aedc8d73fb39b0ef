// Lines that report to a heartbeat, ready to be pasted where a job runs. Pure.

import { inCrontab, inKubernetes, type Plan } from "./crontab";

/** What the lines need to know of a monitor. */
export interface Job extends Plan {
  url: string;
  name: string;
  timezone: string;
}

export interface Snippet {
  title: string;
  code: string;
  /** What must be known to use it; may be empty. */
  note?: string;
}

export interface Way {
  value: string;
  label: string;
  snippets: Snippet[];
}

// -f: an error page is no success. -m and --retry: a job neither hangs with Asura nor loses its report while Asura is
// restarted, which refuses connections for a moment.
const CURL = "curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null";
// A start is worth less than the job's own time.
const CURL_START = CURL.replace("--retry 5", "--retry 1");
// As much of a body as is kept; the end of an output says most.
const TAIL = "tail -c 100000";

const ONLY_SUCCESS = "Only that it succeeded";
const WHOLE_RUN = "Start, exit status and output";

/** The lines, by where the job runs. */
export function waysFor(job: Job): Way[] {
  return [
    { value: "shell", label: "Shell", snippets: shell(job) },
    { value: "cron", label: "cron", snippets: cron(job) },
    { value: "systemd", label: "systemd", snippets: systemd(job) },
    { value: "kubernetes", label: "Kubernetes", snippets: kubernetes(job) },
    { value: "python", label: "Python", snippets: python(job) },
    { value: "powershell", label: "PowerShell", snippets: powershell(job) },
  ];
}

/** Lines of sh around a job; `url` and `rid` name the variables that hold these. */
function reporting(url: string, rid: string): string[] {
  return [
    `report() { ${CURL} "$@"; }`,
    `report --retry 1 "$${url}/start?rid=$${rid}"`,
    "output=$(/path/to/job 2>&1)",
    "status=$?",
    // Cron would mail the empty line of a job that says nothing.
    `[ -z "$output" ] || printf '%s\\n' "$output"`,
    `printf '%s' "$output" | ${TAIL} | report --data-binary @- "$${url}/$status?rid=$${rid}"`,
    'exit "$status"',
  ];
}

function shell({ url }: Job): Snippet[] {
  return [
    { title: ONLY_SUCCESS, code: `/path/to/job && ${CURL} '${url}'` },
    {
      title: WHOLE_RUN,
      code: `#!/bin/sh
url='${url}'
rid="$(date +%s)-$$"
${reporting("url", "rid").join("\n")}`,
    },
  ];
}

function cron(job: Job): Snippet[] {
  // crontab(5): a bare percent sign ends the command.
  const target = job.url.replaceAll("%", "\\%");
  const { fields, note } = inCrontab(job);
  const zone = job.schedule && job.timezone !== "UTC" ? `The machine's time zone must be ${job.timezone}.` : "";
  return [
    {
      title: ONLY_SUCCESS,
      code: `${fields} /path/to/job && ${CURL} '${target}'`,
      note: sentences(note, zone),
    },
    {
      title: WHOLE_RUN,
      // tr gives the percent sign of printf's format: written out, it would need a backslash in a crontab and none
      // elsewhere. A job that says nothing must print nothing, or cron would mail an empty line.
      code:
        `${fields} r=$$; ${CURL_START} "${target}/start?rid=$r"; o=$(/path/to/job 2>&1); s=$?; ` +
        `f=$(echo p | tr p '\\045')s; [ -z "$o" ] || printf "$f\\n" "$o"; ` +
        `printf "$f" "$o" | ${TAIL} | ${CURL} --data-binary @- "${target}/$s?rid=$r"; exit $s`,
      note: sentences(note, "One line. A percent sign of your own is written \\% in a crontab.", zone),
    },
  ];
}

const sentences = (...parts: string[]) => parts.filter(Boolean).join(" ");

/** A name for a unit or a manifest: `nightly-backup`. */
export function unitName(name: string): string {
  const words = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "");
  return words || "job";
}

function systemd({ url, name }: Job): Snippet[] {
  const unit = unitName(name);
  // systemd.unit(5): %% is a percent sign, and systemd.service(5): $$ is a dollar sign.
  const target = url.replaceAll("%", "%%");
  return [
    {
      title: ONLY_SUCCESS,
      code: `# /etc/systemd/system/${unit}.service
[Service]
Type=oneshot
ExecStart=/path/to/job
ExecStartPost=-/usr/bin/${CURL} "${target}"`,
    },
    {
      title: "Start, exit status and result",
      code: `# /etc/systemd/system/${unit}.service
[Service]
Type=oneshot
ExecStartPre=-/usr/bin/${CURL_START} "${target}/start?rid=\${INVOCATION_ID}"
ExecStart=/path/to/job
ExecStopPost=-/bin/sh -c 'end=fail; \\
  [ "$$EXIT_CODE" = exited ] && end=$$EXIT_STATUS; \\
  [ "$$SERVICE_RESULT" = success ] && end=0; \\
  ${CURL} -d "systemd: $$SERVICE_RESULT" "${target}/$$end?rid=$$INVOCATION_ID"'`,
      note: "A job that systemd kills, such as at a time-out, is reported as failed too.",
    },
  ];
}

function kubernetes(job: Job): Snippet[] {
  const { url, name, schedule, timezone } = job;
  const unit = unitName(name);
  const { fields, note } = inKubernetes(job);
  return [
    {
      title: "Start, exit status and output",
      code: `apiVersion: batch/v1
kind: CronJob
metadata:
  name: ${unit}
spec:
  schedule: "${fields}"
  timeZone: "${schedule ? timezone : "UTC"}"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: job
              image: your/image
              env:
                - name: PING_URL
                  value: "${url}"
              command: ["/bin/sh", "-c"]
              args:
                - |
                  ${reporting("PING_URL", "HOSTNAME").join(`\n${" ".repeat(18)}`)}`,
      note: sentences(
        note,
        "The image needs sh and curl. Whoever may read the CronJob may ping: a Secret keeps the URL to fewer.",
      ),
    },
  ];
}

function python({ url }: Job): Snippet[] {
  const report = `URL = "${url}"
RID = str(uuid.uuid4())


def report(end="", body=b""):
    for pause in (0, 1, 2, 4, 8):
        time.sleep(pause)
        try:
            urllib.request.urlopen(f"{URL}{end}?rid={RID}", data=body[-100_000:], timeout=10).close()
            return
        except OSError as problem:
            print(f"Asura could not be told: {problem}", file=sys.stderr)`;
  return [
    {
      title: "Around a function",
      code: `import sys, time, traceback, urllib.request, uuid

${report}


def job():
    ...  # what is to be done


report("/start")
try:
    job()
except SystemExit as end:
    if end.code is None or isinstance(end.code, int):
        report(f"/{(end.code or 0) & 255}")
    else:
        report("/fail", str(end.code).encode(errors="replace"))
    raise
except BaseException:
    report("/fail", traceback.format_exc().encode(errors="replace"))
    raise
report()`,
      note: "Python 3.6 or later, and nothing besides.",
    },
    {
      title: "Around a command",
      code: `import subprocess, sys, time, urllib.request, uuid

${report}


report("/start")
try:
    job = subprocess.run(["/path/to/job"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    status, output = job.returncode, job.stdout
except OSError as problem:
    # It can't be run. A shell has the same status for that.
    status, output = 127, f"{problem}\\n".encode(errors="replace")
sys.stdout.buffer.write(output)
# A job that a signal ended has a negative status.
report(f"/{status}" if status >= 0 else "/fail", output)
sys.exit(status)`,
    },
  ];
}

function powershell({ url }: Job): Snippet[] {
  return [
    {
      title: ONLY_SUCCESS,
      code: `& 'C:\\path\\to\\job.exe'
if ($LASTEXITCODE -eq 0) { Invoke-RestMethod -TimeoutSec 10 -Uri '${url}' | Out-Null }`,
    },
    {
      title: WHOLE_RUN,
      code: `$url = '${url}'
$rid = [guid]::NewGuid()

function Send-Report($end, $body = '') {
    foreach ($pause in 0, 1, 2, 4, 8) {
        Start-Sleep -Seconds $pause
        try {
            $bytes = [Text.Encoding]::UTF8.GetBytes($body)
            Invoke-RestMethod -Method Post -TimeoutSec 10 -Uri "\${url}\${end}?rid=\${rid}" -Body $bytes | Out-Null
            return
        } catch { Write-Warning "Asura could not be told: $_" }
    }
}

Send-Report '/start'
$output = & 'C:\\path\\to\\job.exe' 2>&1 | Out-String
$status = $LASTEXITCODE
Write-Output $output
# Windows knows exit codes beyond 0 to 255.
$end = if ($status -ge 0 -and $status -le 255) { "/$status" } else { '/fail' }
Send-Report $end $output
exit $status`,
      note: "Windows PowerShell 5.1 or PowerShell 7.",
    },
  ];
}
