-- +goose Up

-- An opportunity's folder is one of its own organization, or none. Only the link
-- becomes NULL when the folder goes: the organization is a part of the key.
UPDATE salesforce_opportunities o SET linked_sharepoint_folder_id = NULL
WHERE linked_sharepoint_folder_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sharepoint_folders t WHERE t.organization_id = o.organization_id AND t.id = o.linked_sharepoint_folder_id);
ALTER TABLE salesforce_opportunities ADD CONSTRAINT salesforce_opportunities_folder
    FOREIGN KEY (organization_id, linked_sharepoint_folder_id) REFERENCES sharepoint_folders (organization_id, id) ON DELETE SET NULL (linked_sharepoint_folder_id);

-- +goose Down
ALTER TABLE salesforce_opportunities DROP CONSTRAINT salesforce_opportunities_folder;
