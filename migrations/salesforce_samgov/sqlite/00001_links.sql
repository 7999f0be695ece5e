-- +goose Up

-- An opportunity's solicitation is one of its own organization, or none. SQLite adds no
-- foreign key to a table that is there, and none of its foreign keys sets only a
-- part of the key to NULL: triggers do the same.
UPDATE salesforce_opportunities SET linked_sam_solicitation_id = NULL
WHERE linked_sam_solicitation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sam_solicitations t WHERE t.organization_id = salesforce_opportunities.organization_id AND t.id = linked_sam_solicitation_id);
-- +goose StatementBegin
CREATE TRIGGER salesforce_opportunities_solicitation_insert BEFORE INSERT ON salesforce_opportunities
WHEN NEW.linked_sam_solicitation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sam_solicitations t WHERE t.organization_id = NEW.organization_id AND t.id = NEW.linked_sam_solicitation_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: linked_sam_solicitation_id');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER salesforce_opportunities_solicitation_update BEFORE UPDATE OF linked_sam_solicitation_id ON salesforce_opportunities
WHEN NEW.linked_sam_solicitation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sam_solicitations t WHERE t.organization_id = NEW.organization_id AND t.id = NEW.linked_sam_solicitation_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: linked_sam_solicitation_id');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER salesforce_opportunities_solicitation_delete AFTER DELETE ON sam_solicitations
BEGIN
    UPDATE salesforce_opportunities SET linked_sam_solicitation_id = NULL WHERE organization_id = OLD.organization_id AND linked_sam_solicitation_id = OLD.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER salesforce_opportunities_solicitation_delete;
DROP TRIGGER salesforce_opportunities_solicitation_update;
DROP TRIGGER salesforce_opportunities_solicitation_insert;
