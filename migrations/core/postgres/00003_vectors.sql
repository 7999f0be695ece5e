-- +goose Up

-- The table search_vectors is not made here: its column needs the extension
-- pgvector, which a server need not have as long as nobody uses vectors. Package
-- search/pgvec makes both before their first use.

-- One row for each model of which an organization has vectors. The model is its
-- name and its dimension: "text-embedding-3-small/1536".
CREATE TABLE search_vector_models (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C" NOT NULL, -- never used again, so that what is kept in memory of these vectors stays true
    version         BIGINT NOT NULL, -- grows with each change
    vectors         BIGINT NOT NULL, -- how many there are
    PRIMARY KEY (organization_id, model)
);

-- Vectors by text, so that a text is embedded once. For each organization apart:
-- how long an answer takes must not tell what others have stored.
CREATE TABLE search_embeddings (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT COLLATE "C" NOT NULL,
    hash            BYTEA NOT NULL, -- SHA-256 of the text
    data            BYTEA NOT NULL, -- 4 bytes a value, little-endian
    created_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, model, hash)
);
-- Vectors do not get smaller: trying costs time.
ALTER TABLE search_embeddings ALTER COLUMN data SET STORAGE EXTERNAL;

-- It was never filled: vectors of several models stand beside each other now.
ALTER TABLE search_chunks DROP COLUMN embedding;

-- +goose Down
ALTER TABLE search_chunks ADD COLUMN embedding BYTEA;
DROP TABLE search_embeddings;
DROP TABLE IF EXISTS search_vectors;
DROP TABLE search_vector_models;
