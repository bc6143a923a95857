-- Times are microseconds since 1970. Bodies are JSON; other columns are what is looked for.

CREATE TABLE documents (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- The last revisions of documents and users that were deleted: no number is given twice.
CREATE TABLE buried (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    agent TEXT,
    password TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    owner TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER
) STRICT;

CREATE TABLE sessions (
    hash TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_owner ON sessions (owner);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    source TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_who ON audit (who, id);
CREATE INDEX audit_by_subject ON audit (subject, id);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (
    node TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Calls: what is looked for. Each index but the first ends in what is often asked for besides.
CREATE TABLE records (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    node TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    caller TEXT NOT NULL,
    destinations TEXT NOT NULL,
    source TEXT NOT NULL,
    agent TEXT NOT NULL,
    source_tag TEXT NOT NULL,
    direction TEXT NOT NULL,
    recorded INTEGER NOT NULL,
    talk_ms INTEGER NOT NULL,
    ring_ms INTEGER NOT NULL,
    wait_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX records_by_time ON records (received_at, place);
CREATE INDEX records_by_outcome ON records (outcome, received_at, place, source, agent);
CREATE INDEX records_by_tracking_number
    ON records (tracking_number, received_at, place, outcome, agent, source);
CREATE INDEX records_by_source
    ON records (source, received_at, place, outcome, agent, tracking_number);
CREATE INDEX records_by_agent ON records (agent, received_at, place, outcome, source) WHERE agent <> '';
CREATE INDEX records_by_source_tag ON records (source_tag, received_at, place) WHERE source_tag <> '';
CREATE INDEX records_by_direction ON records (direction, received_at, place);
CREATE INDEX records_by_recorded ON records (recorded, received_at, place);
CREATE INDEX records_open ON records (node, received_at) WHERE outcome = 'in_progress';

CREATE TABLE bodies (
    place INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- Every number of a call; roles: 1 its caller, 2 its tracking number, 4 a destination.
CREATE TABLE numbers (
    number TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    reversed TEXT NOT NULL,
    roles INTEGER NOT NULL,
    PRIMARY KEY (number, received_at, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_reversed ON numbers (reversed, received_at, place, roles);

CREATE TABLE tags (
    tag TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (tag, received_at, place)
) STRICT, WITHOUT ROWID;

-- Calls that are over, counted by the hour (UTC) in which they were received.
-- what: 0 all, 1 by source, 2 by tracking number, 3 by agent, 4 by outcome.
CREATE TABLE hours (
    what INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    name TEXT NOT NULL,
    calls INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    abandoned INTEGER NOT NULL,
    talk_ms INTEGER NOT NULL,
    ring_ms INTEGER NOT NULL,
    wait_ms INTEGER NOT NULL,
    waited INTEGER NOT NULL,
    PRIMARY KEY (what, hour, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    call TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (call, seq)
) STRICT;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,
    call TEXT NOT NULL,
    seq INTEGER NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    why TEXT NOT NULL,
    dead INTEGER NOT NULL,
    UNIQUE (webhook, call, seq)
) STRICT;
CREATE INDEX outbox_by_state ON outbox (dead, id);
CREATE INDEX outbox_by_webhook ON outbox (webhook, dead, id);

CREATE TABLE recordings (
    file TEXT NOT NULL PRIMARY KEY,
    call TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    length_ms INTEGER NOT NULL,
    state INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    encrypted INTEGER NOT NULL,
    keep_until INTEGER,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_by_time ON recordings (started_at, file);
CREATE INDEX recordings_by_state ON recordings (state, started_at, file);
CREATE INDEX recordings_by_call ON recordings (call);
CREATE INDEX recordings_by_tracking_number ON recordings (tracking_number, state, started_at, file);
