-- +goose Up

-- One row for each model of which an organization has vectors. The model is its
-- name and its dimension: "text-embedding-3-small/1536".
CREATE TABLE search_vector_models (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT NOT NULL,
    id              TEXT NOT NULL,    -- never used again, so that what is kept in memory of these vectors stays true
    version         INTEGER NOT NULL, -- grows with each change
    vectors         INTEGER NOT NULL, -- how many there are
    PRIMARY KEY (organization_id, model)
);

-- The vectors of chunks, of length 1. They are not tied to search_chunks by a
-- foreign key: it would be looked up for each chunk that goes, also where there
-- are no vectors at all.
CREATE TABLE search_vectors (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT NOT NULL,
    chunk           INTEGER NOT NULL,
    data            BLOB NOT NULL, -- 4 bytes a value, little-endian
    PRIMARY KEY (organization_id, model, chunk)
);

-- What was changed last, for processes that hold vectors in memory.
CREATE TABLE search_vector_changes (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT NOT NULL,
    version         INTEGER NOT NULL,
    chunks          BLOB NOT NULL, -- numbers of those put or deleted, packed
    PRIMARY KEY (organization_id, model, version)
);

-- Vectors by text, so that a text is embedded once. For each organization apart:
-- how long an answer takes must not tell what others have stored.
CREATE TABLE search_embeddings (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT NOT NULL,
    hash            BLOB NOT NULL, -- SHA-256 of the text
    data            BLOB NOT NULL,
    created_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, model, hash)
);

-- It was never filled: vectors of several models stand beside each other now.
ALTER TABLE search_chunks DROP COLUMN embedding;

-- +goose Down
ALTER TABLE search_chunks ADD COLUMN embedding BLOB;
DROP TABLE search_embeddings;
DROP TABLE search_vector_changes;
DROP TABLE search_vectors;
DROP TABLE search_vector_models;
