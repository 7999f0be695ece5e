-- +goose Up

-- The tenants. Everything else hangs on them and goes with them.
CREATE TABLE organizations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
);

-- One row for each job execution. This table is the truth about a run; a Runner
-- only delivers ids.
CREATE TABLE runs (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    type            TEXT NOT NULL,
    queue           TEXT NOT NULL,
    label           TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'timed_out', 'cancelled')),
    config          TEXT NOT NULL,
    phase           TEXT NOT NULL DEFAULT '',
    done            INTEGER NOT NULL DEFAULT 0,
    total           INTEGER NOT NULL DEFAULT 0,
    result          TEXT,
    error           TEXT NOT NULL DEFAULT '',
    -- Where the job goes on after a crash, byte for byte as it gave it.
    checkpoint      TEXT,
    attempt         INTEGER NOT NULL DEFAULT 0,
    created_by      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    started_at      TEXT,
    finished_at     TEXT,
    -- Whether it can go on from its checkpoint when the process that ran it ended.
    resumable       INTEGER NOT NULL DEFAULT 0,
    -- Who works on it: the fence grows with each claim, and a write with an old
    -- one is refused. The lease is in database time.
    fence           INTEGER NOT NULL DEFAULT 0,
    lease_until     TEXT,
    cancel_cause    TEXT NOT NULL DEFAULT ''
);
-- The newest runs of an organization, for lists.
CREATE INDEX runs_by_time ON runs (organization_id, created_at, id);
-- The runs that wait or work, for claims and sweeps; few rows in a long history.
CREATE INDEX runs_active ON runs (queue, status, created_at, id) WHERE status IN ('pending', 'running');

CREATE TABLE run_events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    run_id          TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    at              TEXT NOT NULL,
    level           TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    type            TEXT NOT NULL,
    message         TEXT NOT NULL,
    data            TEXT
);
CREATE INDEX run_events_by_run ON run_events (run_id, id);
CREATE INDEX run_events_by_organization ON run_events (organization_id, id);

-- Records, and single values of records, that an import could not take, with
-- what is needed to look into them and to try again.
CREATE TABLE import_failures (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    run_id          TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    connection      TEXT NOT NULL,
    instance        TEXT NOT NULL,
    type            TEXT NOT NULL,
    key             TEXT NOT NULL DEFAULT '',
    scope           TEXT NOT NULL CHECK (scope IN ('record', 'field')),
    file            TEXT NOT NULL DEFAULT '',
    line            INTEGER NOT NULL DEFAULT 0,
    column_name     TEXT NOT NULL DEFAULT '',
    value           TEXT NOT NULL DEFAULT '',
    reason          TEXT NOT NULL,
    raw             BLOB,
    created_at      TEXT NOT NULL,
    replayed_at     TEXT
);
CREATE INDEX import_failures_by_run ON import_failures (run_id, id);
CREATE INDEX import_failures_by_organization ON import_failures (organization_id, connection, instance, type);

-- The keys that a full sync has seen, with the batch that saw them first. They
-- stand in a table so that a crash forgets none: what is not among them at the
-- end is deleted. Also tells a record that comes twice in one export.
CREATE TABLE run_key_sets (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    type   TEXT NOT NULL,
    UNIQUE (run_id, type)
);
CREATE TABLE run_keys (
    set_id INTEGER NOT NULL, -- of run_key_sets; no foreign key, which would be checked for each key
    key    TEXT NOT NULL,
    batch  INTEGER NOT NULL,
    PRIMARY KEY (set_id, key)
) WITHOUT ROWID;

-- Where an incremental sync goes on: one row for each stream of an instance of a
-- connection, written in the transaction of the records before it.
CREATE TABLE connection_state (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    connection      TEXT NOT NULL,
    instance        TEXT NOT NULL,
    stream          TEXT NOT NULL,
    position        TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, connection, instance, stream)
);

-- +goose Down
DROP TABLE connection_state;
DROP TABLE run_keys;
DROP TABLE run_key_sets;
DROP TABLE import_failures;
DROP TABLE run_events;
DROP TABLE runs;
DROP TABLE organizations;
