-- +goose Up

-- One row for each organization that has something indexed. Whoever changes the
-- index of an organization updates this row first, and so waits for whoever else
-- is doing so.
CREATE TABLE search_indexes (
    organization_id TEXT COLLATE "C" PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    next_number     BIGINT NOT NULL, -- of the next chunk; numbers are never given out again
    version         BIGINT NOT NULL  -- grows with each change
);

-- The pieces of text that are searched, as they are shown. The number is the
-- chunk's name in the index below.
CREATE TABLE search_chunks (
    organization_id    TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    number             BIGINT NOT NULL,
    source_type        TEXT COLLATE "C" NOT NULL, -- type name of the record
    source_id          TEXT COLLATE "C" NOT NULL, -- id of the record
    source_type_filter TEXT COLLATE "C" NOT NULL, -- its group
    chunk_index        BIGINT NOT NULL,
    title              TEXT COLLATE "C" NOT NULL,
    filename           TEXT COLLATE "C" NOT NULL,
    url                TEXT COLLATE "C" NOT NULL,
    content            TEXT COLLATE "C" NOT NULL,
    content_type       TEXT COLLATE "C" NOT NULL,
    metadata           JSONB NOT NULL, -- in namespaces
    embedding          BYTEA,
    updated_at         TIMESTAMPTZ NOT NULL, -- of the record
    created_at         TIMESTAMPTZ NOT NULL,
    -- The rows of a page of hits, and, with the organization in front, the end of
    -- an organization.
    PRIMARY KEY (organization_id, number)
);
-- The chunks of a record, when it changes or goes; unique, so that no mistake
-- above can index a record twice.
CREATE UNIQUE INDEX search_chunks_by_source ON search_chunks (organization_id, source_type, source_id, chunk_index);

-- The inverted index: segments, which do not change once they are live but for
-- their tombstones. A merge writes a new segment ("building"), makes it live, and
-- leaves the old ones behind ("dead") to be removed in small transactions.
CREATE TABLE search_segments (
    organization_id   TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id                TEXT COLLATE "C" NOT NULL, -- never used again, so that what is kept in memory of a segment stays true
    state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('building', 'live', 'dead')),
    first_number      BIGINT NOT NULL,
    last_number       BIGINT NOT NULL,
    chunks            BIGINT NOT NULL,
    documents         BIGINT NOT NULL,
    title_words       BIGINT NOT NULL,
    body_words        BIGINT NOT NULL,
    deleted           BIGINT NOT NULL DEFAULT 0, -- chunks
    tombstone_version BIGINT NOT NULL DEFAULT 0, -- random, a new one with each change
    tombstones        BYTEA, -- ordinals of the deleted chunks
    sources           TEXT COLLATE "C", -- of a merge: the ids of the segments that it replaces, with commas
    lease_until       TIMESTAMPTZ, -- of a merge: when it counts as given up
    -- A few dozen rows for an organization, all read by each search.
    PRIMARY KEY (organization_id, id)
);

-- What a segment knows about its chunks and documents: lengths, and one row for
-- each name of a value.
CREATE TABLE search_columns (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    segment_id      TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    data            BYTEA NOT NULL,
    PRIMARY KEY (organization_id, segment_id, name)
);

-- The postings of a segment, many terms to a row.
CREATE TABLE search_postings (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    segment_id      TEXT COLLATE "C" NOT NULL,
    block           BIGINT NOT NULL,
    data            BYTEA NOT NULL,
    positions       BYTEA NOT NULL,
    PRIMARY KEY (organization_id, segment_id, block)
);

-- The bytes are packed already: compressing them again costs time and saves nothing.
ALTER TABLE search_columns ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE search_postings ALTER COLUMN data SET STORAGE EXTERNAL, ALTER COLUMN positions SET STORAGE EXTERNAL;

-- +goose Down
DROP TABLE search_postings;
DROP TABLE search_columns;
DROP TABLE search_segments;
DROP TABLE search_chunks;
DROP TABLE search_indexes;
