package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// NewRun says what to run.
type NewRun struct {
	ID     string // a UUIDv7 made beforehand, such as for files that belong to the run; empty makes one
	Type   string // of a declared Job
	Label  string // what it works on, such as a file's name; empty means the job's label
	Config any    // encoded as JSON for the job to read; nil is {}
}

// Enqueue stores a run in the caller's transaction: it exists when that is
// committed, and never otherwise. After the commit give it to [Service.Dispatch];
// without that it waits for the next sweep.
func (s *Service) Enqueue(ctx context.Context, tx *database.Tx, scope content.Scope, n NewRun) (*Run, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	job := s.jobs[n.Type]
	if job == nil {
		return nil, fmt.Errorf("%w: there is no job %q to run; declared are %s", content.ErrInvalid, n.Type, names(s.jobs))
	}
	config, err := encode(n.Config)
	if err != nil {
		return nil, fmt.Errorf("%w: the configuration of %s cannot be stored: %w", content.ErrInvalid, n.Type, err)
	}
	if config == nil {
		config = json.RawMessage("{}")
	}
	id, err := newID(n.ID)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	run := &Run{ID: id, Type: job.Type, Queue: job.Queue, Label: cleanText(cmp.Or(n.Label, job.Label), maxMessage),
		Status: Pending, Config: config, CreatedBy: scope.Principal(), CreatedAt: now}
	d := tx.Dialect()
	_, err = tx.Exec(ctx, `INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at, resumable)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		run.ID, organization, run.Type, run.Queue, run.Label, run.Status, string(config), run.CreatedBy, d.Time(now), d.Bind(content.Bool, job.Resumable))
	if err != nil {
		return nil, fmt.Errorf("enqueue %s: %w", n.Type, err)
	}
	return run, nil
}

// newID returns the id of a new run: the one given, or a new one.
func newID(given string) (string, error) {
	if given == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return "", fmt.Errorf("make an id: %w", err)
		}
		return id.String(), nil
	}
	if id, err := uuid.Parse(given); err != nil || id.String() != given || id.Version() != 7 {
		return "", fmt.Errorf("%w: the id %.100q of a run; use a UUIDv7, or none", content.ErrInvalid, given)
	}
	return given, nil
}

// Dispatch asks for a run to be worked on, after the transaction that stored it
// was committed. It does not wait for the work, and calling it again does no
// harm. After an error the run still waits in the table and is found by the
// next sweep of a process that works.
func (s *Service) Dispatch(ctx context.Context, run *Run) error {
	if q := s.queues[run.Queue]; q != nil && q.full() {
		return nil // the next run of the queue to end looks for it
	}
	if err := s.runner.Dispatch(ctx, run.Queue, run.ID); err != nil {
		return fmt.Errorf("dispatch run %s: %w", run.ID, err)
	}
	return nil
}

// Submit stores a run in a transaction of its own and dispatches it.
func (s *Service) Submit(ctx context.Context, scope content.Scope, n NewRun) (*Run, error) {
	var run *Run
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		run, err = s.Enqueue(ctx, tx, scope, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.Dispatch(ctx, run); err != nil {
		s.log.WarnContext(ctx, "a run waits for the next sweep", "run", run.ID, "error", err)
	}
	return run, nil
}
