package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

type inCommit struct{}

// Commit makes the effects of one batch. It is one write transaction: first one
// update of the row of the run, which checks that this process still holds it,
// renews its lease, and stores the checkpoint and the progress; then the events
// so far; then what do writes. All of it is stored, or nothing.
//
// A run that another process has taken over gives content.ErrSuperseded, one
// that was cancelled [ErrCancelled] with the cause; do is not called, and the
// job should return that error. A checkpoint that is set in do is stored in the
// same transaction, or forgotten with it; progress and events that do tells are
// stored by the next write. What was told before is kept after an error, so that
// a Commit may be tried again. Commits of several goroutines wait for each other;
// one inside another panics.
//
// Keep it under 250 ms on SQLite, which has one writer, and do not use another
// transaction in do.
func (t *Task) Commit(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error {
	leave, err := t.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return t.write(ctx, true, do)
}

// enter waits for the turn to write the row of the run, until leave is called.
func (t *Task) enter(ctx context.Context) (leave func(), err error) {
	if ctx.Value(inCommit{}) == t {
		panic("jobs: Commit inside a Commit would wait for itself; use the transaction at hand")
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case <-t.s.gaveUp:
		t.over.Store(true)
	default:
	}
	if t.over.Load() {
		<-t.turn
		return nil, fmt.Errorf("run %s: %w: its job has returned or completed, or did not stop with its process", t.run.ID, content.ErrSuperseded)
	}
	return func() { <-t.turn }, nil
}

// write updates the row of the run. The caller holds the turn. Without commit it
// is a heartbeat, which also a cancelled run needs until its job has returned.
func (t *Task) write(ctx context.Context, commit bool, do func(ctx context.Context, tx *database.Tx) error) error {
	d := t.draft(commit)
	before := d.next
	if err := d.next.check(t.run.ID); err != nil {
		return err
	}
	stored := false
	defer func() {
		if commit && !stored { // also when do panics
			t.forget(before)
		}
	}()
	began := time.Now()
	var refused error
	err := t.s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if refused, err = t.admit(ctx, tx, d); err != nil {
			return err
		}
		if refused != nil && commit {
			return refused
		}
		if err := t.s.tell(ctx, tx, t.told(d.notes)); err != nil {
			return err
		}
		if do == nil {
			return nil
		}
		t.s.at("committing")
		if err := do(context.WithValue(ctx, inCommit{}, t), tx); err != nil {
			return err
		}
		t.s.at("done")
		return t.storeLate(ctx, tx, &d)
	})
	if commit && err == nil {
		t.s.at("committed")
	}
	if refused != nil {
		t.cancel(refused)
	}
	if err == nil {
		stored = true
		t.settle(d, began)
		if len(d.notes) > 0 {
			t.s.watchers.wake(t.run.OrganizationID, t.run.ID)
		}
		return nil
	}
	if refused != nil {
		return refused
	}
	return err
}

// admit opens a transaction of the run. It is refused when another process has taken
// the run over, which is also an error, and when the run is to be cancelled.
func (t *Task) admit(ctx context.Context, tx *database.Tx, d draft) (refused, err error) {
	cause, err := t.renew(ctx, tx, d)
	switch {
	case errors.Is(err, content.ErrSuperseded):
		return err, err
	case err == nil && cause != "":
		return cancelled(cause), nil
	}
	return nil, err
}

// renew is the update that opens a transaction: fence, lease, checkpoint and
// progress. It returns the cause for which the run is to be cancelled, if any.
func (t *Task) renew(ctx context.Context, tx *database.Tx, d draft) (cause string, err error) {
	var checkpoint any
	keep := 1 // of the count of losses
	if d.next != nil {
		checkpoint, keep = string(d.next.value), 0
	}
	err = tx.QueryRow(ctx, `UPDATE runs SET phase = ?, done = ?, total = ?, checkpoint = COALESCE(?, checkpoint), lost = lost * ?, lease_until = `+tx.Dialect().After()+`
WHERE id = ? AND fence = ? AND status = 'running' RETURNING cancel_cause`,
		d.phase, d.done, d.total, checkpoint, keep, t.s.lease.Seconds(), t.run.ID, t.fence).Scan(&cause)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("run %s: %w: another process took it over, or it was deleted; stop working on it", t.run.ID, content.ErrSuperseded)
	}
	return cause, err
}

// storeLate stores a checkpoint that was set in the transaction, such as one
// with counts that are known only then.
func (t *Task) storeLate(ctx context.Context, tx *database.Tx, d *draft) error {
	t.mu.Lock()
	late := t.next
	t.mu.Unlock()
	if late == d.next || late == nil {
		return nil
	}
	if err := late.check(t.run.ID); err != nil {
		return err
	}
	d.next = late
	_, err := tx.Exec(ctx, "UPDATE runs SET checkpoint = ?, lost = 0 WHERE id = ? AND fence = ?", string(late.value), t.run.ID, t.fence)
	return err
}

// beat keeps the lease while the job works, and stores what it tells when it
// does not commit. It begins when the first beat is due, or when there is much
// to store, so that a short job costs no goroutine. The function that it returns
// ends it. It goes on while a job whose context was cancelled cleans up.
func (t *Task) beat(ctx context.Context) (stop func()) {
	h := new(heart)
	pause := min(time.Second, t.s.lease/3)
	begin := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.stopped || h.beating != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		h.beating, h.cancel = make(chan struct{}), cancel
		go t.keepBeating(ctx, pause, h.beating)
	}
	first := time.AfterFunc(pause, begin)
	t.beatSoon.Store(&begin)
	return func() {
		first.Stop()
		h.mu.Lock()
		h.stopped = true
		h.mu.Unlock()
		if h.beating != nil {
			h.cancel()
			<-h.beating
		}
	}
}

// A heart tells whether a task's run is being kept.
type heart struct {
	mu      sync.Mutex
	stopped bool
	beating chan struct{} // nil before the first beat, closed after the last
	cancel  func()
}

func (t *Task) keepBeating(ctx context.Context, pause time.Duration, stopped chan<- struct{}) {
	defer close(stopped)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for now := true; ; now = false {
		if !now {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-t.flush:
				now = true
			}
		}
		if ctx.Err() == nil && (now || t.due()) {
			t.heartbeat(ctx)
		}
	}
}

func (t *Task) heartbeat(ctx context.Context) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	default:
		return // a Commit is at work, and is a heartbeat
	}
	if t.over.Load() {
		return
	}
	// A database that does not answer must not hide that the lease runs out.
	limited, cancel := context.WithTimeout(ctx, t.s.lease)
	defer cancel()
	err := t.write(limited, false, nil)
	if err == nil || ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	late := time.Since(t.renewed)
	t.mu.Unlock()
	t.s.log.WarnContext(ctx, "the lease of a run could not be renewed", "run", t.run.ID, "error", err)
	if late > t.s.lease {
		t.cancel(fmt.Errorf("%w: the database could not be reached for %s to keep the run", content.ErrSuperseded, late.Round(time.Second)))
	}
}

// due reports whether there is something to store or the lease to renew.
func (t *Task) due() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.notes) > 0 || t.changes != t.written || time.Since(t.renewed) >= t.s.lease/3
}
