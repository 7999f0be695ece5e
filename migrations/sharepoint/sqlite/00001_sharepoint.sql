-- Printed from the declarations of connectors/sharepoint by go generate.

-- +goose Up

CREATE TABLE "sharepoint_folders" (
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
    "item_key" TEXT NOT NULL DEFAULT '',
    "name" TEXT NOT NULL DEFAULT '',
    "parent_key" TEXT,
    "parent_folder_id" TEXT,
    "site" TEXT NOT NULL DEFAULT '',
    "library" TEXT NOT NULL DEFAULT '',
    "drive_id" TEXT NOT NULL DEFAULT '',
    "path" TEXT NOT NULL DEFAULT '',
    "web_url" TEXT,
    "etag" TEXT,
    "source_created_at" TEXT,
    "created_by" TEXT,
    "source_modified_at" TEXT,
    "modified_by" TEXT,
    raw BLOB,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "parent_folder_id") REFERENCES "sharepoint_folders" (organization_id, id)
);
CREATE UNIQUE INDEX "sharepoint_folders_key" ON "sharepoint_folders" (organization_id, instance, "item_key");
CREATE INDEX "sharepoint_folders_titles" ON "sharepoint_folders" (organization_id, title_key, id);
CREATE INDEX "sharepoint_folders_to_index" ON "sharepoint_folders" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "sharepoint_folders_deleted" ON "sharepoint_folders" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "sharepoint_folders_by_parent_key" ON "sharepoint_folders" (organization_id, "parent_key");
CREATE INDEX "sharepoint_folders_by_parent_folder_id" ON "sharepoint_folders" (organization_id, "parent_folder_id");
CREATE INDEX "sharepoint_folders_by_site" ON "sharepoint_folders" (organization_id, "site");
CREATE INDEX "sharepoint_folders_by_library" ON "sharepoint_folders" (organization_id, "library");
CREATE INDEX "sharepoint_folders_by_drive_id" ON "sharepoint_folders" (organization_id, "drive_id");
CREATE INDEX "sharepoint_folders_by_created_by" ON "sharepoint_folders" (organization_id, "created_by");
CREATE INDEX "sharepoint_folders_by_source_modified_at" ON "sharepoint_folders" (organization_id, "source_modified_at");
CREATE INDEX "sharepoint_folders_by_modified_by" ON "sharepoint_folders" (organization_id, "modified_by");

CREATE TABLE "sharepoint_documents" (
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
    "item_key" TEXT NOT NULL DEFAULT '',
    "parent_key" TEXT,
    "folder_id" TEXT,
    "site" TEXT NOT NULL DEFAULT '',
    "library" TEXT NOT NULL DEFAULT '',
    "drive_id" TEXT NOT NULL DEFAULT '',
    "path" TEXT NOT NULL DEFAULT '',
    "filename" TEXT NOT NULL DEFAULT '',
    "content_type" TEXT NOT NULL DEFAULT '',
    "size" INTEGER NOT NULL DEFAULT 0,
    "sha256" TEXT NOT NULL DEFAULT '',
    "object_key" TEXT NOT NULL DEFAULT '',
    "text" TEXT NOT NULL DEFAULT '',
    "extractor" TEXT NOT NULL DEFAULT '',
    "extraction_status" TEXT NOT NULL DEFAULT '',
    "quality" REAL NOT NULL DEFAULT 0,
    "language" TEXT NOT NULL DEFAULT '',
    "extraction_error" TEXT NOT NULL DEFAULT '',
    "extraction_started_at" TEXT,
    "extracted_at" TEXT,
    "locations" TEXT,
    "mime_type" TEXT,
    "extension" TEXT,
    "web_url" TEXT,
    "etag" TEXT,
    "ctag" TEXT,
    "source_created_at" TEXT,
    "created_by" TEXT,
    "source_modified_at" TEXT,
    "modified_by" TEXT,
    raw BLOB,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "folder_id") REFERENCES "sharepoint_folders" (organization_id, id)
);
CREATE UNIQUE INDEX "sharepoint_documents_key" ON "sharepoint_documents" (organization_id, instance, "item_key");
CREATE INDEX "sharepoint_documents_titles" ON "sharepoint_documents" (organization_id, title_key, id);
CREATE INDEX "sharepoint_documents_to_index" ON "sharepoint_documents" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "sharepoint_documents_deleted" ON "sharepoint_documents" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "sharepoint_documents_by_parent_key" ON "sharepoint_documents" (organization_id, "parent_key");
CREATE INDEX "sharepoint_documents_by_folder_id" ON "sharepoint_documents" (organization_id, "folder_id");
CREATE INDEX "sharepoint_documents_by_site" ON "sharepoint_documents" (organization_id, "site");
CREATE INDEX "sharepoint_documents_by_library" ON "sharepoint_documents" (organization_id, "library");
CREATE INDEX "sharepoint_documents_by_drive_id" ON "sharepoint_documents" (organization_id, "drive_id");
CREATE INDEX "sharepoint_documents_by_content_type" ON "sharepoint_documents" (organization_id, "content_type");
CREATE INDEX "sharepoint_documents_by_size" ON "sharepoint_documents" (organization_id, "size");
CREATE INDEX "sharepoint_documents_by_sha256" ON "sharepoint_documents" (organization_id, "sha256");
CREATE INDEX "sharepoint_documents_by_extractor" ON "sharepoint_documents" (organization_id, "extractor");
CREATE INDEX "sharepoint_documents_by_extraction_status" ON "sharepoint_documents" (organization_id, "extraction_status");
CREATE INDEX "sharepoint_documents_by_language" ON "sharepoint_documents" (organization_id, "language");
CREATE INDEX "sharepoint_documents_by_extracted_at" ON "sharepoint_documents" (organization_id, "extracted_at");
CREATE INDEX "sharepoint_documents_by_extension" ON "sharepoint_documents" (organization_id, "extension");
CREATE INDEX "sharepoint_documents_by_created_by" ON "sharepoint_documents" (organization_id, "created_by");
CREATE INDEX "sharepoint_documents_by_source_modified_at" ON "sharepoint_documents" (organization_id, "source_modified_at");
CREATE INDEX "sharepoint_documents_by_modified_by" ON "sharepoint_documents" (organization_id, "modified_by");

-- +goose Down

DROP TABLE "sharepoint_documents";
DROP TABLE "sharepoint_folders";
