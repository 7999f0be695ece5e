-- +goose Up

-- Where in its source a chunk stands: JSON, a list of {"offset", "label"} with the
-- bytes of the content at which each page, sheet or slide begins; '' for none.
ALTER TABLE search_chunks ADD COLUMN locations TEXT COLLATE "C" NOT NULL DEFAULT '';

-- A foreign key is checked for each row, which is a fifth of the time of storing
-- them. All of these rows belong to an organization that has a row in
-- search_indexes, which goes with the organization and takes them along.
ALTER TABLE search_chunks DROP CONSTRAINT search_chunks_organization_id_fkey;
ALTER TABLE search_columns DROP CONSTRAINT search_columns_organization_id_fkey;
ALTER TABLE search_postings DROP CONSTRAINT search_postings_organization_id_fkey;
-- +goose StatementBegin
CREATE FUNCTION search_indexes_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_chunks WHERE organization_id = OLD.organization_id;
    DELETE FROM search_columns WHERE organization_id = OLD.organization_id;
    DELETE FROM search_postings WHERE organization_id = OLD.organization_id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER search_indexes_deleted AFTER DELETE ON search_indexes FOR EACH ROW EXECUTE FUNCTION search_indexes_deleted();

-- Most rows of postings are a little below 4 kB: two fill a page, and are read
-- with it, where their parts would lie in a second table otherwise.
ALTER TABLE search_postings SET (toast_tuple_target = 8160);

-- +goose Down
ALTER TABLE search_postings RESET (toast_tuple_target);
DROP TRIGGER search_indexes_deleted ON search_indexes;
DROP FUNCTION search_indexes_deleted();
ALTER TABLE search_postings ADD CONSTRAINT search_postings_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE search_columns ADD CONSTRAINT search_columns_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE search_chunks ADD CONSTRAINT search_chunks_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE search_chunks DROP COLUMN locations;
