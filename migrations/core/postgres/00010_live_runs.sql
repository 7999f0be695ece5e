-- +goose Up

-- A row that changes is written anew, and then entered into each index of its table
-- again, unless no index has a column that changed and there is room in its page. So
-- no index of runs knows the status: what waits and what works stands in two small
-- tables, and columns that few runs have tell the rest.

-- The unique key and the group of a run that has not ended.
ALTER TABLE runs
    ADD COLUMN live_key   TEXT COLLATE "C" GENERATED ALWAYS AS (CASE WHEN finished_at IS NULL THEN unique_key ELSE '' END) STORED,
    ADD COLUMN live_group TEXT COLLATE "C" GENERATED ALWAYS AS (CASE WHEN finished_at IS NULL THEN group_id ELSE '' END) STORED;
DROP INDEX runs_unique;
DROP INDEX runs_by_group;
DROP INDEX runs_parked;
CREATE UNIQUE INDEX runs_unique ON runs (organization_id, type, live_key) WHERE live_key <> '';
CREATE INDEX runs_by_group ON runs (group_id) WHERE group_id <> '';
CREATE INDEX runs_by_live_group ON runs (live_group) WHERE live_group <> '';
-- Only a parked run has a reason to wait.
CREATE INDEX runs_parked ON runs (not_before) WHERE wait_reason <> '';
-- Room in each page for its runs as they are claimed and end.
ALTER TABLE runs SET (fillfactor = 50);

-- The runs of a queue that can be claimed, in their order, and those at work. They
-- follow the table of runs.
DROP INDEX runs_waiting;
DROP INDEX runs_running;
CREATE TABLE waiting_runs (
    id         TEXT COLLATE "C" NOT NULL,
    queue      TEXT COLLATE "C" NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    priority   BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    not_before TIMESTAMPTZ
);
CREATE INDEX waiting_runs_in_order ON waiting_runs (queue, priority DESC, created_at, id);
CREATE TABLE working_runs (
    id    TEXT COLLATE "C" PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL
);
INSERT INTO waiting_runs SELECT id, queue, type, priority, created_at, not_before FROM runs WHERE status = 'pending';
INSERT INTO working_runs SELECT id, queue FROM runs WHERE status = 'running';

-- The rows are found by their indexes, whatever the planner thinks of tables that
-- are empty now and full a moment later.
-- +goose StatementBegin
CREATE FUNCTION place_runs() RETURNS TRIGGER LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    some_waited BOOLEAN;
    some_worked BOOLEAN;
    all_worked  BOOLEAN;
    some_wait   BOOLEAN;
    some_work   BOOLEAN;
    all_work    BOOLEAN;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT bool_or(status = 'pending'), bool_or(status = 'running'), bool_and(status = 'running')
            INTO some_waited, some_worked, all_worked FROM gone;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT bool_or(status = 'pending'), bool_or(status = 'running'), bool_and(status = 'running')
            INTO some_wait, some_work, all_work FROM come;
    END IF;
    IF all_worked AND all_work THEN
        RETURN NULL; -- they go on, as with each commit of a job
    END IF;
    IF some_waited THEN
        DELETE FROM waiting_runs AS w USING gone WHERE gone.status = 'pending'
            AND w.queue = gone.queue AND w.priority = gone.priority AND w.created_at = gone.created_at AND w.id = gone.id;
    END IF;
    IF some_worked THEN
        DELETE FROM working_runs AS w USING gone WHERE gone.status = 'running' AND w.id = gone.id;
    END IF;
    IF some_wait THEN
        INSERT INTO waiting_runs SELECT id, queue, type, priority, created_at, not_before FROM come WHERE status = 'pending';
    END IF;
    IF some_work THEN
        INSERT INTO working_runs SELECT id, queue FROM come WHERE status = 'running';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER runs_are_placed AFTER INSERT ON runs REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION place_runs();
CREATE TRIGGER runs_are_moved AFTER UPDATE ON runs REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION place_runs();
CREATE TRIGGER runs_leave_their_places AFTER DELETE ON runs REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION place_runs();

-- Events are looked up by their run.
ALTER TABLE run_events DROP CONSTRAINT run_events_pkey;
DROP INDEX run_events_by_run;
ALTER TABLE run_events ADD PRIMARY KEY (run_id, id);

-- +goose Down
ALTER TABLE run_events DROP CONSTRAINT run_events_pkey;
ALTER TABLE run_events ADD PRIMARY KEY (id);
CREATE INDEX run_events_by_run ON run_events (run_id, id);
DROP TRIGGER runs_are_placed ON runs;
DROP TRIGGER runs_are_moved ON runs;
DROP TRIGGER runs_leave_their_places ON runs;
DROP FUNCTION place_runs;
DROP TABLE working_runs;
DROP TABLE waiting_runs;
ALTER TABLE runs RESET (fillfactor);
DROP INDEX runs_unique;
DROP INDEX runs_by_group;
DROP INDEX runs_by_live_group;
DROP INDEX runs_parked;
ALTER TABLE runs DROP COLUMN live_group;
ALTER TABLE runs DROP COLUMN live_key;
CREATE INDEX runs_waiting ON runs (queue, priority DESC, created_at, id) WHERE status = 'pending';
CREATE INDEX runs_running ON runs (queue) WHERE status = 'running';
CREATE INDEX runs_parked ON runs (not_before) WHERE status = 'parked';
CREATE UNIQUE INDEX runs_unique ON runs (organization_id, type, unique_key) WHERE unique_key <> '' AND status IN ('pending', 'running', 'parked');
CREATE INDEX runs_by_group ON runs (group_id, status) WHERE group_id <> '';
