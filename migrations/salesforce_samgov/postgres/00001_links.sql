-- +goose Up

-- An opportunity's solicitation is one of its own organization, or none. Only the link
-- becomes NULL when the solicitation goes: the organization is a part of the key.
UPDATE salesforce_opportunities o SET linked_sam_solicitation_id = NULL
WHERE linked_sam_solicitation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sam_solicitations t WHERE t.organization_id = o.organization_id AND t.id = o.linked_sam_solicitation_id);
ALTER TABLE salesforce_opportunities ADD CONSTRAINT salesforce_opportunities_solicitation
    FOREIGN KEY (organization_id, linked_sam_solicitation_id) REFERENCES sam_solicitations (organization_id, id) ON DELETE SET NULL (linked_sam_solicitation_id);

-- +goose Down
ALTER TABLE salesforce_opportunities DROP CONSTRAINT salesforce_opportunities_solicitation;
