package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Typed is a registered job whose runs are started with a value of type A. It
// is the only way to start one, so that a name cannot be mistyped, nor a run be
// stored that nothing knows. It is safe for concurrent use.
type Typed[A any] struct {
	s *Service
	j *job
}

// Register adds a job to a Service that has not been started. Handle does the
// work, with the arguments as they were given to Enqueue, by way of JSON. What
// it returns as result is encoded as JSON and kept, also beside an error; one of
// more than 1 MB fails the run. It may run again after a crash, so effects belong
// into [Task.Commit]. It should return soon after its context is cancelled. A
// panic in it, or in a method of what it returns, fails the run and nothing else.
//
// A nil handle declares a job that only other processes work on; its queue is
// then one of Config.Remote. Mistakes, such as two jobs of one type, are
// reported together by [Service.Start], and by the first Enqueue.
func Register[A any](s *Service, declaration Job, handle func(ctx context.Context, task *Task, args A) (any, error)) *Typed[A] {
	j := &job{Job: declaration.named()}
	if handle != nil {
		j.handle = func(ctx context.Context, task *Task) (any, error) {
			var args A
			if err := json.Unmarshal(task.Run().Config, &args); err != nil {
				return nil, Permanent(fmt.Errorf("%w: the arguments of %s cannot be read: %w", content.ErrInvalid, j.Type, err))
			}
			return handle(ctx, task, args)
		}
	}
	s.register(j)
	return &Typed[A]{s, j}
}

// register adds a job, or remembers what is wrong with it.
func (s *Service) register(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q, ok := builtin(j.Queue); ok && s.queues[q.Name] == nil && s.state == idle {
		s.declare(q)
	}
	wrong := j.check(s.queues)
	if s.state != idle {
		wrong = append(wrong, fmt.Errorf("%w: job %q is registered after the start, when nobody asks for it; register it before", content.ErrConflict, j.Type))
	}
	for _, name := range append([]string{j.Type}, j.Aliases...) {
		if other := s.byType[name]; other != nil {
			wrong = append(wrong, fmt.Errorf("%w: job %q: the type %q is declared twice, also by job %q; give one of them another", content.ErrInvalid, j.Type, name, other.Type))
		}
	}
	if len(wrong) > 0 {
		s.mistakes = append(s.mistakes, wrong...)
		return
	}
	j.queue = s.queues[j.Queue]
	for _, name := range append([]string{j.Type}, j.Aliases...) {
		s.byType[name] = j
		if j.handle != nil {
			j.queue.types = append(j.queue.types, name)
			if j.Accept != nil {
				j.queue.picky = true
			}
		}
	}
	s.order = append(s.order, j)
}

// mistake remembers what Start refuses.
func (s *Service) mistake(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mistakes = append(s.mistakes, err)
}

// Job returns the declaration, with its defaults filled in.
func (t *Typed[A]) Job() Job { return t.j.Job }

// Enqueue stores a run in the caller's transaction: it exists when that is
// committed, and never otherwise. Args are at most 1 MB of JSON. After the commit
// it is dispatched. The Run that it returns is that of the live run with the same
// unique key, if there is one; see Run.Duplicate.
func (t *Typed[A]) Enqueue(ctx context.Context, tx *database.Tx, scope content.Scope, args A, o Options) (*Run, error) {
	return t.s.enqueue(ctx, tx, scope, t.j, args, o)
}

// Submit is [Typed.Enqueue] in a transaction of its own.
func (t *Typed[A]) Submit(ctx context.Context, scope content.Scope, args A, o Options) (run *Run, err error) {
	err = t.s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		run, err = t.Enqueue(ctx, tx, scope, args, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}
