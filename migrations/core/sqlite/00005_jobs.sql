-- +goose Up

-- A run may wait for a time (parked), belong to a parent and to a group, be tried
-- again, and be the only one of its kind.
-- Runs of a queue are claimed by priority, the highest first, then by age.
ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
-- When a run that waits may be claimed, in database time; a parked one waits until then.
ALTER TABLE runs ADD COLUMN not_before TEXT;
-- Why a parked run waits, for people.
ALTER TABLE runs ADD COLUMN wait_reason TEXT NOT NULL DEFAULT '';
-- At most one live run of a type has a key, in an organization.
ALTER TABLE runs ADD COLUMN unique_key TEXT NOT NULL DEFAULT '';
-- The id of what the run works on, of the resource type that its job declares.
ALTER TABLE runs ADD COLUMN resource_id TEXT NOT NULL DEFAULT '';
-- The run that started this one, and takes it along when it is cancelled.
ALTER TABLE runs ADD COLUMN parent_id TEXT NOT NULL DEFAULT '';
-- The group that is complete when all of its runs have ended.
ALTER TABLE runs ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
-- The group for whose completion a parked run waits.
ALTER TABLE runs ADD COLUMN after_group TEXT NOT NULL DEFAULT '';
-- The run that ended without success and of which this is another try.
ALTER TABLE runs ADD COLUMN replay_of TEXT NOT NULL DEFAULT '';
-- 32 hexadecimal digits that a run shares with those it starts.
ALTER TABLE runs ADD COLUMN trace_id TEXT NOT NULL DEFAULT '';
-- How often it is tried; 0 is what its job says. Failures counts those that failed.
ALTER TABLE runs ADD COLUMN max_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
-- How often in a row it lost its process or its database, since its last checkpoint.
ALTER TABLE runs ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
-- SQLite has no statement that changes a CHECK, and making the table anew would
-- cascade to all that refers to it. This is the way that its documentation gives.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''timed_out'', ''cancelled'')', '''timed_out'', ''cancelled'', ''parked'')') WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;

-- The runs of a queue that can be claimed, in their order, and those at work: few,
-- however many wait.
DROP INDEX runs_active;
CREATE INDEX runs_waiting ON runs (queue, priority DESC, created_at, id) WHERE status = 'pending';
CREATE INDEX runs_running ON runs (queue) WHERE status = 'running';
CREATE INDEX runs_parked ON runs (not_before) WHERE status = 'parked';
CREATE UNIQUE INDEX runs_unique ON runs (organization_id, type, unique_key) WHERE unique_key <> '' AND status IN ('pending', 'running', 'parked');
CREATE INDEX runs_by_parent ON runs (parent_id) WHERE parent_id <> '';
CREATE INDEX runs_by_group ON runs (group_id, status) WHERE group_id <> '';
CREATE INDEX runs_by_after_group ON runs (after_group) WHERE after_group <> '';
CREATE UNIQUE INDEX runs_by_replay ON runs (replay_of) WHERE replay_of <> '';

-- Who reads the events of an organization in order, from where it stopped, must not
-- pass over one that is committed late. Ids are given out before the commit; so the
-- events are read in the order of their transactions, and no further than the oldest
-- that is still open. SQLite has one writer, and 0 here.
ALTER TABLE run_events ADD COLUMN writer INTEGER NOT NULL DEFAULT 0;
DROP INDEX run_events_by_organization;
CREATE INDEX run_events_by_organization ON run_events (organization_id, writer, id);

-- Runs that belong together. A group is complete when it is sealed and none of its
-- runs is live.
CREATE TABLE run_groups (
    id              TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    label           TEXT NOT NULL,
    created_by      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    sealed          INTEGER NOT NULL DEFAULT 0,
    completed_at    TEXT,
    -- How many of its runs had ended how when it was complete.
    counts          TEXT
);
CREATE INDEX run_groups_by_organization ON run_groups (organization_id, created_at, id);

-- Which processes work on which queues, and on which types of runs. Each renews its
-- rows, in database time.
CREATE TABLE job_consumers (
    process     TEXT NOT NULL,
    queue       TEXT NOT NULL,
    types       TEXT NOT NULL,
    host        TEXT NOT NULL,
    since       TEXT NOT NULL,
    lease_until TEXT NOT NULL,
    PRIMARY KEY (process, queue)
);

-- When each schedule fires next, in database time. The process that moves it on
-- stores the runs in the same transaction.
CREATE TABLE job_schedules (
    name     TEXT PRIMARY KEY,
    cron     TEXT NOT NULL,
    zone     TEXT NOT NULL,
    next_at  TEXT NOT NULL,
    fired_at TEXT
);

-- +goose Down
DROP TABLE job_schedules;
DROP TABLE job_consumers;
DROP TABLE run_groups;
DROP INDEX run_events_by_organization;
ALTER TABLE run_events DROP COLUMN writer;
CREATE INDEX run_events_by_organization ON run_events (organization_id, id);
DROP INDEX runs_waiting;
DROP INDEX runs_running;
CREATE INDEX runs_active ON runs (queue, status, created_at, id) WHERE status IN ('pending', 'running');
DROP INDEX runs_parked;
DROP INDEX runs_unique;
DROP INDEX runs_by_parent;
DROP INDEX runs_by_group;
DROP INDEX runs_by_after_group;
DROP INDEX runs_by_replay;
UPDATE runs SET status = 'pending' WHERE status = 'parked';
ALTER TABLE runs DROP COLUMN lost;
ALTER TABLE runs DROP COLUMN failures;
ALTER TABLE runs DROP COLUMN max_attempts;
ALTER TABLE runs DROP COLUMN trace_id;
ALTER TABLE runs DROP COLUMN replay_of;
ALTER TABLE runs DROP COLUMN after_group;
ALTER TABLE runs DROP COLUMN group_id;
ALTER TABLE runs DROP COLUMN parent_id;
ALTER TABLE runs DROP COLUMN resource_id;
ALTER TABLE runs DROP COLUMN unique_key;
ALTER TABLE runs DROP COLUMN wait_reason;
ALTER TABLE runs DROP COLUMN not_before;
ALTER TABLE runs DROP COLUMN priority;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''timed_out'', ''cancelled'', ''parked'')', '''timed_out'', ''cancelled'')') WHERE type = 'table' AND name = 'runs';
PRAGMA writable_schema = RESET;
