-- +goose Up

-- Old events of this level are removed; the others stay as long as their runs.
CREATE INDEX run_events_debug ON run_events (organization_id, at) WHERE level = 'debug';

-- Runs that ended without success are few among those that ended, and tell why.
CREATE INDEX runs_dead ON runs (organization_id, created_at, id) WHERE error <> '';

-- +goose Down
DROP INDEX runs_dead;
DROP INDEX run_events_debug;
