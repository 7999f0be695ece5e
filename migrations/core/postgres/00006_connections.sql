-- +goose Up

-- How many requests were made of services with a daily limit, for each
-- credential. It belongs to no organization: several may use one credential,
-- which is kept as a fingerprint only.
CREATE TABLE quota_ledger (
    service    TEXT COLLATE "C" NOT NULL,
    credential TEXT COLLATE "C" NOT NULL,
    resets_at  TIMESTAMPTZ NOT NULL,
    used       BIGINT NOT NULL,
    closed     BOOLEAN NOT NULL DEFAULT FALSE, -- the service said so, whatever was counted
    PRIMARY KEY (service, credential)
);

-- The settings of an organization for an instance of a connection, such as one of
-- two SharePoint sites. Secrets stand in them as references, never as values.
CREATE TABLE connection_settings (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    connection      TEXT COLLATE "C" NOT NULL,
    instance        TEXT COLLATE "C" NOT NULL, -- '' is the only one
    label           TEXT COLLATE "C" NOT NULL DEFAULT '',
    settings        JSONB NOT NULL, -- JSON, of the connection's own form
    created_by      TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, connection, instance)
);

-- +goose Down
DROP TABLE connection_settings;
DROP TABLE quota_ledger;
