-- +goose Up

-- The tenants. Everything else hangs on them and goes with them.
CREATE TABLE organizations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL
);

-- One row for each job execution. This table is the truth about a run; a Runner
-- only delivers ids.
CREATE TABLE runs (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    type            TEXT COLLATE "C" NOT NULL,
    queue           TEXT COLLATE "C" NOT NULL,
    label           TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'timed_out', 'cancelled')),
    config          JSONB NOT NULL,
    phase           TEXT COLLATE "C" NOT NULL DEFAULT '',
    done            BIGINT NOT NULL DEFAULT 0,
    total           BIGINT NOT NULL DEFAULT 0,
    result          JSONB,
    error           TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- Where the job goes on after a crash, byte for byte as it gave it.
    checkpoint      TEXT COLLATE "C",
    attempt         BIGINT NOT NULL DEFAULT 0,
    created_by      TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    started_at      TIMESTAMPTZ,
    finished_at     TIMESTAMPTZ,
    -- Whether it can go on from its checkpoint when the process that ran it ended.
    resumable       BOOLEAN NOT NULL DEFAULT FALSE,
    -- Who works on it: the fence grows with each claim, and a write with an old
    -- one is refused. The lease is in database time.
    fence           BIGINT NOT NULL DEFAULT 0,
    lease_until     TIMESTAMPTZ,
    cancel_cause    TEXT COLLATE "C" NOT NULL DEFAULT ''
);
-- The newest runs of an organization, for lists.
CREATE INDEX runs_by_time ON runs (organization_id, created_at, id);
-- The runs that wait or work, for claims and sweeps; few rows in a long history.
CREATE INDEX runs_active ON runs (queue, status, created_at, id) WHERE status IN ('pending', 'running');

CREATE TABLE run_events (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    run_id          TEXT COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    at              TIMESTAMPTZ NOT NULL,
    level           TEXT COLLATE "C" NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    type            TEXT COLLATE "C" NOT NULL,
    message         TEXT COLLATE "C" NOT NULL,
    data            JSONB
);
CREATE INDEX run_events_by_run ON run_events (run_id, id);
CREATE INDEX run_events_by_organization ON run_events (organization_id, id);

-- Records, and single values of records, that an import could not take, with
-- what is needed to look into them and to try again.
CREATE TABLE import_failures (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    run_id          TEXT COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    connection      TEXT COLLATE "C" NOT NULL,
    instance        TEXT COLLATE "C" NOT NULL,
    type            TEXT COLLATE "C" NOT NULL,
    key             TEXT COLLATE "C" NOT NULL DEFAULT '',
    scope           TEXT COLLATE "C" NOT NULL CHECK (scope IN ('record', 'field')),
    file            TEXT COLLATE "C" NOT NULL DEFAULT '',
    line            BIGINT NOT NULL DEFAULT 0,
    column_name     TEXT COLLATE "C" NOT NULL DEFAULT '',
    value           TEXT COLLATE "C" NOT NULL DEFAULT '',
    reason          TEXT COLLATE "C" NOT NULL,
    raw             BYTEA,
    created_at      TIMESTAMPTZ NOT NULL,
    replayed_at     TIMESTAMPTZ
);
CREATE INDEX import_failures_by_run ON import_failures (run_id, id);
CREATE INDEX import_failures_by_organization ON import_failures (organization_id, connection, instance, type);

-- The keys that a full sync has seen, with the batch that saw them first. They
-- stand in a table so that a crash forgets none: what is not among them at the
-- end is deleted. Also tells a record that comes twice in one export.
CREATE TABLE run_key_sets (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id TEXT COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    type   TEXT COLLATE "C" NOT NULL,
    UNIQUE (run_id, type)
);
CREATE TABLE run_keys (
    set_id BIGINT NOT NULL, -- of run_key_sets; no foreign key, which would be checked for each key
    key    TEXT COLLATE "C" NOT NULL,
    batch  BIGINT NOT NULL,
    PRIMARY KEY (set_id, key)
);

-- Where an incremental sync goes on: one row for each stream of an instance of a
-- connection, written in the transaction of the records before it.
CREATE TABLE connection_state (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    connection      TEXT COLLATE "C" NOT NULL,
    instance        TEXT COLLATE "C" NOT NULL,
    stream          TEXT COLLATE "C" NOT NULL,
    position        TEXT COLLATE "C" NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
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
