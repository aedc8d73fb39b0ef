-- Heartbeats: tokens, deadlines, runs and pings

CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id INTEGER NOT NULL UNIQUE REFERENCES monitor (id) ON DELETE CASCADE,
    token TEXT NOT NULL UNIQUE,
    old_token TEXT UNIQUE,                    -- the one before a rotation that was asked to keep it
    old_token_until INTEGER,
    grace INTEGER NOT NULL,                   -- seconds
    status TEXT NOT NULL,                     -- pending, up, down
    last_ping_at INTEGER,
    last_duration_ms INTEGER,
    due_at INTEGER,                           -- when the next ping is expected
    deadline_at INTEGER,                      -- the earliest instant beyond which it is down: by schedule or by a run
    excused_until INTEGER,                    -- silence before this is not held against the job
    ping_count INTEGER NOT NULL
) STRICT;
CREATE INDEX heartbeat_deadline ON heartbeat (deadline_at) WHERE deadline_at IS NOT NULL;

-- Runs that have started and not ended.
CREATE TABLE heartbeat_run (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    rid TEXT NOT NULL,                        -- empty: the one that named no run
    started_at INTEGER NOT NULL,
    deadline_at INTEGER,                      -- NULL: its end is not waited for (any more)
    PRIMARY KEY (monitor_id, rid)
) STRICT, WITHOUT ROWID;

CREATE TABLE ping (
    monitor_id INTEGER NOT NULL,
    number INTEGER NOT NULL,                  -- counts the monitor's pings: heartbeat.ping_count when it was stored
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,                    -- 0 success, 1 start, 2 fail, 3 log, 4 ignored
    exit_status INTEGER,
    rid TEXT,
    duration_ms INTEGER,
    method TEXT NOT NULL,
    remote_addr TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    PRIMARY KEY (monitor_id, number)
) STRICT, WITHOUT ROWID;

-- Apart, so that a list of pings doesn't wade through their texts.
CREATE TABLE ping_body (
    monitor_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    is_cut INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, number)
) STRICT;

-- When this daemon last knew that it could be reached: what was missed while it could not is not held against a job.
CREATE TABLE pulse (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    beat_at INTEGER NOT NULL
) STRICT;
