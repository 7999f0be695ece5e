-- Printed from the declarations of connectors/samgov by go generate.

-- +goose Up

CREATE TABLE "sam_solicitations" (
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    instance TEXT NOT NULL,
    created_at TEXT NOT NULL,
    title_key TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    indexed_at TEXT,
    row_hash BLOB NOT NULL,
    document_hash BLOB NOT NULL,
    "solicitation_number" TEXT NOT NULL DEFAULT '',
    "title" TEXT NOT NULL DEFAULT '',
    "type" TEXT,
    "active" INTEGER NOT NULL DEFAULT 0,
    "agency" TEXT,
    "office" TEXT,
    "first_posted_date" TEXT,
    "last_posted_date" TEXT,
    "response_deadline" TEXT,
    "set_aside" TEXT,
    "naics_code" TEXT,
    "classification_code" TEXT,
    "place_state" TEXT,
    "notice_count" INTEGER NOT NULL DEFAULT 0,
    "last_notice_id" TEXT NOT NULL DEFAULT '',
    "awardee" TEXT,
    "award_amount" REAL,
    "contact_name" TEXT,
    "ui_link" TEXT,
    "description" TEXT,
    raw BLOB,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX "sam_solicitations_key" ON "sam_solicitations" (organization_id, instance, "solicitation_number");
CREATE INDEX "sam_solicitations_titles" ON "sam_solicitations" (organization_id, title_key, id);
CREATE INDEX "sam_solicitations_to_index" ON "sam_solicitations" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "sam_solicitations_deleted" ON "sam_solicitations" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "sam_solicitations_by_type" ON "sam_solicitations" (organization_id, "type");
CREATE INDEX "sam_solicitations_by_active" ON "sam_solicitations" (organization_id, "active");
CREATE INDEX "sam_solicitations_by_agency" ON "sam_solicitations" (organization_id, "agency");
CREATE INDEX "sam_solicitations_by_first_posted_date" ON "sam_solicitations" (organization_id, "first_posted_date");
CREATE INDEX "sam_solicitations_by_last_posted_date" ON "sam_solicitations" (organization_id, "last_posted_date");
CREATE INDEX "sam_solicitations_by_response_deadline" ON "sam_solicitations" (organization_id, "response_deadline");
CREATE INDEX "sam_solicitations_by_set_aside" ON "sam_solicitations" (organization_id, "set_aside");
CREATE INDEX "sam_solicitations_by_naics_code" ON "sam_solicitations" (organization_id, "naics_code");
CREATE INDEX "sam_solicitations_by_classification_code" ON "sam_solicitations" (organization_id, "classification_code");
CREATE INDEX "sam_solicitations_by_place_state" ON "sam_solicitations" (organization_id, "place_state");
CREATE INDEX "sam_solicitations_by_last_notice_id" ON "sam_solicitations" (organization_id, "last_notice_id");
CREATE INDEX "sam_solicitations_by_awardee" ON "sam_solicitations" (organization_id, "awardee");

CREATE TABLE "sam_notices" (
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    instance TEXT NOT NULL,
    created_at TEXT NOT NULL,
    title_key TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    indexed_at TEXT,
    row_hash BLOB NOT NULL,
    document_hash BLOB NOT NULL,
    "notice_id" TEXT NOT NULL DEFAULT '',
    "title" TEXT NOT NULL DEFAULT '',
    "solicitation_number" TEXT,
    "solicitation_id" TEXT,
    "type" TEXT,
    "base_type" TEXT,
    "active" INTEGER NOT NULL DEFAULT 0,
    "agency" TEXT,
    "office" TEXT,
    "office_code" TEXT,
    "posted_date" TEXT,
    "response_deadline" TEXT,
    "archive_date" TEXT,
    "archive_type" TEXT,
    "set_aside" TEXT,
    "set_aside_description" TEXT,
    "naics_code" TEXT,
    "naics_codes" TEXT,
    "classification_code" TEXT,
    "place_state" TEXT,
    "place_city" TEXT,
    "place_of_performance" TEXT,
    "office_address" TEXT,
    "points_of_contact" TEXT,
    "contact_name" TEXT,
    "contact_email" TEXT,
    "awardee" TEXT,
    "award_amount" REAL,
    "award_date" TEXT,
    "award_number" TEXT,
    "award" TEXT,
    "organization_type" TEXT,
    "additional_info_link" TEXT,
    "ui_link" TEXT,
    "resource_links" TEXT,
    "description_link" TEXT,
    "description" TEXT,
    "described_at" TEXT,
    raw BLOB,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "solicitation_id") REFERENCES "sam_solicitations" (organization_id, id)
);
CREATE UNIQUE INDEX "sam_notices_key" ON "sam_notices" (organization_id, instance, "notice_id");
CREATE INDEX "sam_notices_titles" ON "sam_notices" (organization_id, title_key, id);
CREATE INDEX "sam_notices_to_index" ON "sam_notices" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "sam_notices_deleted" ON "sam_notices" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "sam_notices_by_solicitation_number" ON "sam_notices" (organization_id, "solicitation_number");
CREATE INDEX "sam_notices_by_solicitation_id" ON "sam_notices" (organization_id, "solicitation_id");
CREATE INDEX "sam_notices_by_type" ON "sam_notices" (organization_id, "type");
CREATE INDEX "sam_notices_by_base_type" ON "sam_notices" (organization_id, "base_type");
CREATE INDEX "sam_notices_by_active" ON "sam_notices" (organization_id, "active");
CREATE INDEX "sam_notices_by_agency" ON "sam_notices" (organization_id, "agency");
CREATE INDEX "sam_notices_by_office_code" ON "sam_notices" (organization_id, "office_code");
CREATE INDEX "sam_notices_by_posted_date" ON "sam_notices" (organization_id, "posted_date");
CREATE INDEX "sam_notices_by_response_deadline" ON "sam_notices" (organization_id, "response_deadline");
CREATE INDEX "sam_notices_by_archive_date" ON "sam_notices" (organization_id, "archive_date");
CREATE INDEX "sam_notices_by_set_aside" ON "sam_notices" (organization_id, "set_aside");
CREATE INDEX "sam_notices_by_naics_code" ON "sam_notices" (organization_id, "naics_code");
CREATE INDEX "sam_notices_by_classification_code" ON "sam_notices" (organization_id, "classification_code");
CREATE INDEX "sam_notices_by_place_state" ON "sam_notices" (organization_id, "place_state");
CREATE INDEX "sam_notices_by_contact_email" ON "sam_notices" (organization_id, "contact_email");
CREATE INDEX "sam_notices_by_awardee" ON "sam_notices" (organization_id, "awardee");
CREATE INDEX "sam_notices_by_award_date" ON "sam_notices" (organization_id, "award_date");
CREATE INDEX "sam_notices_by_award_number" ON "sam_notices" (organization_id, "award_number");
CREATE INDEX "sam_notices_by_described_at" ON "sam_notices" (organization_id, "described_at");
CREATE TABLE "sam_notices_history" (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    history_number INTEGER NOT NULL,
    history_until TEXT NOT NULL,
    instance TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    row_hash BLOB NOT NULL,
    document_hash BLOB NOT NULL,
    "notice_id" TEXT NOT NULL DEFAULT '',
    "title" TEXT NOT NULL DEFAULT '',
    "solicitation_number" TEXT,
    "solicitation_id" TEXT,
    "type" TEXT,
    "base_type" TEXT,
    "active" INTEGER NOT NULL DEFAULT 0,
    "agency" TEXT,
    "office" TEXT,
    "office_code" TEXT,
    "posted_date" TEXT,
    "response_deadline" TEXT,
    "archive_date" TEXT,
    "archive_type" TEXT,
    "set_aside" TEXT,
    "set_aside_description" TEXT,
    "naics_code" TEXT,
    "naics_codes" TEXT,
    "classification_code" TEXT,
    "place_state" TEXT,
    "place_city" TEXT,
    "place_of_performance" TEXT,
    "office_address" TEXT,
    "points_of_contact" TEXT,
    "contact_name" TEXT,
    "contact_email" TEXT,
    "awardee" TEXT,
    "award_amount" REAL,
    "award_date" TEXT,
    "award_number" TEXT,
    "award" TEXT,
    "organization_type" TEXT,
    "additional_info_link" TEXT,
    "ui_link" TEXT,
    "resource_links" TEXT,
    "description_link" TEXT,
    "description" TEXT,
    "described_at" TEXT,
    raw BLOB,
    PRIMARY KEY (organization_id, id, history_number),
    FOREIGN KEY (organization_id, id) REFERENCES "sam_notices" (organization_id, id) ON DELETE CASCADE
);

-- +goose Down

DROP TABLE "sam_notices_history";
DROP TABLE "sam_notices";
DROP TABLE "sam_solicitations";
