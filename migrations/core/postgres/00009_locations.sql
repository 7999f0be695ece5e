-- +goose Up

-- Where in its source a chunk stands: JSON, a list of {"offset", "label"} with the
-- bytes of the content at which each page, sheet or slide begins; '' for none.
ALTER TABLE search_chunks ADD COLUMN locations TEXT COLLATE "C" NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE search_chunks DROP COLUMN locations;
