-- +goose Up

-- Old events of this level are removed; the others stay as long as their runs.
CREATE INDEX run_events_debug ON run_events (organization_id, at) WHERE level = 'debug';

-- Runs that ended without success are few among those that ended.
ALTER TABLE runs ADD COLUMN dead INTEGER GENERATED ALWAYS AS (status IN ('failed', 'timed_out')) VIRTUAL;
CREATE INDEX runs_dead ON runs (organization_id, created_at, id) WHERE dead;

-- +goose Down
DROP INDEX runs_dead;
ALTER TABLE runs DROP COLUMN dead;
DROP INDEX run_events_debug;
