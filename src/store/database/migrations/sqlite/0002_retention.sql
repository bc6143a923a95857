-- Whose recordings are, who holds them, and what is to be done with them next.

ALTER TABLE recordings ADD COLUMN node TEXT NOT NULL DEFAULT 'main';
ALTER TABLE recordings ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
-- Who decided that it goes; empty: nobody.
ALTER TABLE recordings ADD COLUMN leaving TEXT NOT NULL DEFAULT '';
-- Why the last attempt failed.
ALTER TABLE recordings ADD COLUMN why TEXT NOT NULL DEFAULT '';
UPDATE recordings
    SET node = COALESCE((SELECT records.node FROM records WHERE records.id = recordings.call), node);
CREATE INDEX recordings_due ON recordings (node, due, file) WHERE state <> 2;
CREATE INDEX recordings_failing ON recordings (node) WHERE 0 < attempts AND state <> 2;
CREATE INDEX recordings_leaving ON recordings (node) WHERE leaving <> '' AND state <> 2;
CREATE INDEX recordings_held ON recordings (started_at, file) WHERE held = 1;
