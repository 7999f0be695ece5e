-- +goose Up

-- How many requests were made of services with a daily limit, for each
-- credential. It belongs to no organization: several may use one credential,
-- which is kept as a fingerprint only.
CREATE TABLE quota_ledger (
    service    TEXT NOT NULL,
    credential TEXT NOT NULL,
    resets_at  TEXT NOT NULL,
    used       INTEGER NOT NULL,
    closed     INTEGER NOT NULL DEFAULT 0, -- the service said so, whatever was counted
    PRIMARY KEY (service, credential)
);

-- The settings of an organization for an instance of a connection, such as one of
-- two SharePoint sites. Secrets stand in them as references, never as values.
CREATE TABLE connection_settings (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    connection      TEXT NOT NULL,
    instance        TEXT NOT NULL, -- '' is the only one
    label           TEXT NOT NULL DEFAULT '',
    settings        TEXT NOT NULL, -- JSON, of the connection's own form
    created_by      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, connection, instance)
);

-- +goose Down
DROP TABLE connection_settings;
DROP TABLE quota_ledger;
