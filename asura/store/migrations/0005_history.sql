-- A history that stays fast: running totals in the timeline

-- The difference of two rows is the time between them by status, however many changes lie between.
ALTER TABLE status_change RENAME TO old_status_change;
CREATE TABLE status_change (
    monitor_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    status TEXT NOT NULL,                     -- in force from `at` until the next row
    up_ms INTEGER NOT NULL,                   -- from the monitor's first change until `at`; pruned rows still count
    degraded_ms INTEGER NOT NULL,
    down_ms INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, at)
) STRICT, WITHOUT ROWID;
INSERT INTO status_change (monitor_id, at, status, up_ms, degraded_ms, down_ms)
SELECT monitor_id, at, status,
    coalesce(sum(CASE was WHEN 'up' THEN lasted END) OVER past, 0),
    coalesce(sum(CASE was WHEN 'degraded' THEN lasted END) OVER past, 0),
    coalesce(sum(CASE was WHEN 'down' THEN lasted END) OVER past, 0)
FROM (
    SELECT monitor_id, at, status, lag(status) OVER line AS was, at - lag(at) OVER line AS lasted
    FROM old_status_change WINDOW line AS (PARTITION BY monitor_id ORDER BY at)
)
WINDOW past AS (PARTITION BY monitor_id ORDER BY at);
DROP TABLE old_status_change;

-- For how long a result counts, in seconds, unless another of its region comes before; NULL: it adds to no time, as
-- those of heartbeats and those from before this column.
ALTER TABLE check_result ADD COLUMN holds_s INTEGER;

-- Time by status, in the hours and days only.
ALTER TABLE rollup ADD COLUMN up_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN degraded_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN down_ms INTEGER NOT NULL DEFAULT 0;

-- Response times by hour for as long as single checks are kept, and by day for as long as anything is.
ALTER TABLE latency RENAME TO old_latency;
CREATE TABLE latency (
    monitor_id INTEGER NOT NULL,
    span_s INTEGER NOT NULL,                  -- 3600 or 86400
    start_at INTEGER NOT NULL,                -- UTC, a multiple of the span
    region_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,                  -- asura/sketch.py
    count INTEGER NOT NULL,
    PRIMARY KEY (monitor_id, span_s, start_at, region_id, bucket)
) STRICT, WITHOUT ROWID;
INSERT INTO latency (monitor_id, span_s, start_at, region_id, bucket, count)
SELECT monitor_id, 3600, hour_at, region_id, bucket, count FROM old_latency ORDER BY 1, 3, 4, 5;
INSERT INTO latency (monitor_id, span_s, start_at, region_id, bucket, count)
SELECT monitor_id, 86400, hour_at - hour_at % 86400000, region_id, bucket, sum(count) FROM old_latency
GROUP BY 1, 3, 4, 5;
DROP TABLE old_latency;
