-- +goose Up

-- One row for each organization that has something indexed. Whoever changes the
-- index of an organization updates this row first, and so waits for whoever else
-- is doing so.
CREATE TABLE search_indexes (
    organization_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    next_number     INTEGER NOT NULL, -- of the next chunk; numbers are never given out again
    version         INTEGER NOT NULL  -- grows with each change
);

-- The pieces of text that are searched, as they are shown. The number is the
-- chunk's name in the index below.
CREATE TABLE search_chunks (
    organization_id    TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    number             INTEGER NOT NULL,
    source_type        TEXT NOT NULL, -- type name of the record
    source_id          TEXT NOT NULL, -- id of the record
    source_type_filter TEXT NOT NULL, -- its group
    chunk_index        INTEGER NOT NULL,
    title              TEXT NOT NULL,
    filename           TEXT NOT NULL,
    url                TEXT NOT NULL,
    content            TEXT NOT NULL,
    content_type       TEXT NOT NULL,
    metadata           TEXT NOT NULL, -- JSON, in namespaces
    embedding          BLOB,
    updated_at         TEXT NOT NULL, -- of the record
    created_at         TEXT NOT NULL,
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
    organization_id   TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id                TEXT NOT NULL, -- never used again, so that what is kept in memory of a segment stays true
    state             TEXT NOT NULL CHECK (state IN ('building', 'live', 'dead')),
    first_number      INTEGER NOT NULL,
    last_number       INTEGER NOT NULL,
    chunks            INTEGER NOT NULL,
    documents         INTEGER NOT NULL,
    title_words       INTEGER NOT NULL,
    body_words        INTEGER NOT NULL,
    deleted           INTEGER NOT NULL DEFAULT 0, -- chunks
    tombstone_version INTEGER NOT NULL DEFAULT 0, -- random, a new one with each change
    tombstones        BLOB, -- ordinals of the deleted chunks
    sources           TEXT, -- of a merge: the ids of the segments that it replaces, with commas
    lease_until       TEXT, -- of a merge: when it counts as given up
    -- A few dozen rows for an organization, all read by each search.
    PRIMARY KEY (organization_id, id)
);

-- What a segment knows about its chunks and documents: lengths, and one row for
-- each name of a value.
CREATE TABLE search_columns (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    segment_id      TEXT NOT NULL,
    name            TEXT NOT NULL,
    data            BLOB NOT NULL,
    PRIMARY KEY (organization_id, segment_id, name)
);

-- The postings of a segment, many terms to a row. The positions come last: SQLite
-- does not read what stands behind the columns that a query asks for.
CREATE TABLE search_postings (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    segment_id      TEXT NOT NULL,
    block           INTEGER NOT NULL,
    data            BLOB NOT NULL,
    positions       BLOB NOT NULL,
    PRIMARY KEY (organization_id, segment_id, block)
);

-- +goose Down
DROP TABLE search_postings;
DROP TABLE search_columns;
DROP TABLE search_segments;
DROP TABLE search_chunks;
DROP TABLE search_indexes;
