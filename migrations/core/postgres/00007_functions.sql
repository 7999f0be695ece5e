-- +goose Up

-- Calls of agents that wait for a person to confirm them. The token is known to
-- the program alone; a row is used up by deleting it.
CREATE TABLE function_confirmations (
    token_hash      BYTEA PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    principal       TEXT COLLATE "C" NOT NULL,
    function        TEXT COLLATE "C" NOT NULL,
    digest          BYTEA NOT NULL, -- of the function and its arguments
    expires_at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX function_confirmations_by_organization ON function_confirmations (organization_id, expires_at);

-- What calls with an idempotency key came to. A row without a result is a call
-- that was begun.
CREATE TABLE function_results (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    principal       TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    digest          BYTEA NOT NULL, -- of the function and its arguments
    result          TEXT COLLATE "C",
    created_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, principal, idempotency_key)
);
CREATE INDEX function_results_by_time ON function_results (organization_id, created_at);

-- Who had a function write, with what. Rows are only ever added, in the
-- transaction of what was written; they go with their organization alone.
CREATE TABLE audit_entries (
    id              TEXT COLLATE "C" PRIMARY KEY, -- UUIDv7
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    at              TIMESTAMPTZ NOT NULL,
    principal       TEXT COLLATE "C" NOT NULL,
    caller          TEXT COLLATE "C" NOT NULL CHECK (caller IN ('agent', 'program')),
    function        TEXT COLLATE "C" NOT NULL,
    arguments       JSONB NOT NULL,
    confirmed       BOOLEAN NOT NULL,
    outcome         TEXT COLLATE "C" NOT NULL,
    error           TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX audit_entries_by_organization ON audit_entries (organization_id, id);
-- +goose StatementBegin
CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR EXISTS (SELECT 1 FROM organizations WHERE id = OLD.organization_id) THEN
        RAISE EXCEPTION 'rows of the audit are never changed, and go with their organization alone';
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_entries_stay();

-- What an organization has switched off; what is not named is on.
CREATE TABLE switched_off (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('connection', 'function')),
    name            TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, kind, name)
);

-- Keys by which programs and clients act as a principal of an organization. Of
-- a key only its beginning, to look it up, and its hash are kept.
CREATE TABLE api_keys (
    id              TEXT COLLATE "C" PRIMARY KEY, -- UUIDv7
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    prefix          TEXT COLLATE "C" NOT NULL UNIQUE,
    hash            BYTEA NOT NULL,
    principal       TEXT COLLATE "C" NOT NULL,
    label           TEXT COLLATE "C" NOT NULL DEFAULT '',
    scopes          JSONB NOT NULL, -- a list of words
    created_by      TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    expires_at      TIMESTAMPTZ,
    revoked_at      TIMESTAMPTZ,
    last_used_at    TIMESTAMPTZ
);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id, id);

-- +goose Down
DROP TABLE api_keys;
DROP TABLE switched_off;
DROP TABLE audit_entries;
DROP FUNCTION audit_entries_stay;
DROP TABLE function_results;
DROP TABLE function_confirmations;
