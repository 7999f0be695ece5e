-- +goose Up

-- The embedding model whose vectors an organization is searched with: the last
-- one of which all chunks had vectors. While another one is being filled, search
-- goes on with this.
CREATE TABLE search_models (
    organization_id TEXT COLLATE "C" PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT COLLATE "C" NOT NULL, -- name/dimension
    since           TIMESTAMPTZ NOT NULL
);

-- +goose Down
DROP TABLE search_models;
