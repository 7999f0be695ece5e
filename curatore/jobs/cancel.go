package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Cancel ends a run and the runs that it has started. One that waits is
// cancelled at once. One at work is told through its context, in this process at
// once and in another one as soon as that hears of it, within Config.Poll at the
// latest; it is cancelled when its job has returned, and its commits are refused
// from now on. A job that completes in spite of it stays completed.
//
// The cause is shown as the run's error; empty means that the Scope's principal
// wants it. Cancelling a run again does nothing, the first cause stays. One that
// has ended otherwise, or whose queue does not allow it, gives
// content.ErrConflict, one of another organization content.ErrNotFound.
func (s *Service) Cancel(ctx context.Context, scope content.Scope, id, cause string) error {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return err
	}
	if cause == "" {
		cause = "by " + cmp.Or(scope.Principal(), "somebody without a name")
	}
	cause = cleanText(cause, maxMessage)
	var causes map[string]string
	for n := 1; ; n++ {
		err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			causes, err = s.cancelFamily(ctx, tx, organization, id, cause)
			return err
		})
		if err == nil {
			break
		}
		// Who cancels many runs, and who ends some of these, may wait for each other;
		// then Postgres gives one of them up.
		if n == cancelTries || !errors.Is(err, content.ErrBusy) {
			return err
		}
	}
	for id, cause := range causes {
		s.interrupt(id, cancelled(cause))
		s.watchers.wake(organization, id)
	}
	return nil
}

// cancelTries is how often a family is cancelled until others are not in the way.
const cancelTries = 3

// cancelFamily cancels a run and those that it has started, also those which runs
// started that have ended, and returns the causes by their ids. One that cannot be
// cancelled goes on, and what it has started goes on with it. Groups are left when all
// rows are locked, as where runs end.
func (s *Service) cancelFamily(ctx context.Context, tx *database.Tx, organization, id, cause string) (causes map[string]string, err error) {
	groups := map[string]bool{}
	if err := s.cancelRun(ctx, tx, organization, id, cause, groups); err != nil {
		return nil, err
	}
	causes = map[string]string{id: cause}
	cause = cleanText("with the run that started it: "+cause, maxMessage)
	for parents := []string{id}; len(parents) > 0; parents = parents[1:] { // no run is its own ancestor
		var children []string
		if err := tx.Select(ctx, &children, `SELECT id FROM runs WHERE parent_id = ? AND parent_id <> '' AND organization_id = ?
AND (status IN ('pending', 'running', 'parked') OR EXISTS (SELECT 1 FROM runs AS child WHERE child.parent_id = runs.id AND child.parent_id <> '')) ORDER BY id`,
			parents[0], organization); err != nil {
			return nil, err
		}
		for _, child := range children {
			err := s.cancelRun(ctx, tx, organization, child, cause, groups)
			if err == nil {
				causes[child] = cause
				parents = append(parents, child)
				continue
			}
			if !errors.Is(err, content.ErrConflict) {
				return nil, err
			}
			r, err := s.get(ctx, tx, organization, child)
			if err != nil {
				return nil, err
			}
			if r.Status.Ended() {
				parents = append(parents, child)
			}
		}
	}
	for _, group := range sorted(groups) {
		if err := s.leaveGroup(ctx, tx, organization, group); err != nil {
			return nil, err
		}
	}
	return causes, nil
}

// cancelRun cancels one run. Its status may change until the row is locked by
// the first update. The group that it leaves is added to groups.
func (s *Service) cancelRun(ctx context.Context, tx *database.Tx, organization, id, cause string, groups map[string]bool) error {
	for range 3 {
		r, err := s.get(ctx, tx, organization, id)
		if err != nil {
			return err
		}
		moved, err := s.cancel(ctx, tx, r, cause, groups)
		if moved || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: run %s changes too fast to cancel it; try again", content.ErrBusy, id)
}

// cancel cancels a run that was read as r, or returns false when it has changed
// since.
func (s *Service) cancel(ctx context.Context, tx *database.Tx, r *record, cause string, groups map[string]bool) (bool, error) {
	if q := s.queues[r.Queue]; q != nil && q.NoCancel && r.Status.Active() {
		return false, fmt.Errorf("%w: runs of queue %s cannot be cancelled", content.ErrConflict, q.Label)
	}
	var n note
	kind := tidingsRun
	switch {
	case r.Status == Cancelled || r.Status == Running && r.CancelCause != "":
		return true, nil
	case r.Status == Pending || r.Status == Parked:
		text := cancelled(cause).Error()
		m := move{id: r.ID, from: r.Status, to: Cancelled, set: "cancel_cause = ?, error = ?", setArgs: []any{cause, text}}
		if _, err := s.move(ctx, tx, m); errors.Is(err, errNotMoved) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		if r.GroupID != "" {
			groups[r.GroupID] = true
		}
		n = s.declared(r.Type).closing(s.now(), r.Label, ending{to: Cancelled, text: text})
	case r.Status == Running:
		changed, err := tx.Exec(ctx, `UPDATE runs SET cancel_cause = ? WHERE id = ? AND status = 'running' AND cancel_cause = ''`, cause, r.ID)
		if changed == 0 || err != nil {
			return false, err
		}
		n = newNote(s.now(), Info, EventCancelRequested, "to be cancelled: "+cause, nil)
		kind = tidingsCancel
	default:
		return false, fmt.Errorf("%w: run %s cannot be cancelled, it is %s", content.ErrConflict, r.ID, r.Status)
	}
	if err := s.tell(ctx, tx, told{r.OrganizationID, r.ID, []note{n}}); err != nil || kind == tidingsRun {
		return true, err
	}
	return true, s.announce(ctx, tx, kind, r.ID)
}

// WaitOrCancel is [Service.Wait] for a caller without whom the run shall not go
// on: when ctx ends first, the run is cancelled with its cause. It then returns
// the run, as a rule ended, and the error of ctx.
func (s *Service) WaitOrCancel(ctx context.Context, scope content.Scope, id string) (Run, error) {
	run, err := s.Wait(ctx, scope, id)
	if ctx.Err() == nil || run.Status.Ended() {
		return run, err
	}
	gone := context.Cause(ctx)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), s.lease)
	defer stop()
	cancelErr := s.Cancel(ctx, scope, id, whyGone(gone))
	run, waitErr := s.Wait(ctx, scope, id)
	switch {
	case run.Status.Ended() && run.Status != Cancelled:
		return run, nil // it was faster
	case run.Status.Ended():
		return run, fmt.Errorf("run %s was cancelled: %w", id, gone)
	case cancelErr != nil:
		return run, fmt.Errorf("%w; and run %s could not be cancelled: %w", gone, id, cancelErr)
	}
	return run, fmt.Errorf("%w; run %s was told to end but its job has not returned after %s: %w", gone, id, s.lease.Round(time.Second), waitErr)
}
