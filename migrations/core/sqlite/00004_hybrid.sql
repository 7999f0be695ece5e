-- +goose Up

-- The embedding model whose vectors an organization is searched with: the last
-- one of which all chunks had vectors. While another one is being filled, search
-- goes on with this.
CREATE TABLE search_models (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT NOT NULL, -- name/dimension
    since           TEXT NOT NULL
);

-- +goose Down
DROP TABLE search_models;
