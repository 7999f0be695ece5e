package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// The phases of a run of maintenance, in their order.
const (
	PhaseExpired   = "expired runs"
	PhasePurge     = "purging"
	PhaseTemporary = "temporary objects"
	PhaseRetention = "retention"
)

// Maintenance says what is kept for how long; times that are negative are refused by
// [Service.Start]. Its zero value keeps runs and events for 90 days and does nothing
// else.
type Maintenance struct {
	KeepRuns   time.Duration // since they ended, and their group is complete; 0 means 90 days
	KeepEvents time.Duration // of level debug, since they were written; 0 means 14 days
	// Purge removes for good the rows of an organization that were deleted softly
	// before a time, and returns how many. Nil: none are.
	Purge       func(ctx context.Context, task *Task, before time.Time) (int64, error)
	KeepDeleted time.Duration // before they are purged; 0 means 30 days
	// Temporary removes what ended runs of an organization have left in an object
	// store, and returns how many objects. Nil: there is none.
	Temporary func(ctx context.Context, task *Task) (int, error)
	// Schedule is when it is done; the zero Schedule is each night at 3:17 UTC.
	Schedule Schedule
}

// A Maintained is the result of a run of maintenance.
type Maintained struct {
	Expired   int   `json:"expired"`   // runs that were taken from processes which ended
	Purged    int64 `json:"purged"`    // rows
	Temporary int   `json:"temporary"` // objects
	Runs      int64 `json:"runs"`      // that were removed, with their events and groups
	Events    int64 `json:"events"`    // of level debug
}

// RegisterMaintenance adds the job that keeps the database small and right, for
// each organization at a time of day, in the queue [QueueMaintenance]. It can
// also be started by hand.
func RegisterMaintenance(s *Service, m Maintenance) *Typed[struct{}] {
	if m.KeepRuns < 0 || m.KeepEvents < 0 || m.KeepDeleted < 0 {
		s.mistake(fmt.Errorf("%w: Maintenance keeps something for a negative time; 0 means the default", content.ErrInvalid))
	}
	job := Register(s, Job{Type: "maintenance", Label: "Maintenance", Icon: "wrench", Color: "gray", Queue: QueueMaintenance, Timeout: time.Hour,
		Phases: []string{PhaseExpired, PhasePurge, PhaseTemporary, PhaseRetention}, Resumable: true},
		func(ctx context.Context, task *Task, _ struct{}) (any, error) { return s.maintain(ctx, task, m) })
	sc := m.Schedule
	if sc.Name == "" {
		sc.Name = "maintenance"
	}
	if sc.Cron == "" {
		sc.Cron = "17 3 * * *"
	}
	job.Schedule(sc, struct{}{})
	return job
}

// maintain does each part although another one has failed.
func (s *Service) maintain(ctx context.Context, task *Task, m Maintenance) (done Maintained, _ error) {
	var errs []error
	organization, err := s.authority.Organization(task.Scope())
	if err != nil {
		return done, err
	}
	task.Progress(PhaseExpired, 0, 4)
	due, err := s.overdue(ctx)
	errs = append(errs, err)
	for _, r := range due {
		if r.organization == organization && r.expired && !s.holds(r.id) {
			moved, err := s.reclaim(ctx, r)
			if errs = append(errs, err); moved {
				done.Expired++
			}
		}
	}
	task.Progress(PhasePurge, 1, 4)
	if m.Purge != nil {
		done.Purged, err = m.Purge(ctx, task, s.now().Add(-orElse(m.KeepDeleted, 30*24*time.Hour)))
		errs = append(errs, err)
	}
	task.Progress(PhaseTemporary, 2, 4)
	if m.Temporary != nil {
		done.Temporary, err = m.Temporary(ctx, task)
		errs = append(errs, err)
	}
	task.Progress(PhaseRetention, 3, 4)
	done.Events, err = removeEvents(ctx, task, organization, s.now().Add(-orElse(m.KeepEvents, 14*24*time.Hour)))
	errs = append(errs, err)
	before := s.now().Add(-orElse(m.KeepRuns, 90*24*time.Hour))
	done.Runs, err = removeRuns(ctx, task, organization, before)
	errs = append(errs, err, removeGroups(ctx, task, organization, before))
	task.Progress(PhaseRetention, 4, 4)
	return done, errors.Join(errs...)
}

func orElse(d, usual time.Duration) time.Duration {
	if d == 0 {
		return usual
	}
	return d
}

// chunk is how many rows are removed in one transaction.
const chunk = 500

// removeRuns removes runs that ended long ago, and what hangs on them.
func removeRuns(ctx context.Context, task *Task, organization string, before time.Time) (removed int64, err error) {
	for {
		var n int64
		err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			d := tx.Dialect()
			var ids []string
			// Created before it ended, so that the index of an organization's runs serves.
			// Those of a group that is not complete are still counted.
			if err := tx.Select(ctx, &ids, `SELECT id FROM runs WHERE organization_id = ? AND created_at < ? AND finished_at < ?
AND NOT EXISTS (SELECT 1 FROM run_groups AS g WHERE g.id = runs.group_id AND runs.group_id <> '' AND g.completed_at IS NULL) ORDER BY created_at, id LIMIT ?`,
				organization, d.Time(before), d.Time(before), chunk); err != nil || len(ids) == 0 {
				return err
			}
			these, arg := anyOf(d, "run_id", ids)
			if _, err := tx.Exec(ctx, "DELETE FROM run_keys WHERE set_id IN (SELECT id FROM run_key_sets WHERE "+these+")", arg); err != nil {
				return err
			}
			these, arg = anyOf(d, "id", ids)
			n, err = tx.Exec(ctx, "DELETE FROM runs WHERE "+these, arg)
			return err
		})
		removed += n
		if err != nil || n == 0 {
			return removed, wrap("remove old runs", err)
		}
	}
}

// removeGroups removes groups that were complete long ago, whose runs are gone.
func removeGroups(ctx context.Context, task *Task, organization string, before time.Time) error {
	for {
		var n int64
		err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			n, err = tx.Exec(ctx, `DELETE FROM run_groups WHERE id IN (SELECT id FROM run_groups AS g WHERE organization_id = ? AND created_at < ? AND completed_at < ?
AND NOT EXISTS (SELECT 1 FROM runs WHERE group_id = g.id AND group_id <> '') AND NOT EXISTS (SELECT 1 FROM runs WHERE after_group = g.id AND after_group <> '') LIMIT ?)`,
				organization, tx.Dialect().Time(before), tx.Dialect().Time(before), chunk)
			return err
		})
		if err != nil || n == 0 {
			return wrap("remove old groups", err)
		}
	}
}

// removeEvents removes the events that only help to look for a cause, when
// nobody will look any more.
func removeEvents(ctx context.Context, task *Task, organization string, before time.Time) (removed int64, err error) {
	for {
		var n int64
		err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			n, err = tx.Exec(ctx, `DELETE FROM run_events WHERE (run_id, id) IN (SELECT e.run_id, e.id FROM run_events e JOIN runs r ON r.id = e.run_id
WHERE e.organization_id = ? AND e.level = 'debug' AND e.at < ? AND r.status NOT IN ('pending', 'running', 'parked') LIMIT ?)`,
				organization, tx.Dialect().Time(before), chunk)
			return err
		})
		removed += n
		if err != nil || n == 0 {
			return removed, wrap("remove old events", err)
		}
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
