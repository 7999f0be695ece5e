-- +goose Up

-- The unique key and the group of a run that has not ended.
ALTER TABLE runs ADD COLUMN live_key TEXT GENERATED ALWAYS AS (CASE WHEN finished_at IS NULL THEN unique_key ELSE '' END) VIRTUAL;
ALTER TABLE runs ADD COLUMN live_group TEXT GENERATED ALWAYS AS (CASE WHEN finished_at IS NULL THEN group_id ELSE '' END) VIRTUAL;
DROP INDEX runs_unique;
DROP INDEX runs_by_group;
DROP INDEX runs_parked;
CREATE UNIQUE INDEX runs_unique ON runs (organization_id, type, live_key) WHERE live_key <> '';
CREATE INDEX runs_by_group ON runs (group_id) WHERE group_id <> '';
CREATE INDEX runs_by_live_group ON runs (live_group) WHERE live_group <> '';
-- Only a parked run has a reason to wait.
CREATE INDEX runs_parked ON runs (not_before) WHERE wait_reason <> '';

-- The runs of a queue that can be claimed, and those at work. On Postgres they are
-- tables; here an index with the status costs little.
CREATE VIEW waiting_runs AS SELECT id, queue, type, priority, created_at, not_before FROM runs WHERE status = 'pending';
CREATE VIEW working_runs AS SELECT id, queue FROM runs WHERE status = 'running';

-- +goose Down
DROP VIEW working_runs;
DROP VIEW waiting_runs;
DROP INDEX runs_unique;
DROP INDEX runs_by_group;
DROP INDEX runs_by_live_group;
DROP INDEX runs_parked;
ALTER TABLE runs DROP COLUMN live_group;
ALTER TABLE runs DROP COLUMN live_key;
CREATE INDEX runs_parked ON runs (not_before) WHERE status = 'parked';
CREATE UNIQUE INDEX runs_unique ON runs (organization_id, type, unique_key) WHERE unique_key <> '' AND status IN ('pending', 'running', 'parked');
CREATE INDEX runs_by_group ON runs (group_id, status) WHERE group_id <> '';
