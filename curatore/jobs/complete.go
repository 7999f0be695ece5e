package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Complete is the last [Task.Commit] of a job: what do writes, and the end of the run,
// completed with a result, are one transaction. So a job of one step needs no
// checkpoint to be done exactly once, whenever its process dies. It is refused as a
// Commit is, and then, or after another error, the run has not ended. When it has, the
// job has nothing left but to return; what it returns is not looked at, and further
// commits are refused.
func (t *Task) Complete(ctx context.Context, result any, do func(ctx context.Context, tx *database.Tx) error) error {
	leave, err := t.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	encoded, err := encode(result)
	if err != nil {
		return Permanent(fmt.Errorf("the result of the job cannot be stored: %w", err))
	}
	var refused error
	err = t.s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if refused, err = t.admit(ctx, tx, t.draft(false)); err != nil || refused != nil {
			return errors.Join(refused, err)
		}
		t.s.at("committing")
		if do != nil {
			if err := do(context.WithValue(ctx, inCommit{}, t), tx); err != nil {
				return err
			}
		}
		t.s.at("done")
		return t.s.storeCompleted(ctx, tx, t.finishing(ending{to: Completed, result: encoded}))
	})
	if refused != nil {
		t.cancel(refused)
		return refused
	}
	if err != nil {
		return err
	}
	t.over.Store(true)
	t.completed.Store(true)
	t.s.at("committed")
	t.s.watchers.wake(t.run.OrganizationID, t.run.ID)
	t.s.spread(t.told(nil))
	return nil
}

// storeCompleted stores the end of a run whose row the transaction holds.
func (s *Service) storeCompleted(ctx context.Context, tx *database.Tx, f *finish) error {
	if err := Running.check(f.to); err != nil {
		return err
	}
	left, err := s.storeEnds(ctx, tx, []*finish{f})
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("run %s: %w: it is not at work any more", f.row.ID, content.ErrSuperseded)
	}
	s.at("finishing")
	return s.leaveGroup(ctx, tx, f.task.run.OrganizationID, f.task.run.GroupID)
}
