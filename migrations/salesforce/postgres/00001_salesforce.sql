-- Printed from the declarations of connectors/salesforce by go generate.

-- +goose Up

CREATE TABLE "salesforce_accounts" (
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
    "salesforce_id" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "name" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "type" TEXT COLLATE "C",
    "industry" TEXT COLLATE "C",
    "phone" TEXT COLLATE "C",
    "website" TEXT COLLATE "C",
    "annual_revenue" DOUBLE PRECISION,
    "number_of_employees" BIGINT,
    "description" TEXT COLLATE "C",
    "billing_address" JSONB,
    "shipping_address" JSONB,
    "small_business_flags" JSONB,
    "owner_salesforce_id" TEXT COLLATE "C",
    "parent_salesforce_id" TEXT COLLATE "C",
    "parent_account_id" TEXT COLLATE "C",
    "salesforce_created_at" TIMESTAMPTZ,
    "salesforce_modified_at" TIMESTAMPTZ,
    raw BYTEA,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "parent_account_id") REFERENCES "salesforce_accounts" (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "salesforce_accounts_key" ON "salesforce_accounts" (organization_id, instance, "salesforce_id");
CREATE INDEX "salesforce_accounts_titles" ON "salesforce_accounts" (organization_id, title_key, id);
CREATE INDEX "salesforce_accounts_to_index" ON "salesforce_accounts" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "salesforce_accounts_deleted" ON "salesforce_accounts" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "salesforce_accounts_by_type" ON "salesforce_accounts" (organization_id, "type");
CREATE INDEX "salesforce_accounts_by_industry" ON "salesforce_accounts" (organization_id, "industry");
CREATE INDEX "salesforce_accounts_by_owner_salesforce_id" ON "salesforce_accounts" (organization_id, "owner_salesforce_id");
CREATE INDEX "salesforce_accounts_by_parent_salesforce_id" ON "salesforce_accounts" (organization_id, "parent_salesforce_id");
CREATE INDEX "salesforce_accounts_by_parent_account_id" ON "salesforce_accounts" (organization_id, "parent_account_id");

CREATE TABLE "salesforce_contacts" (
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
    "salesforce_id" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "first_name" TEXT COLLATE "C",
    "last_name" TEXT COLLATE "C",
    "title" TEXT COLLATE "C",
    "department" TEXT COLLATE "C",
    "email" TEXT COLLATE "C",
    "phone" TEXT COLLATE "C",
    "mobile_phone" TEXT COLLATE "C",
    "mailing_address" JSONB,
    "is_current_employee" BOOLEAN,
    "account_salesforce_id" TEXT COLLATE "C",
    "account_id" TEXT COLLATE "C",
    "owner_salesforce_id" TEXT COLLATE "C",
    "salesforce_created_at" TIMESTAMPTZ,
    "salesforce_modified_at" TIMESTAMPTZ,
    raw BYTEA,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "account_id") REFERENCES "salesforce_accounts" (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "salesforce_contacts_key" ON "salesforce_contacts" (organization_id, instance, "salesforce_id");
CREATE INDEX "salesforce_contacts_titles" ON "salesforce_contacts" (organization_id, title_key, id);
CREATE INDEX "salesforce_contacts_to_index" ON "salesforce_contacts" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "salesforce_contacts_deleted" ON "salesforce_contacts" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "salesforce_contacts_by_first_name" ON "salesforce_contacts" (organization_id, "first_name");
CREATE INDEX "salesforce_contacts_by_last_name" ON "salesforce_contacts" (organization_id, "last_name");
CREATE INDEX "salesforce_contacts_by_department" ON "salesforce_contacts" (organization_id, "department");
CREATE INDEX "salesforce_contacts_by_email" ON "salesforce_contacts" (organization_id, "email");
CREATE INDEX "salesforce_contacts_by_is_current_employee" ON "salesforce_contacts" (organization_id, "is_current_employee");
CREATE INDEX "salesforce_contacts_by_account_salesforce_id" ON "salesforce_contacts" (organization_id, "account_salesforce_id");
CREATE INDEX "salesforce_contacts_by_account_id" ON "salesforce_contacts" (organization_id, "account_id");
CREATE INDEX "salesforce_contacts_by_owner_salesforce_id" ON "salesforce_contacts" (organization_id, "owner_salesforce_id");

CREATE TABLE "salesforce_opportunities" (
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
    "salesforce_id" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "name" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "stage_name" TEXT COLLATE "C",
    "amount" DOUBLE PRECISION,
    "probability" DOUBLE PRECISION,
    "close_date" DATE,
    "is_closed" BOOLEAN,
    "is_won" BOOLEAN,
    "type" TEXT COLLATE "C",
    "lead_source" TEXT COLLATE "C",
    "description" TEXT COLLATE "C",
    "next_step" TEXT COLLATE "C",
    "fiscal_year" BIGINT,
    "custom_dates" JSONB,
    "account_salesforce_id" TEXT COLLATE "C",
    "account_id" TEXT COLLATE "C",
    "owner_salesforce_id" TEXT COLLATE "C",
    "linked_sharepoint_folder_id" TEXT COLLATE "C",
    "linked_sam_solicitation_id" TEXT COLLATE "C",
    "salesforce_created_at" TIMESTAMPTZ,
    "salesforce_modified_at" TIMESTAMPTZ,
    raw BYTEA,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "account_id") REFERENCES "salesforce_accounts" (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "salesforce_opportunities_key" ON "salesforce_opportunities" (organization_id, instance, "salesforce_id");
CREATE INDEX "salesforce_opportunities_titles" ON "salesforce_opportunities" (organization_id, title_key, id);
CREATE INDEX "salesforce_opportunities_to_index" ON "salesforce_opportunities" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "salesforce_opportunities_deleted" ON "salesforce_opportunities" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "salesforce_opportunities_by_stage_name" ON "salesforce_opportunities" (organization_id, "stage_name");
CREATE INDEX "salesforce_opportunities_by_close_date" ON "salesforce_opportunities" (organization_id, "close_date");
CREATE INDEX "salesforce_opportunities_by_is_closed" ON "salesforce_opportunities" (organization_id, "is_closed");
CREATE INDEX "salesforce_opportunities_by_is_won" ON "salesforce_opportunities" (organization_id, "is_won");
CREATE INDEX "salesforce_opportunities_by_type" ON "salesforce_opportunities" (organization_id, "type");
CREATE INDEX "salesforce_opportunities_by_lead_source" ON "salesforce_opportunities" (organization_id, "lead_source");
CREATE INDEX "salesforce_opportunities_by_fiscal_year" ON "salesforce_opportunities" (organization_id, "fiscal_year");
CREATE INDEX "salesforce_opportunities_by_account_salesforce_id" ON "salesforce_opportunities" (organization_id, "account_salesforce_id");
CREATE INDEX "salesforce_opportunities_by_account_id" ON "salesforce_opportunities" (organization_id, "account_id");
CREATE INDEX "salesforce_opportunities_by_owner_salesforce_id" ON "salesforce_opportunities" (organization_id, "owner_salesforce_id");
CREATE INDEX "salesforce_opportunities_by_linked_sharepoint_folder_id" ON "salesforce_opportunities" (organization_id, "linked_sharepoint_folder_id");
CREATE INDEX "salesforce_opportunities_by_linked_sam_solicitation_id" ON "salesforce_opportunities" (organization_id, "linked_sam_solicitation_id");

-- +goose Down

DROP TABLE "salesforce_opportunities";
DROP TABLE "salesforce_contacts";
DROP TABLE "salesforce_accounts";
