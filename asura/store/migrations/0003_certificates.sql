-- Certificates, and the ends of certificates and domains

-- Of the chain in `certificate`: asura/incidents/expiry.py.
ALTER TABLE monitor_state ADD COLUMN chain_key TEXT NOT NULL DEFAULT '';
-- Before it there is nothing to tell of the same certificate.
ALTER TABLE monitor_state ADD COLUMN expiry_due_at INTEGER;

CREATE TABLE expiry (
    monitor_id INTEGER NOT NULL REFERENCES monitor (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,                    -- certificate, domain
    expires_at INTEGER NOT NULL,              -- the latest end that was seen
    told_days INTEGER,                        -- the threshold that was passed last; NULL: none yet
    PRIMARY KEY (monitor_id, subject)
) STRICT, WITHOUT ROWID;

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
