-- +goose Up

-- Calls of agents that wait for a person to confirm them. The token is known to
-- the program alone; a row is used up by deleting it.
CREATE TABLE function_confirmations (
    token_hash      BLOB PRIMARY KEY NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    principal       TEXT NOT NULL,
    function        TEXT NOT NULL,
    digest          BLOB NOT NULL, -- of the function and its arguments
    expires_at      TEXT NOT NULL
);
CREATE INDEX function_confirmations_by_organization ON function_confirmations (organization_id, expires_at);

-- What calls with an idempotency key came to. A row without a result is a call
-- that was begun.
CREATE TABLE function_results (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    principal       TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    digest          BLOB NOT NULL, -- of the function and its arguments
    result          TEXT,
    created_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, principal, idempotency_key)
);
CREATE INDEX function_results_by_time ON function_results (organization_id, created_at);

-- Who had a function write, with what. Rows are only ever added, in the
-- transaction of what was written; they go with their organization alone.
CREATE TABLE audit_entries (
    id              TEXT PRIMARY KEY NOT NULL, -- UUIDv7
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    at              TEXT NOT NULL,
    principal       TEXT NOT NULL,
    caller          TEXT NOT NULL CHECK (caller IN ('agent', 'program')),
    function        TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    confirmed       INTEGER NOT NULL,
    outcome         TEXT NOT NULL,
    error           TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_entries_by_organization ON audit_entries (organization_id, id);
-- +goose StatementBegin
CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries BEGIN
    SELECT RAISE(ABORT, 'rows of the audit are never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries
WHEN EXISTS (SELECT 1 FROM organizations WHERE id = OLD.organization_id) BEGIN
    SELECT RAISE(ABORT, 'rows of the audit go with their organization alone');
END;
-- +goose StatementEnd

-- What an organization has switched off; what is not named is on.
CREATE TABLE switched_off (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kind            TEXT NOT NULL CHECK (kind IN ('connection', 'function')),
    name            TEXT NOT NULL,
    PRIMARY KEY (organization_id, kind, name)
);

-- Keys by which programs and clients act as a principal of an organization. Of
-- a key only its beginning, to look it up, and its hash are kept.
CREATE TABLE api_keys (
    id              TEXT PRIMARY KEY NOT NULL, -- UUIDv7
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    prefix          TEXT NOT NULL UNIQUE,
    hash            BLOB NOT NULL,
    principal       TEXT NOT NULL,
    label           TEXT NOT NULL DEFAULT '',
    scopes          TEXT NOT NULL, -- a list of words
    created_by      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT,
    revoked_at      TEXT,
    last_used_at    TEXT
);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id, id);

-- +goose Down
DROP TABLE api_keys;
DROP TABLE switched_off;
DROP TABLE audit_entries;
DROP TABLE function_results;
DROP TABLE function_confirmations;
