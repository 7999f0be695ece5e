-- Printed from the declarations of connectors/web by go generate.

-- +goose Up

CREATE TABLE "scrape_collections" (
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
    "name" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "seeds" JSONB,
    "hosts" JSONB,
    raw BYTEA,
    PRIMARY KEY (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "scrape_collections_key" ON "scrape_collections" (organization_id, instance, "name");
CREATE INDEX "scrape_collections_titles" ON "scrape_collections" (organization_id, title_key, id);
CREATE INDEX "scrape_collections_to_index" ON "scrape_collections" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "scrape_collections_deleted" ON "scrape_collections" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE "scraped_assets" (
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
    "title" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "url" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection_id" TEXT COLLATE "C",
    "host" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "kind" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "depth" BIGINT NOT NULL DEFAULT 0,
    "text_hash" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "etag" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "last_modified" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "links" JSONB,
    "misses" BIGINT NOT NULL DEFAULT 0,
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
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, "collection_id") REFERENCES "scrape_collections" (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "scraped_assets_key" ON "scraped_assets" (organization_id, instance, "asset_key");
CREATE INDEX "scraped_assets_titles" ON "scraped_assets" (organization_id, title_key, id);
CREATE INDEX "scraped_assets_to_index" ON "scraped_assets" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "scraped_assets_deleted" ON "scraped_assets" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "scraped_assets_by_url" ON "scraped_assets" (organization_id, "url");
CREATE INDEX "scraped_assets_by_collection" ON "scraped_assets" (organization_id, "collection");
CREATE INDEX "scraped_assets_by_collection_id" ON "scraped_assets" (organization_id, "collection_id");
CREATE INDEX "scraped_assets_by_host" ON "scraped_assets" (organization_id, "host");
CREATE INDEX "scraped_assets_by_kind" ON "scraped_assets" (organization_id, "kind");
CREATE INDEX "scraped_assets_by_depth" ON "scraped_assets" (organization_id, "depth");
CREATE INDEX "scraped_assets_by_text_hash" ON "scraped_assets" (organization_id, "text_hash");
CREATE INDEX "scraped_assets_by_misses" ON "scraped_assets" (organization_id, "misses");
CREATE INDEX "scraped_assets_by_filename" ON "scraped_assets" (organization_id, "filename");
CREATE INDEX "scraped_assets_by_content_type" ON "scraped_assets" (organization_id, "content_type");
CREATE INDEX "scraped_assets_by_size" ON "scraped_assets" (organization_id, "size");
CREATE INDEX "scraped_assets_by_extractor" ON "scraped_assets" (organization_id, "extractor");
CREATE INDEX "scraped_assets_by_extraction_status" ON "scraped_assets" (organization_id, "extraction_status");
CREATE INDEX "scraped_assets_by_language" ON "scraped_assets" (organization_id, "language");
CREATE INDEX "scraped_assets_by_extracted_at" ON "scraped_assets" (organization_id, "extracted_at");
CREATE TABLE "scraped_assets_history" (
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
    "title" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "url" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection_id" TEXT COLLATE "C",
    "host" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "kind" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "depth" BIGINT NOT NULL DEFAULT 0,
    "text_hash" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "etag" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "last_modified" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "links" JSONB,
    "misses" BIGINT NOT NULL DEFAULT 0,
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
    FOREIGN KEY (organization_id, id) REFERENCES "scraped_assets" (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE "scrape_decisions" (
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
    "decision_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "url" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "collection" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "decision" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "reason" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "found_on" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "depth" BIGINT NOT NULL DEFAULT 0,
    raw BYTEA,
    PRIMARY KEY (organization_id, id)
) WITH (toast_tuple_target = 4080);
CREATE UNIQUE INDEX "scrape_decisions_key" ON "scrape_decisions" (organization_id, instance, "decision_key");
CREATE INDEX "scrape_decisions_titles" ON "scrape_decisions" (organization_id, title_key, id);
CREATE INDEX "scrape_decisions_to_index" ON "scrape_decisions" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX "scrape_decisions_deleted" ON "scrape_decisions" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX "scrape_decisions_by_collection" ON "scrape_decisions" (organization_id, "collection");
CREATE INDEX "scrape_decisions_by_decision" ON "scrape_decisions" (organization_id, "decision");
CREATE INDEX "scrape_decisions_by_reason" ON "scrape_decisions" (organization_id, "reason");
CREATE INDEX "scrape_decisions_by_found_on" ON "scrape_decisions" (organization_id, "found_on");

-- +goose Down

DROP TABLE "scrape_decisions";
DROP TABLE "scraped_assets_history";
DROP TABLE "scraped_assets";
DROP TABLE "scrape_collections";
