-- Printed from the declarations of connectors/samgov by go generate.

-- +goose Up

CREATE TABLE "sam_solicitations" (
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    instance TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    title_key TEXT COLLATE "C" NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    indexed_at TIMESTAMPTZ,
    row_hash BYTEA NOT NULL,
    document_hash BYTEA NOT NULL,
    "solicitation_number" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "title" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "type" TEXT COLLATE "C",
    "active" BOOLEAN NOT NULL DEFAULT FALSE,
    "agency" TEXT COLLATE "C",
    "office" TEXT COLLATE "C",
    "first_posted_date" DATE,
    "last_posted_date" DATE,
    "response_deadline" TIMESTAMPTZ,
    "set_aside" TEXT COLLATE "C",
    "naics_code" TEXT COLLATE "C",
    "classification_code" TEXT COLLATE "C",
    "place_state" TEXT COLLATE "C",
    "notice_count" BIGINT NOT NULL DEFAULT 0,
    "last_notice_id" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "awardee" TEXT COLLATE "C",
    "award_amount" DOUBLE PRECISION,
    "contact_name" TEXT COLLATE "C",
    "ui_link" TEXT COLLATE "C",
    "description" TEXT COLLATE "C",
    raw BYTEA,
    PRIMARY KEY (organization_id, id)
) WITH (toast_tuple_target = 4080);
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
    id TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    instance TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    title_key TEXT COLLATE "C" NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    indexed_at TIMESTAMPTZ,
    row_hash BYTEA NOT NULL,
    document_hash BYTEA NOT NULL,
    "notice_id" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "title" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "solicitation_number" TEXT COLLATE "C",
    "solicitation_id" TEXT COLLATE "C",
    "type" TEXT COLLATE "C",
    "base_type" TEXT COLLATE "C",
    "active" BOOLEAN NOT NULL DEFAULT FALSE,
    "agency" TEXT COLLATE "C",
    "office" TEXT COLLATE "C",
    "office_code" TEXT COLLATE "C",
    "posted_date" DATE,
    "response_deadline" TIMESTAMPTZ,
    "archive_date" DATE,
    "archive_type" TEXT COLLATE "C",
    "set_aside" TEXT COLLATE "C",
    "set_aside_description" TEXT COLLATE "C",
    "naics_code" TEXT COLLATE "C",
    "naics_codes" JSONB,
    "classification_code" TEXT COLLATE "C",
    "place_state" TEXT COLLATE "C",
    "place_city" TEXT COLLATE "C",
    "place_of_performance" JSONB,
    "office_address" JSONB,
    "points_of_contact" JSONB,
    "contact_name" TEXT COLLATE "C",
    "contact_email" TEXT COLLATE "C",
    "awardee" TEXT COLLATE "C",
    "award_amount" DOUBLE PRECISION,
    "award_date" DATE,
    "award_number" TEXT COLLATE "C",
    "award" JSONB,
    "organization_type" TEXT COLLATE "C",
    "additional_info_link" TEXT COLLATE "C",
    "ui_link" TEXT COLLATE "C",
    "resource_links" JSONB,
    "description_link" TEXT COLLATE "C",
    "description" TEXT COLLATE "C",
    "described_at" TIMESTAMPTZ,
    raw BYTEA,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "solicitation_id") REFERENCES "sam_solicitations" (organization_id, id)
) WITH (toast_tuple_target = 4080);
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
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    history_number BIGINT NOT NULL,
    history_until TIMESTAMPTZ NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    row_hash BYTEA NOT NULL,
    document_hash BYTEA NOT NULL,
    "notice_id" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "title" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "solicitation_number" TEXT COLLATE "C",
    "solicitation_id" TEXT COLLATE "C",
    "type" TEXT COLLATE "C",
    "base_type" TEXT COLLATE "C",
    "active" BOOLEAN NOT NULL DEFAULT FALSE,
    "agency" TEXT COLLATE "C",
    "office" TEXT COLLATE "C",
    "office_code" TEXT COLLATE "C",
    "posted_date" DATE,
    "response_deadline" TIMESTAMPTZ,
    "archive_date" DATE,
    "archive_type" TEXT COLLATE "C",
    "set_aside" TEXT COLLATE "C",
    "set_aside_description" TEXT COLLATE "C",
    "naics_code" TEXT COLLATE "C",
    "naics_codes" JSONB,
    "classification_code" TEXT COLLATE "C",
    "place_state" TEXT COLLATE "C",
    "place_city" TEXT COLLATE "C",
    "place_of_performance" JSONB,
    "office_address" JSONB,
    "points_of_contact" JSONB,
    "contact_name" TEXT COLLATE "C",
    "contact_email" TEXT COLLATE "C",
    "awardee" TEXT COLLATE "C",
    "award_amount" DOUBLE PRECISION,
    "award_date" DATE,
    "award_number" TEXT COLLATE "C",
    "award" JSONB,
    "organization_type" TEXT COLLATE "C",
    "additional_info_link" TEXT COLLATE "C",
    "ui_link" TEXT COLLATE "C",
    "resource_links" JSONB,
    "description_link" TEXT COLLATE "C",
    "description" TEXT COLLATE "C",
    "described_at" TIMESTAMPTZ,
    raw BYTEA,
    PRIMARY KEY (organization_id, id, history_number),
    FOREIGN KEY (organization_id, id) REFERENCES "sam_notices" (organization_id, id) ON DELETE CASCADE
);

-- +goose Down

DROP TABLE "sam_notices_history";
DROP TABLE "sam_notices";
DROP TABLE "sam_solicitations";
