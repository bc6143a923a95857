-- Calls that are over, counted by more than the hour (hours). grain: 0 by the quarter of an hour, 2 by
-- the day (UTC), 3 by 32 days; at: how many of these since 1970. what: as in hours; quarters are there
-- of all calls only, days and more not of all calls.
CREATE TABLE counts (
    what INTEGER NOT NULL,
    grain INTEGER NOT NULL,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    abandoned INTEGER NOT NULL,
    talk_ms INTEGER NOT NULL,
    ring_ms INTEGER NOT NULL,
    wait_ms INTEGER NOT NULL,
    waited INTEGER NOT NULL,
    PRIMARY KEY (what, grain, at, name)
) STRICT, WITHOUT ROWID;

-- Up to this hour they are there: a database that has calls already is counted a part at a time.
INSERT INTO settings (name, body)
SELECT 'counted_until', CASE WHEN EXISTS (SELECT 1 FROM hours) THEN '-9223372036854775808'
    ELSE '9223372036854775807' END;
