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
