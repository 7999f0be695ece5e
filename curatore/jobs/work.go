package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// run works on a run that this process has claimed, until its job has returned and
// its end is being stored. The Runner may deliver the next one meanwhile, but not
// without limit. Cancel ends ctx.
func (s *Service) run(ctx context.Context, cancel context.CancelCauseFunc, r *record) {
	t := newTask(s, r, cancel)
	s.mu.Lock()
	s.live[r.ID] = t
	s.mu.Unlock()
	s.watchers.wake(t.run.OrganizationID, r.ID)
	if r.Attempt > 1 {
		t.Info(EventResumed, fmt.Sprintf("attempt %d goes on from the last checkpoint", r.Attempt), nil)
	}
	stopBeating := t.beat(ctx)
	e, returned := t.handle(ctx)
	stopBeating()
	if t.completed.Load() {
		if returned && e.to != Completed {
			s.log.WarnContext(ctx, "a job that had completed its run did not end well", "type", t.run.Type, "run", t.run.ID, "error", e.text)
		}
		s.leaveRun(ctx, t)
		return
	}
	if !returned {
		t.over.Store(true)
		s.log.ErrorContext(ctx, "a job did not stop in time; its run is taken from it", "type", t.run.Type, "run", t.run.ID)
		s.leaveRun(ctx, t)
		return
	}
	select {
	case s.ending <- struct{}{}:
	case <-s.gaveUp:
		s.leaveRun(ctx, t)
		return
	}
	s.finish(ctx, t, e, func() {
		<-s.ending
		s.leaveRun(ctx, t)
	})
}

// leaveRun makes room for the next run. It is quick.
func (s *Service) leaveRun(ctx context.Context, t *Task) {
	s.mu.Lock()
	delete(s.live, t.run.ID)
	working := s.state == started
	s.mu.Unlock()
	close(t.done)
	s.watchers.wake(t.run.OrganizationID, t.run.ID)
	if q := s.queues[t.run.Queue]; q.end() && working {
		s.work.Add(1) // while this run is counted
		go func() {
			defer s.work.Done()
			if err := s.feed(context.WithoutCancel(ctx), q); err != nil {
				s.log.WarnContext(ctx, "the next runs wait for the next sweep", "queue", q.Name, "error", err)
			}
		}()
	}
	s.release(t.run.ID)
	t.cancel(nil)
}

// handle calls the job and says what becomes of its run. Returned is false when
// Stop gave up waiting for it.
func (t *Task) handle(ctx context.Context) (e ending, returned bool) {
	if ctx.Err() != nil { // it was cancelled while it was claimed
		return t.verdict(&interrupted{context.Cause(ctx), context.Cause(ctx)}), true
	}
	if err := t.exhausted(); err != nil {
		return t.verdict(err), true
	}
	if timeout := t.job.timeout(); timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, timeout, timedOut(timeout))
		defer stop()
	}
	// The channel has room for the ending, so that a job which returns too late
	// does not stay for ever.
	endings := make(chan ending, 1)
	t.s.hands.do(func() {
		returned := false
		var e ending
		defer func() {
			switch v := recover(); {
			case v != nil:
				t.add(newNote(t.s.now(), Error, EventPanic, fmt.Sprintf("panic: %v", v), map[string]string{"stack": string(debug.Stack())}), true)
				e = t.verdict(fmt.Errorf("the job panicked: %v; the event %q of the run has the stack", v, EventPanic))
			case !returned:
				e = t.verdict(errors.New("the job ended its goroutine (runtime.Goexit); it must return"))
			}
			endings <- e
		}()
		e = t.call(ctx)
		returned = true
	})
	select {
	case e := <-endings:
		return e, true
	case <-t.s.gaveUp:
		return ending{}, false
	}
}

// call calls the job, and whatever belongs to its result and its error, which may
// panic as well.
func (t *Task) call(ctx context.Context) ending {
	result, err := t.job.handle(context.WithValue(ctx, inJob{}, t), t)
	if err != nil && ctx.Err() != nil {
		err = &interrupted{context.Cause(ctx), err}
	}
	encoded, encodeErr := encode(result)
	if encodeErr != nil && err == nil {
		err = Permanent(fmt.Errorf("the result of the job cannot be stored: %w", encodeErr))
	}
	e := t.verdict(err)
	e.result = encoded
	return e
}

// interrupted is the error of a job whose context had been cancelled.
type interrupted struct{ cause, err error }

func (e *interrupted) Error() string { return e.err.Error() }
func (e *interrupted) Unwrap() error { return e.cause }
