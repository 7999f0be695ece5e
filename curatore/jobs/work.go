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
	s.watchers.wake(t.organization, r.ID)
	if r.Attempt > 1 {
		t.Info(EventResumed, fmt.Sprintf("attempt %d goes on from the last checkpoint", r.Attempt), nil)
	}
	stopBeating := t.beat(ctx)
	out, returned := t.handle(ctx)
	stopBeating()
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
	s.finish(ctx, t, out, func() {
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
	s.watchers.wake(t.organization, t.run.ID)
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
	if timeout := t.job.timeout(); timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, timeout, timedOut(timeout))
		defer stop()
	}
	// The channel has room for the outcome, so that a job which returns too late
	// does not stay for ever.
	outcomes := make(chan outcome, 1)
	t.s.hands.do(func() {
		out := outcome{err: errors.New("the job ended its goroutine (runtime.Goexit); it must return")}
		defer func() {
			if v := recover(); v != nil {
				t.add(newNote(t.s.now(), Error, EventPanic, fmt.Sprintf("panic: %v", v), map[string]string{"stack": string(debug.Stack())}), true)
				out = outcome{err: fmt.Errorf("the job panicked: %v; the event %q of the run has the stack", v, EventPanic)}
			}
			outcomes <- out
		}()
		out.result, out.err = t.job.handle(context.WithValue(ctx, inJob{}, t), t)
		if out.err != nil && ctx.Err() != nil {
			out.err = &interrupted{context.Cause(ctx), out.err}
		}
	})
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
