-- Printed from the declarations of content/asset by go generate.

-- +goose Up

CREATE TABLE "assets" (
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
    "asset_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "source" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "path" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "folder" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "url" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "part" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "parent_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "folder_id" TEXT COLLATE "C",
    "notice_id" TEXT COLLATE "C",
    "page_id" TEXT COLLATE "C",
    "source_version" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "source_created_at" TIMESTAMPTZ,
    "created_by" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "source_modified_at" TIMESTAMPTZ,
    "modified_by" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "details" JSONB,
    "filename" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "content_type" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "size" BIGINT NOT NULL DEFAULT 0,
    "sha256" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "object_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "text" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extractor" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_status" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "quality" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "language" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_error" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_started_at" TIMESTAMPTZ,
    "extracted_at" TIMESTAMPTZ,
    "locations" JSONB,
    raw BYTEA,
    PRIMARY KEY (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "assets_key" ON "assets" (organization_id, instance, "asset_key");
CREATE INDEX "assets_titles" ON "assets" (organization_id, title_key, id);
CREATE INDEX "assets_to_index" ON "assets" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "assets_deleted" ON "assets" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "assets_by_source" ON "assets" (organization_id, "source");
CREATE INDEX "assets_by_path" ON "assets" (organization_id, "path");
CREATE INDEX "assets_by_folder" ON "assets" (organization_id, "folder");
CREATE INDEX "assets_by_collection" ON "assets" (organization_id, "collection");
CREATE INDEX "assets_by_url" ON "assets" (organization_id, "url");
CREATE INDEX "assets_by_part" ON "assets" (organization_id, "part");
CREATE INDEX "assets_by_parent_key" ON "assets" (organization_id, "parent_key");
CREATE INDEX "assets_by_folder_id" ON "assets" (organization_id, "folder_id");
CREATE INDEX "assets_by_notice_id" ON "assets" (organization_id, "notice_id");
CREATE INDEX "assets_by_page_id" ON "assets" (organization_id, "page_id");
CREATE INDEX "assets_by_source_created_at" ON "assets" (organization_id, "source_created_at");
CREATE INDEX "assets_by_created_by" ON "assets" (organization_id, "created_by");
CREATE INDEX "assets_by_source_modified_at" ON "assets" (organization_id, "source_modified_at");
CREATE INDEX "assets_by_modified_by" ON "assets" (organization_id, "modified_by");
CREATE INDEX "assets_by_content_type" ON "assets" (organization_id, "content_type");
CREATE INDEX "assets_by_size" ON "assets" (organization_id, "size");
CREATE INDEX "assets_by_sha256" ON "assets" (organization_id, "sha256");
CREATE INDEX "assets_by_extractor" ON "assets" (organization_id, "extractor");
CREATE INDEX "assets_by_extraction_status" ON "assets" (organization_id, "extraction_status");
CREATE INDEX "assets_by_language" ON "assets" (organization_id, "language");
CREATE INDEX "assets_by_extracted_at" ON "assets" (organization_id, "extracted_at");
CREATE TABLE "assets_history" (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    history_number BIGINT NOT NULL,
    history_until TIMESTAMPTZ NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    row_hash BYTEA NOT NULL,
    document_hash BYTEA NOT NULL,
    "asset_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "source" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "path" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "folder" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "url" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "part" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "parent_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "folder_id" TEXT COLLATE "C",
    "notice_id" TEXT COLLATE "C",
    "page_id" TEXT COLLATE "C",
    "source_version" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "source_created_at" TIMESTAMPTZ,
    "created_by" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "source_modified_at" TIMESTAMPTZ,
    "modified_by" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "details" JSONB,
    "filename" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "content_type" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "size" BIGINT NOT NULL DEFAULT 0,
    "sha256" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "object_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "text" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extractor" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_status" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "quality" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "language" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_error" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_started_at" TIMESTAMPTZ,
    "extracted_at" TIMESTAMPTZ,
    "locations" JSONB,
    raw BYTEA,
    PRIMARY KEY (organization_id, id, history_number),
    FOREIGN KEY (organization_id, id) REFERENCES "assets" (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE "extraction_results" (
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
    "asset_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "asset_id" TEXT COLLATE "C",
    "source" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "path" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "filename" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "sha256" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "characters" BIGINT NOT NULL DEFAULT 0,
    "extractor" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_status" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "quality" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "language" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_error" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_started_at" TIMESTAMPTZ,
    "extracted_at" TIMESTAMPTZ,
    "locations" JSONB,
    raw BYTEA,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "asset_id") REFERENCES "assets" (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "extraction_results_key" ON "extraction_results" (organization_id, instance, "asset_key");
CREATE INDEX "extraction_results_titles" ON "extraction_results" (organization_id, title_key, id);
CREATE INDEX "extraction_results_to_index" ON "extraction_results" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "extraction_results_deleted" ON "extraction_results" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "extraction_results_by_asset_id" ON "extraction_results" (organization_id, "asset_id");
CREATE INDEX "extraction_results_by_source" ON "extraction_results" (organization_id, "source");
CREATE INDEX "extraction_results_by_path" ON "extraction_results" (organization_id, "path");
CREATE INDEX "extraction_results_by_filename" ON "extraction_results" (organization_id, "filename");
CREATE INDEX "extraction_results_by_extractor" ON "extraction_results" (organization_id, "extractor");
CREATE INDEX "extraction_results_by_extraction_status" ON "extraction_results" (organization_id, "extraction_status");
CREATE INDEX "extraction_results_by_language" ON "extraction_results" (organization_id, "language");
CREATE INDEX "extraction_results_by_extracted_at" ON "extraction_results" (organization_id, "extracted_at");
CREATE TABLE "extraction_results_history" (
    organization_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    history_number BIGINT NOT NULL,
    history_until TIMESTAMPTZ NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    row_hash BYTEA NOT NULL,
    document_hash BYTEA NOT NULL,
    "asset_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "asset_id" TEXT COLLATE "C",
    "source" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "path" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "filename" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "sha256" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "characters" BIGINT NOT NULL DEFAULT 0,
    "extractor" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_status" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "quality" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "language" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_error" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "extraction_started_at" TIMESTAMPTZ,
    "extracted_at" TIMESTAMPTZ,
    "locations" JSONB,
    raw BYTEA,
    PRIMARY KEY (organization_id, id, history_number),
    FOREIGN KEY (organization_id, id) REFERENCES "extraction_results" (organization_id, id) ON DELETE CASCADE
);

-- +goose Down

DROP TABLE "extraction_results_history";
DROP TABLE "extraction_results";
DROP TABLE "assets_history";
DROP TABLE "assets";
