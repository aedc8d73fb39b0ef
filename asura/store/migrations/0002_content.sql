-- Change detection

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
