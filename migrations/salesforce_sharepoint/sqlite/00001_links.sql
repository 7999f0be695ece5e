-- +goose Up

-- An opportunity's folder is one of its own organization, or none. SQLite adds no
-- foreign key to a table that is there, and none of its foreign keys sets only a
-- part of the key to NULL: triggers do the same.
UPDATE salesforce_opportunities SET linked_sharepoint_folder_id = NULL
WHERE linked_sharepoint_folder_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sharepoint_folders t WHERE t.organization_id = salesforce_opportunities.organization_id AND t.id = linked_sharepoint_folder_id);
-- +goose StatementBegin
CREATE TRIGGER salesforce_opportunities_folder_insert BEFORE INSERT ON salesforce_opportunities
WHEN NEW.linked_sharepoint_folder_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sharepoint_folders t WHERE t.organization_id = NEW.organization_id AND t.id = NEW.linked_sharepoint_folder_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: linked_sharepoint_folder_id');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER salesforce_opportunities_folder_update BEFORE UPDATE OF linked_sharepoint_folder_id ON salesforce_opportunities
WHEN NEW.linked_sharepoint_folder_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sharepoint_folders t WHERE t.organization_id = NEW.organization_id AND t.id = NEW.linked_sharepoint_folder_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: linked_sharepoint_folder_id');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER salesforce_opportunities_folder_delete AFTER DELETE ON sharepoint_folders
BEGIN
    UPDATE salesforce_opportunities SET linked_sharepoint_folder_id = NULL WHERE organization_id = OLD.organization_id AND linked_sharepoint_folder_id = OLD.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER salesforce_opportunities_folder_delete;
DROP TRIGGER salesforce_opportunities_folder_update;
DROP TRIGGER salesforce_opportunities_folder_insert;
