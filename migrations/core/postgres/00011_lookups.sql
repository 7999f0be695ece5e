-- +goose Up

-- Who follows an organization's events goes on behind one of which it knows the id
-- alone. Ids grow as the table does, so the little that this index keeps of each
-- stretch of it is enough, and costs an event next to nothing.
CREATE INDEX run_events_by_id ON run_events USING brin (id) WITH (pages_per_range = 4, autosummarize = on);
-- Old events of this level are removed; the others stay as long as their runs.
CREATE INDEX run_events_debug ON run_events (organization_id, at) WHERE level = 'debug';

-- Runs that ended without success are few among those that ended, and tell why.
CREATE INDEX runs_dead ON runs (organization_id, created_at, id) WHERE error <> '';

-- +goose Down
DROP INDEX runs_dead;
DROP INDEX run_events_debug;
DROP INDEX run_events_by_id;
