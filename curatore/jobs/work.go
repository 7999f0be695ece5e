package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// run works on a run that this process has claimed, until it has ended or was
// given back. Cancel ends ctx.
func (s *Service) run(ctx context.Context, cancel context.CancelCauseFunc, r *record) {
	t := newTask(s, r, cancel)
	q := s.queues[r.Queue]
	if q != nil {
		q.begin()
	}
	s.mu.Lock()
	s.live[r.ID] = t
	s.mu.Unlock()
	s.watchers.wake(r.ID)
	if r.Attempt > 1 {
		t.Info(EventResumed, fmt.Sprintf("attempt %d goes on from the last checkpoint", r.Attempt), nil)
	}

	stopBeating := t.beat(ctx)
	out, returned := t.handle(ctx)
	stopBeating()
	if returned {
		s.finish(ctx, t, out)
	} else {
		t.over.Store(true)
		s.log.ErrorContext(ctx, "a job did not stop in time; its run is taken up when its lease has run out", "type", r.Type, "run", r.ID)
	}

	s.mu.Lock()
	delete(s.live, r.ID)
	working := s.state == started
	s.mu.Unlock()
	close(t.done)
	s.watchers.wake(r.ID)
	if q != nil && q.end() && working {
		if err := s.feed(context.WithoutCancel(ctx), q); err != nil {
			s.log.WarnContext(ctx, "the next runs wait for the next sweep", "queue", q.Name, "error", err)
		}
	}
}

// An outcome is what a job returned.
type outcome struct {
	result any
	err    error // of type interrupted when its context had been cancelled
}

// handle calls the job. Returned is false when Stop gave up waiting for it.
func (t *Task) handle(ctx context.Context) (out outcome, returned bool) {
	if ctx.Err() != nil { // it was cancelled while it was claimed
		return outcome{nil, &interrupted{context.Cause(ctx), context.Cause(ctx)}}, true
	}
	if timeout := t.job.Timeout; timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, timeout, timedOut(timeout))
		defer stop()
	}
	// The channel has room for the outcome, so that a job which returns too late
	// does not stay for ever.
	outcomes := make(chan outcome, 1)
	go func() {
		out := outcome{err: errors.New("the job ended its goroutine (runtime.Goexit); it must return")}
		defer func() {
			if v := recover(); v != nil {
				t.add(newNote(t.s.now(), Error, EventPanic, fmt.Sprintf("panic: %v", v), map[string]string{"stack": string(debug.Stack())}), true)
				out = outcome{err: fmt.Errorf("the job panicked: %v; the event %q of the run has the stack", v, EventPanic)}
			}
			outcomes <- out
		}()
		out.result, out.err = t.job.Handle(ctx, t)
		if out.err != nil && ctx.Err() != nil {
			out.err = &interrupted{context.Cause(ctx), out.err}
		}
	}()
	select {
	case out := <-outcomes:
		return out, true
	case <-t.s.gaveUp:
		return outcome{}, false
	}
}

// interrupted is the error of a job whose context had been cancelled.
type interrupted struct{ cause, err error }

func (e *interrupted) Error() string { return e.err.Error() }
func (e *interrupted) Unwrap() error { return e.cause }

// finish stores how a run ended, with its result, its progress and its last
// events, in one transaction that only the holder of the fence can make.
func (s *Service) finish(ctx context.Context, t *Task, out outcome) {
	select {
	case t.turn <- struct{}{}: // a goroutine that the job left behind may be in Commit
		defer func() { <-t.turn }()
	case <-s.gaveUp:
		return
	}
	t.over.Store(true)
	err := out.err
	encoded, encodeErr := encode(out.result)
	if encodeErr != nil && err == nil {
		err = fmt.Errorf("the result of the job cannot be stored: %w", encodeErr)
	}
	to, text := t.verdict(err)
	text = cleanText(text, maxMessage)
	d := t.draft(false)
	d.notes = append(d.notes, t.lastNote(to, text, err))
	m := move{id: t.run.ID, from: Running, to: to, where: "fence = ?", args: []any{t.fence},
		set: "phase = ?, done = ?, total = ?", setArgs: []any{d.phase, d.done, d.total}}
	if to.Ended() {
		m.set, m.setArgs = m.set+", result = ?, error = ?", append(m.setArgs, nullable(encoded), text)
	}
	ctx = context.WithoutCancel(ctx)
	// The lease lasts about as long as it is worth trying; then others take over.
	for began, pause := time.Now(), 20*time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			if _, err := m.apply(ctx, tx, s.now()); err != nil {
				return err
			}
			return insertNotes(ctx, tx, t.organization, t.run.ID, d.notes)
		})
		switch {
		case err == nil:
			return
		case errors.Is(err, errNotMoved):
			s.log.WarnContext(ctx, "a run had been taken over by another process, or deleted, when it ended", "type", t.job.Type, "run", t.run.ID)
			return
		case time.Since(began) > s.lease:
			s.log.ErrorContext(ctx, "the end of a run could not be stored", "type", t.job.Type, "run", t.run.ID, "status", to, "error", err)
			return
		}
		select {
		case <-time.After(pause):
		case <-s.gaveUp:
			return
		}
	}
}

// verdict tells how a run ends whose job returned err, and its error text.
func (t *Task) verdict(err error) (Status, string) {
	var stop *interrupted
	switch {
	case err == nil:
		return Completed, ""
	case !errors.As(err, &stop):
		return Failed, err.Error()
	case errors.Is(stop.cause, ErrTimedOut):
		return TimedOut, stop.cause.Error()
	case errors.Is(stop.cause, ErrStopped), errors.Is(stop.cause, content.ErrSuperseded):
		if t.job.Resumable && t.Run().Attempt < maxAttempts {
			return Pending, ""
		}
		return Failed, stop.cause.Error() + "; start it again"
	}
	return Cancelled, "cancelled: " + whyGone(stop.cause)
}

// lastNote makes the event that closes a run or an attempt.
func (t *Task) lastNote(to Status, text string, err error) note {
	name := ""
	if t.run.Label != t.job.Label {
		name = ": " + t.run.Label
	}
	var data any
	if stop := (*interrupted)(nil); errors.As(err, &stop) {
		data = map[string]string{"error": cleanText(stop.Error(), maxMessage)} // what the job made of it
	}
	say := func(level Level, kind, message string) note {
		return newNote(t.s.now(), level, kind, t.job.Label+" "+message, data)
	}
	switch to {
	case Pending:
		return say(Warn, EventReleased, "waits to go on from its last checkpoint"+name)
	case Completed:
		return say(Info, EventCompleted, "completed"+name)
	case TimedOut:
		return say(Error, EventTimedOut, "timed out"+name+" - "+text)
	case Cancelled:
		return say(Warn, EventCancelled, "cancelled"+name+" - "+text)
	}
	return say(Error, EventFailed, "failed"+name+" - "+text)
}

// nullable returns nil, and not an empty value, for no JSON.
func nullable(j []byte) any {
	if j == nil {
		return nil
	}
	return string(j)
}
