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

-- +goose Down

DROP TABLE "sharepoint_folders";
