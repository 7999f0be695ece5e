package jobstest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A program is one job in queues of its own. It may have several processes on the
// suite's database.
type program struct {
	*suite
	authority *content.Authority
	scope     content.Scope
	queue     jobs.Queue
	job       jobs.Job
	handle    func(ctx context.Context, process int, t *jobs.Task) (any, error)
	processes int
}

// A process has a Service and a Runner of its own.
type process struct {
	*jobs.Service
	job *jobs.Typed[struct{}]
}

// program makes a program whose queue has the name of the test.
func (s *suite) program(queue jobs.Queue, job jobs.Job, handle func(ctx context.Context, process int, t *jobs.Task) (any, error)) *program {
	s.Helper()
	if err := s.db.Write(s.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", "o", "o", tx.Dialect().Time(time.Unix(0, 0)))
		return err
	}); err != nil {
		s.Fatal(err)
	}
	name := s.Name()
	name = strings.ToLower(name[strings.LastIndex(name, "/")+1:])
	queue.Name, job.Type, job.Queue = name, name, name
	p := &program{suite: s, authority: content.NewAuthority(), queue: queue, job: job, handle: handle}
	p.scope = p.authority.Mint("o", "tester")
	return p
}

// process makes a process that is not started. It is stopped at the end of the
// test.
func (p *program) process() *process {
	p.Helper()
	runner := p.runner
	if p.processes++; p.processes > 1 {
		runner = p.new(p.T, p.db)
	}
	service, err := jobs.New(jobs.Config{DB: p.db, Authority: p.authority, Runner: runner, Poll: 50 * time.Millisecond, Queues: []jobs.Queue{p.queue}})
	if err != nil {
		p.Fatal(err)
	}
	number := p.processes
	job := jobs.Register(service, p.job, func(ctx context.Context, t *jobs.Task, _ struct{}) (any, error) { return p.handle(ctx, number, t) })
	p.Cleanup(func() { p.stop(&process{service, job}) })
	return &process{service, job}
}

func (p *program) start(all ...*process) {
	p.Helper()
	for _, one := range all {
		if err := one.Start(p.soon()); err != nil {
			p.Fatal(err)
		}
	}
}

func (p *program) stop(one *process) {
	p.Helper()
	if err := one.Stop(p.soon()); err != nil {
		p.Error(err)
	}
}

func (p *program) submit(in *process, n int, o jobs.Options) (ids []string) {
	p.Helper()
	for range n {
		run, err := in.job.Submit(p.Context(), p.scope, struct{}{}, o)
		if err != nil {
			p.Fatal(err)
		}
		ids = append(ids, run.ID)
	}
	return ids
}

// wait waits for the end of a run, and demands a status and counts.
func (p *program) wait(in *process, id string, status jobs.Status, attempts, failures int) jobs.Run {
	p.Helper()
	run, err := in.Wait(p.soon(), p.scope, id)
	if err != nil {
		p.Fatalf("wait for a run that is %s: %v", run.Status, err)
	}
	if run.Status != status || run.Attempt != attempts || run.Failures != failures {
		p.Errorf("a run is %s (%s) in attempt %d after %d failures; want %s, %d, %d", run.Status, run.Error, run.Attempt, run.Failures, status, attempts, failures)
	}
	return run
}

// runsOnce runs what was stored before and after the start, each run once.
func (s *suite) runsOnce() {
	for _, limit := range []int{0, 1} {
		var calls log
		p := s.program(jobs.Queue{Concurrency: limit}, jobs.Job{}, func(_ context.Context, _ int, t *jobs.Task) (any, error) { return calls.add(t.Run().ID), nil })
		only := p.process()
		ids := p.submit(only, 20, jobs.Options{}) // they wait for the start
		p.start(only)
		ids = append(ids, p.submit(only, 20, jobs.Options{})...)
		for _, id := range ids {
			if run := p.wait(only, id, jobs.Completed, 1, 0); string(run.Result) != "1" {
				s.Errorf("the job was called %s times", run.Result)
			}
		}
		p.stop(only)
		s.runner = s.new(s.T, s.db)
	}
}

func (s *suite) waitsForATime() {
	p := s.program(jobs.Queue{}, jobs.Job{}, func(context.Context, int, *jobs.Task) (any, error) { return nil, nil })
	only := p.process()
	p.start(only)
	at := time.Now().Add(300 * time.Millisecond)
	id := p.submit(only, 1, jobs.Options{NotBefore: at})[0]
	if run := p.wait(only, id, jobs.Completed, 1, 0); run.StartedAt.Before(at.Add(-time.Millisecond)) { // SQLite counts milliseconds
		s.Errorf("it began %s before its time", at.Sub(*run.StartedAt))
	}
}

// parks lets a run wait for a time of its own choice, which is no failure.
func (s *suite) parks() {
	p := s.program(jobs.Queue{}, jobs.Job{}, func(_ context.Context, _ int, t *jobs.Task) (any, error) {
		if t.Run().Attempt < 3 {
			return nil, jobs.Park(time.Now().Add(50*time.Millisecond), "the quota is used up")
		}
		return nil, nil
	})
	only := p.process()
	p.start(only)
	p.wait(only, p.submit(only, 1, jobs.Options{})[0], jobs.Completed, 3, 0)
}

// triesAgain lets runs fail, of which one does so once too often.
func (s *suite) triesAgain() {
	p := s.program(jobs.Queue{Retry: jobs.Retry{MaxAttempts: 3, Backoff: 10 * time.Millisecond}}, jobs.Job{}, func(_ context.Context, _ int, t *jobs.Task) (any, error) {
		if t.Run().Attempt < 3 {
			return nil, errors.New("not yet")
		}
		return nil, nil
	})
	only := p.process()
	p.start(only)
	p.wait(only, p.submit(only, 1, jobs.Options{})[0], jobs.Completed, 3, 2)
	p.wait(only, p.submit(only, 1, jobs.Options{MaxAttempts: 2})[0], jobs.Failed, 2, 2)
}

// sharesWork lets each process hold one run until the other one has one, too.
func (s *suite) sharesWork() {
	var mu sync.Mutex
	var worked []int
	both := make(chan struct{})
	p := s.program(jobs.Queue{PerProcess: 1}, jobs.Job{}, func(ctx context.Context, process int, t *jobs.Task) (any, error) {
		mu.Lock()
		if worked = append(worked, process); len(worked) > 1 && worked[0] != process {
			select {
			case <-both:
			default:
				close(both)
			}
		}
		mu.Unlock()
		select {
		case <-both:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	first, second := p.process(), p.process()
	p.start(first, second)
	ids := p.submit(first, 12, jobs.Options{})
	for _, id := range ids {
		p.wait(second, id, jobs.Completed, 1, 0)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(worked) != len(ids) || !slices.Contains(worked, 1) || !slices.Contains(worked, 2) {
		s.Errorf("%d runs were worked on by %v", len(ids), worked)
	}
}

// handsOver stops a process while it works, and lets another one go on from the
// checkpoint.
func (s *suite) handsOver() {
	began := make(chan struct{}, 1)
	p := s.program(jobs.Queue{}, jobs.Job{Resumable: true}, func(ctx context.Context, process int, t *jobs.Task) (any, error) {
		if process == 2 {
			return string(t.Checkpoint()), nil
		}
		t.SetCheckpoint("half")
		if err := t.Commit(ctx, nil); err != nil {
			return nil, err
		}
		began <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	first, second := p.process(), p.process()
	p.start(first)
	id := p.submit(first, 1, jobs.Options{})[0]
	<-began
	p.stop(first)
	p.start(second)
	if run := p.wait(second, id, jobs.Completed, 2, 0); string(run.Result) != `"\"half\""` {
		s.Errorf("it went on from %s", run.Result)
	}
}

// cancels cancels a run in a process that does not work on it.
func (s *suite) cancels() {
	began := make(chan struct{}, 1)
	p := s.program(jobs.Queue{}, jobs.Job{}, func(ctx context.Context, _ int, _ *jobs.Task) (any, error) {
		began <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	first, second := p.process(), p.process()
	p.start(first)
	id := p.submit(first, 1, jobs.Options{})[0]
	<-began
	if err := second.Cancel(p.soon(), p.scope, id, "it is not wanted"); err != nil {
		s.Fatal(err)
	}
	if run := p.wait(second, id, jobs.Cancelled, 1, 0); run.CancelCause != "it is not wanted" {
		s.Errorf("%+v", run)
	}
}
