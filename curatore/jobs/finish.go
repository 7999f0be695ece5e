package jobs

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// A finish asks to store what became of a run, in this process's hands until
// now, with its result, its progress and its last events.
type finish struct {
	task  *Task
	to    Status
	row   finishRow
	notes []note
	moved bool // the end is stored; false without err: another process has the run, or it is gone
	err   error
}

// finishAll stores what became of some runs together. When that fails, each is
// stored by itself, so that none suffers from another.
func (s *Service) finishAll(all []*finish) {
	ctx, cancel := context.WithTimeout(context.Background(), s.lease)
	defer cancel()
	err := s.tryFinish(ctx, all)
	for _, f := range all {
		f.err = err
	}
	if err != nil && len(all) > 1 {
		for _, f := range all {
			if f.err = nil; !f.moved {
				f.err = s.tryFinish(ctx, []*finish{f})
			}
		}
	}
	var moved []told
	for _, f := range all {
		if f.moved {
			moved = append(moved, f.task.told(nil))
		}
	}
	s.spread(moved...)
}

// looks is how often the row of a run that ends is looked for. One that somebody was
// changing, such as one who wants the run cancelled, is one that a second look sees.
const looks = 2

// tryFinish stores ends in one statement, or in a transaction with the groups that
// might be complete with them. After an error those that are marked as moved are
// stored.
func (s *Service) tryFinish(ctx context.Context, all []*finish) error {
	slices.SortFunc(all, func(a, b *finish) int { return cmp.Compare(a.row.ID, b.row.ID) }) // rows are locked in one order
	for _, f := range all {
		if err := Running.check(f.to); err != nil {
			return err
		}
	}
	// The end that a job comes to in the moment in which Stop takes its run away is one of two.
	all = slices.CompactFunc(slices.Clone(all), func(a, b *finish) bool { return a.row.ID == b.row.ID })
	if slices.ContainsFunc(all, (*finish).leavesGroup) {
		return s.finishInGroups(ctx, all)
	}
	left := all
	for n := 0; n < looks && len(left) > 0; n++ {
		these := left
		err := s.db.AutoCommit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			s.at("finishing")
			left, err = s.storeEnds(ctx, tx, these)
			return err
		})
		if err != nil {
			notMoved(these, nil) // on SQLite they were, and were taken back
			return err
		}
	}
	return nil
}

func (s *Service) finishInGroups(ctx context.Context, all []*finish) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.PlanOnce(ctx); err != nil {
			return err
		}
		left := all
		for n := 0; n < looks && len(left) > 0; n++ {
			var err error
			if left, err = s.storeEnds(ctx, tx, left); err != nil {
				return err
			}
		}
		s.at("finishing")
		groups := map[string]string{} // their organizations
		for _, f := range all {
			if f.moved && f.leavesGroup() {
				groups[f.task.run.GroupID] = f.task.run.OrganizationID
			}
		}
		for _, group := range sorted(groups) {
			if err := s.leaveGroup(ctx, tx, groups[group], group); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		notMoved(all, nil)
	}
	return err
}

// leavesGroup reports whether a group might be complete with this end.
func (f *finish) leavesGroup() bool { return f.to.Ended() && f.task.run.GroupID != "" }

// finish stores how an attempt ended. Only the holder of the fence can. It returns
// before that is done; over, which must be quick, is called then.
func (s *Service) finish(ctx context.Context, t *Task, e ending, over func()) {
	select {
	case t.turn <- struct{}{}: // a goroutine that the job left behind may be in Commit
		t.over.Store(true) // and later ones are refused
		<-t.turn
	case <-s.gaveUp:
		over()
		return
	}
	f := t.finishing(e)
	s.at("handled")
	s.finishes.tell(f, func() {
		if f.err == nil && f.moved {
			over()
			return
		}
		go func() {
			defer over()
			s.insist(ctx, t, f)
		}()
	})
}

// insist stores the end of a run which could not be stored at once. It tries for as
// long as this process works and no other has taken the run over, which the fence
// tells; after the lease others may.
func (s *Service) insist(ctx context.Context, t *Task, f *finish) {
	for began, pause := time.Now(), 20*time.Millisecond; ; pause = min(2*pause, time.Second) {
		switch {
		case f.err == nil && f.moved:
			return
		case f.err == nil:
			s.log.WarnContext(ctx, "a run had been taken over by another process, or deleted, when it ended", "type", t.job.Type, "run", t.run.ID)
			return
		case time.Since(began) > s.lease && s.stopping():
			s.log.ErrorContext(ctx, "the end of a run could not be stored", "type", t.job.Type, "run", t.run.ID, "status", f.to, "error", f.err)
			return
		}
		select {
		case <-time.After(pause):
		case <-s.gaveUp:
			return
		}
		s.finishes.ask(f)
	}
}

// finishing makes what is stored of an ending.
func (t *Task) finishing(e ending) *finish {
	e.text, e.reason = cleanText(e.text, maxMessage), cleanText(e.reason, maxMessage)
	d, last := t.draft(false), t.job.closing(t.s.now(), t.run.Label, e)
	f := &finish{task: t, to: e.to, notes: append(d.notes, last), row: finishRow{ID: t.run.ID, Fence: t.fence, Status: e.to,
		Phase: d.phase, Done: d.done, Total: d.total, Error: e.text, Reason: e.reason}}
	if e.failed {
		f.row.Failed = 1
	}
	if e.lost {
		f.row.Lost = 1
	}
	if e.until != nil {
		f.row.Until = e.until.UTC().Format(noteTime)
	}
	if e.pause != nil {
		seconds := e.pause.Seconds()
		f.row.Pause = &seconds
	}
	if e.to.Ended() {
		f.row.Result, f.row.Finished = e.result, last.At
	}
	return f
}

// closing makes the event that closes a run with a label, or one of its attempts.
func (j *Job) closing(at time.Time, label string, e ending) note {
	name := ""
	if label != j.Label {
		name = ": " + label
	}
	var data any
	if e.said != "" {
		data = map[string]string{"error": e.said}
	}
	say := func(level Level, kind, message string) note { return newNote(at, level, kind, message, data) }
	switch e.to {
	case Pending:
		return say(Warn, EventReleased, j.Label+" waits to go on from its last checkpoint"+name)
	case Parked:
		if e.failed {
			return say(Warn, EventRetry, j.Failed+name+"; "+e.reason)
		}
		return say(Info, EventParked, j.Label+" is parked"+name+" - "+e.reason)
	case Completed:
		return say(Info, EventCompleted, j.Completed+name)
	case TimedOut:
		return say(Error, EventTimedOut, j.Label+" timed out"+name+" - "+e.text)
	case Cancelled:
		return say(Warn, EventCancelled, j.Label+" cancelled"+name+" - "+e.text)
	}
	return say(Error, EventFailed, j.Failed+name+" - "+e.text)
}
