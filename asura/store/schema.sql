-- What the migrations add up to. Written by `python -m asura.store.migrate --dump`; don't edit.

PRAGMA user_version = 5;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,                     -- monitor.create, incident.ack, …
    resource_type TEXT NOT NULL,
    resource_id INTEGER,
    resource_name TEXT,
    remote_addr TEXT,
    detail TEXT                               -- JSON: what changed, secrets left out
) STRICT;
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE certificate (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,                -- 0: the target's own
    subject TEXT NOT NULL,
    names TEXT NOT NULL,                      -- JSON: array of strings
    issuer TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (monitor_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate_change (
    id INTEGER PRIMARY KEY,
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    old_fingerprint TEXT NOT NULL,
    old_issuer TEXT NOT NULL,
    old_expires_at INTEGER NOT NULL,
    new_fingerprint TEXT NOT NULL,
    new_issuer TEXT NOT NULL,
    new_expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX certificate_change_by_monitor ON certificate_change (monitor_id);
CREATE INDEX certificate_change_by_time ON certificate_change (at);

CREATE TABLE check_result (
    monitor_id INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    region_id INTEGER NOT NULL,
    status INTEGER NOT NULL,                  -- 0 up, 1 degraded, 2 down
    response_ms INTEGER,
    dns_ms INTEGER,
    connect_ms INTEGER,
    tls_ms INTEGER,
    first_byte_ms INTEGER,
    transfer_ms INTEGER,
    status_code INTEGER,
    message TEXT,                             -- NULL when there is nothing to say
    cert_expires_at INTEGER,
    detail TEXT, holds_s INTEGER,                              -- JSON of what only some types have
    PRIMARY KEY (monitor_id, checked_at, region_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE content (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    version INTEGER NOT NULL,                 -- of the rules that made `text`: asura/content/normal.py
    hash BLOB NOT NULL,                       -- of `text`
    text BLOB NOT NULL,                       -- what was found last, compressed by zlib
    seen_at INTEGER NOT NULL,                 -- when the check began that found it first
    PRIMARY KEY (monitor_id, region)
) STRICT;

CREATE TABLE content_change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    at INTEGER NOT NULL,
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    is_cut INTEGER NOT NULL,
    diff TEXT NOT NULL,
    is_told INTEGER NOT NULL                  -- content.changed was raised
) STRICT;
CREATE INDEX content_change_by_monitor ON content_change (monitor_id);
CREATE INDEX content_change_by_time ON content_change (at);

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,                 -- what the receiver sees; the same on each retry
    channel_id INTEGER NOT NULL REFERENCES notification_channel (id) ON DELETE CASCADE,
    incident_id INTEGER,
    monitor_id INTEGER,
    event TEXT NOT NULL,
    message TEXT NOT NULL,                    -- JSON: asura/model/notification.py Message
    status TEXT NOT NULL,                     -- queued, delivered, failed, dropped
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER,                  -- NULL unless queued and the first of its channel and incident
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    last_error TEXT,
    last_status_code INTEGER
) STRICT;
CREATE INDEX delivery_by_channel ON delivery (channel_id);
CREATE INDEX delivery_by_incident ON delivery (incident_id);
CREATE INDEX delivery_by_monitor ON delivery (monitor_id);
CREATE INDEX delivery_due ON delivery (channel_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_finished ON delivery (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (channel_id, incident_id) WHERE status = 'queued';

CREATE TABLE expiry (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,                    -- certificate, domain
    expires_at INTEGER NOT NULL,              -- the latest end that was seen
    told_days INTEGER,                        -- the threshold that was passed last; NULL: none yet
    PRIMARY KEY (monitor_id, subject)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE heartbeat_run (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    rid TEXT NOT NULL,                        -- empty: the one that named no run
    started_at INTEGER NOT NULL,
    deadline_at INTEGER,                      -- NULL: its end is not waited for (any more)
    PRIMARY KEY (monitor_id, rid)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    status TEXT NOT NULL,                     -- open, acknowledged, resolved
    cause TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER,
    resolved_by TEXT,
    next_reminder_at INTEGER,
    evidence TEXT NOT NULL                    -- JSON: the votes that opened it
) STRICT;
CREATE INDEX incident_by_monitor ON incident (monitor_id, started_at);
CREATE INDEX incident_by_start ON incident (started_at);
CREATE UNIQUE INDEX incident_one_open ON incident (monitor_id) WHERE resolved_at IS NULL;
CREATE INDEX incident_reminder ON incident (next_reminder_at) WHERE next_reminder_at IS NOT NULL;

CREATE TABLE incident_event (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    message TEXT NOT NULL,
    actor TEXT,
    detail TEXT                               -- JSON
) STRICT;
CREATE INDEX incident_event_by_incident ON incident_event (incident_id, id);

CREATE TABLE latency (
    monitor_id INTEGER NOT NULL,
    span_s INTEGER NOT NULL,                  -- 3600 or 86400
    start_at INTEGER NOT NULL,                -- UTC, a multiple of the span
    region_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,                  -- asura/sketch.py
    count INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, span_s, start_at, region_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE monitor (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    interval_s INTEGER NOT NULL,
    timeout_s INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    public INTEGER NOT NULL,
    tags TEXT NOT NULL,                       -- JSON: array of strings
    group_name TEXT,
    settings TEXT NOT NULL,                   -- JSON: object, secrets included
    assertions TEXT NOT NULL,                 -- JSON: array or tree
    track_changes INTEGER NOT NULL,
    failure_threshold INTEGER NOT NULL,
    success_threshold INTEGER NOT NULL,
    resend_interval_s INTEGER NOT NULL,
    upside_down INTEGER NOT NULL,
    notification_channel_ids TEXT NOT NULL,   -- JSON: array of ids
    escalation_policy_id INTEGER,
    depends_on TEXT NOT NULL,                 -- JSON: array of ids
    regions TEXT NOT NULL,                    -- JSON: array of strings
    config_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX monitor_depends_on ON monitor (depends_on) WHERE depends_on != '[]';
CREATE INDEX monitor_group ON monitor (group_name);

CREATE TABLE monitor_state (
    monitor_id INTEGER PRIMARY KEY REFERENCES monitor (id) ON DELETE CASCADE,
    status TEXT NOT NULL,                     -- pending, up, degraded, down: the confirmed one
    status_since INTEGER NOT NULL,
    confirming INTEGER NOT NULL,
    partial INTEGER NOT NULL,
    announced INTEGER NOT NULL,               -- this spell of being down has had its incident
    last_check_at INTEGER,
    last_response_ms INTEGER,
    last_message TEXT NOT NULL,
    cert_expires_at INTEGER
, chain_key TEXT NOT NULL DEFAULT '', expiry_due_at INTEGER) STRICT;

CREATE TABLE notification_channel (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    settings TEXT NOT NULL,                   -- JSON: object, secrets included
    events TEXT NOT NULL,                     -- JSON: array of event names; empty = all
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

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

CREATE TABLE ping_body (
    monitor_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    is_cut INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, number)
) STRICT;

CREATE TABLE pulse (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    beat_at INTEGER NOT NULL
) STRICT;

CREATE TABLE region (
    id INTEGER PRIMARY KEY,                   -- 0 to 999: part of a check's id
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO region (id, name) VALUES (0, 'local');

CREATE TABLE rollup (
    monitor_id INTEGER NOT NULL,
    span_s INTEGER NOT NULL,                  -- 300, 3600 or 86400
    start_at INTEGER NOT NULL,                -- UTC, a multiple of the span
    region_id INTEGER NOT NULL,
    up INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    down INTEGER NOT NULL,
    timed INTEGER NOT NULL,                   -- results that have a response time
    sum_ms INTEGER NOT NULL,
    min_ms INTEGER,
    max_ms INTEGER, up_ms INTEGER NOT NULL DEFAULT 0, degraded_ms INTEGER NOT NULL DEFAULT 0, down_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (monitor_id, span_s, start_at, region_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    token_hash TEXT PRIMARY KEY,              -- SHA-256, hexadecimal
    key_name TEXT NOT NULL,                   -- the name of the API key that logged in
    key_hash TEXT NOT NULL,                   -- its hash, so that a key taken away ends its sessions
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE status_change (
    monitor_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    status TEXT NOT NULL,                     -- in force from `at` until the next row
    up_ms INTEGER NOT NULL,                   -- from the monitor's first change until `at`; pruned rows still count
    degraded_ms INTEGER NOT NULL,
    down_ms INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE vote (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    status TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    message TEXT NOT NULL,
    streak INTEGER NOT NULL,                  -- consecutive results that failed, or consecutive that did not
    streak_since INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, region)
) STRICT, WITHOUT ROWID;
