package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A QueueHealth is how a queue stands.
type QueueHealth struct {
	Queue     string        `json:"queue"`
	Label     string        `json:"label"`
	Pending   int           `json:"pending"` // that could begin now
	Later     int           `json:"later"`   // pending and parked that wait for a time or a group
	Running   int           `json:"running"`
	Expired   int           `json:"expired"` // running past their lease; more than 0 for more than a moment means that no process sweeps
	OldestAge time.Duration `json:"oldest_age"`
	Consumers []Consumer    `json:"consumers"` // the processes that work on it
}

// Health tells how each queue stands, the declared ones and those in which runs
// wait. It counts runs of all organizations and is for whoever operates the
// program, not for one of them.
func (s *Service) Health(ctx context.Context) (all []QueueHealth, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		all, err = s.health(ctx, tx)
		return err
	})
	return all, err
}

func (s *Service) health(ctx context.Context, tx *database.Tx) ([]QueueHealth, error) {
	byName := map[string]*QueueHealth{}
	for name, q := range s.queues {
		byName[name] = &QueueHealth{Queue: name, Label: q.Label}
	}
	live, err := consumers(ctx, tx)
	if err != nil {
		return nil, err
	}
	d := tx.Dialect()
	rows, err := tx.Query(ctx, `SELECT queue, count(CASE WHEN `+ready(d)+` THEN 1 END), count(CASE WHEN status <> 'running' AND NOT (`+ready(d)+`) THEN 1 END),
count(CASE WHEN status = 'running' THEN 1 END), count(CASE WHEN status = 'running' AND (lease_until IS NULL OR lease_until < `+d.Now()+`) THEN 1 END),
min(CASE WHEN `+ready(d)+` THEN COALESCE(not_before, created_at) END), `+d.Now()+`
FROM (SELECT queue, 'pending' AS status, not_before, created_at, CAST(NULL AS TIMESTAMPTZ) AS lease_until FROM waiting_runs
UNION ALL SELECT runs.queue, 'running', NULL, runs.created_at, lease_until FROM working_runs AS w JOIN runs ON runs.id = w.id
UNION ALL SELECT queue, 'parked', not_before, created_at, NULL FROM runs WHERE wait_reason <> '' AND status = 'parked') AS live GROUP BY queue`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h QueueHealth
		var oldest *time.Time
		var now time.Time
		if err := rows.Scan(&h.Queue, &h.Pending, &h.Later, &h.Running, &h.Expired, database.ScanNullTime(&oldest), database.ScanTime(&now)); err != nil {
			return nil, err
		}
		if oldest != nil {
			h.OldestAge = max(0, now.Sub(*oldest))
		}
		h.Label = h.Queue
		if q := s.queues[h.Queue]; q != nil {
			h.Label = q.Label
		}
		byName[h.Queue] = &h
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var all []QueueHealth
	for _, name := range sorted(byName) {
		byName[name].Consumers = live[name]
		all = append(all, *byName[name])
	}
	return all, nil
}

// Preflight names the declared queues on which no live process works at this
// moment, whatever Config.Remote says, and the declared jobs that none of those has
// which work on their queue. It is for a program that stores runs for others, before
// it does so, and for a deployment when all processes are up.
func (s *Service) Preflight(ctx context.Context) error {
	all, err := s.Health(ctx)
	if err != nil {
		return err
	}
	var wrong []error
	for _, h := range all {
		if len(h.Consumers) == 0 {
			wrong = append(wrong, fmt.Errorf("%w: no live process works on queue %q; %d runs wait in it; start a worker that has its jobs", content.ErrConflict, h.Queue, h.Pending))
			continue
		}
		for _, j := range s.Jobs() {
			if j.Queue == h.Queue && !h.knows(j.Type) {
				wrong = append(wrong, fmt.Errorf("%w: no live process that works on queue %q has the job %q; start a worker of the present version", content.ErrConflict, h.Queue, j.Type))
			}
		}
	}
	return errors.Join(wrong...)
}

// knows reports whether a live process that works on the queue has a job.
func (h QueueHealth) knows(typ string) bool {
	return slices.ContainsFunc(h.Consumers, func(c Consumer) bool { return slices.Contains(c.Types, typ) })
}

// A Wait is why a run waits.
type Wait struct {
	Reason WaitReason `json:"reason"`
	Text   string     `json:"text"`  // for people
	Until  *time.Time `json:"until"` // of the database's clock; nil when it is not known
}

// A WaitReason is a kind of [Wait].
type WaitReason string

// The reasons for which a run waits.
const (
	NotWaiting  WaitReason = ""            // it does not
	NoConsumer  WaitReason = "no_consumer" // no live process works on its queue
	UnknownType WaitReason = "unknown"     // those that do have no job of its type
	LimitIsFull WaitReason = "limit"       // as many runs of its queue work as may
	NotYet      WaitReason = "not_before"  // its time has not come
	ForGroup    WaitReason = "group"       // the runs of a group have not all ended
	ItsTurn     WaitReason = "turn"        // nothing: it comes next, or others come first
)

// Why tells why a run waits, by the database alone. A run that does not wait has
// the zero Wait.
func (s *Service) Why(ctx context.Context, scope content.Scope, id string) (w Wait, err error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return Wait{}, err
	}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		r, err := s.get(ctx, tx, organization, id)
		if err != nil {
			return err
		}
		w, err = s.why(ctx, tx, r.Run)
		return err
	})
	return w, err
}

func (s *Service) why(ctx context.Context, tx *database.Tx, r Run) (Wait, error) {
	now, err := databaseTime(ctx, tx)
	if err != nil {
		return Wait{}, err
	}
	switch {
	case r.Status != Pending && r.Status != Parked:
		return Wait{}, nil
	case r.Status == Parked && r.NotBefore == nil:
		return Wait{Reason: ForGroup, Text: r.WaitReason}, nil
	case r.NotBefore != nil && r.NotBefore.After(now):
		text := "not before " + r.NotBefore.Format(time.RFC3339)
		if r.WaitReason != "" {
			text += ": " + r.WaitReason
		}
		return Wait{NotYet, text, r.NotBefore}, nil
	}
	live, err := consumers(ctx, tx)
	if err != nil {
		return Wait{}, err
	}
	label, limit := r.Queue, 0
	q := s.queues[r.Queue]
	if q != nil {
		label, limit = q.Label, q.Concurrency
		if all := q.PerProcess * len(live[r.Queue]); all > 0 && (limit == 0 || all < limit) {
			limit = all
		}
	}
	if len(live[r.Queue]) == 0 {
		return Wait{Reason: NoConsumer, Text: fmt.Sprintf("no live process works on queue %s", label)}, nil
	}
	if !slices.ContainsFunc(live[r.Queue], func(c Consumer) bool { return slices.Contains(c.Types, r.Type) }) {
		return Wait{Reason: UnknownType, Text: fmt.Sprintf("no process that works on queue %s knows the job %s", label, r.Type)}, nil
	}
	if limit > 0 {
		n, err := q.running(ctx, tx)
		if err != nil {
			return Wait{}, err
		}
		if n >= limit {
			return Wait{Reason: LimitIsFull, Text: fmt.Sprintf("%d runs of queue %s are at work, which is its limit", n, label)}, nil
		}
	}
	var first int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM waiting_runs WHERE queue = ? AND "+due(tx.Dialect())+" AND (priority > ? OR priority = ? AND (created_at, id) < (?, ?))",
		r.Queue, r.Priority, r.Priority, tx.Dialect().Time(r.CreatedAt), r.ID).Scan(&first); err != nil {
		return Wait{}, err
	}
	if first == 0 {
		return Wait{Reason: ItsTurn, Text: fmt.Sprintf("it comes next in queue %s", label)}, nil
	}
	return Wait{Reason: ItsTurn, Text: fmt.Sprintf("%d runs come first in queue %s", first, label)}, nil
}
