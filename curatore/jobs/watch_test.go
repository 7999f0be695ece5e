package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/curatore/jobs"
)

// Who follows a run sees each event once and in order, progress that only goes
// forward, and the end last; in the process of the run and in another one.
func TestFollow(t *testing.T) {
	const steps = 30
	follow := make(chan struct{})
	declared := []decl{{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		<-follow
		for i := range steps {
			task.Progress("stepping", int64(i), steps)
			task.Info("step", fmt.Sprint(i), nil)
			if i%10 == 0 {
				if err := task.Commit(ctx, nil); err != nil {
					return nil, err
				}
			}
		}
		task.Progress("stepping", steps, steps)
		return "done", nil
	}}}
	for _, from := range []string{"this process", "another process"} {
		t.Run(from, func(t *testing.T) {
			eachDatabase(t, declared, func(w *world) {
				follower := w.Service
				if from == "another process" {
					follower = w.service(config{Jobs: declared}) // not started
				}
				id := w.submit("a")
				var last jobs.Update
				var events []string
				updates := 0
				for u, err := range follower.Follow(deadline(w.t), w.acme, id) {
					if err != nil {
						w.t.Fatal(err)
					}
					if updates++; updates == 1 {
						if u.Run.Status != jobs.Pending {
							w.t.Errorf("the first update is %s", u.Run.Status)
						}
						w.start(w.Service)
						go func() { follow <- struct{}{} }()
					}
					if last.Run.Status.Ended() || u.Run.Done < last.Run.Done {
						w.t.Errorf("%s %d after %s %d", u.Run.Status, u.Run.Done, last.Run.Status, last.Run.Done)
					}
					for _, e := range u.Events {
						if e.Type == "step" && e.Message != fmt.Sprint(len(events)) {
							w.t.Errorf("event %s at place %d", e.Message, len(events))
						}
						events = append(events, e.Type)
					}
					last = u
				}
				if last.Run.Status != jobs.Completed || last.Run.Done != steps || len(events) != steps+1 {
					w.t.Errorf("at the end: %+v, %d events", last.Run, len(events))
				}
				// Who comes late sees everything at once.
				late := 0
				for u, err := range follower.Follow(deadline(w.t), w.acme, id) {
					if err != nil || u.Run.Status != jobs.Completed {
						w.t.Fatalf("late: %s, %v", u.Run.Status, err)
					}
					late += len(u.Events)
				}
				if late != steps+1 {
					w.t.Errorf("late: %d events, want %d", late, steps+1)
				}
			})
		})
	}
}

// Progress in the same process is seen although nothing is stored.
func TestFollowIsLive(t *testing.T) {
	step := make(chan int64)
	declared := []decl{{Type: "a", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
		for n := range step {
			task.Progress("stepping", n, 0)
			if n == 3 {
				break
			}
		}
		return nil, nil
	}}}
	eachDatabase(t, nil, func(w *world) {
		w.Service = w.service(config{Jobs: declared, Lease: time.Hour, Poll: time.Hour})
		w.start(w.Service)
		id := w.submit("a")
		var seen []int64
		next := int64(1)
		for u, err := range w.Follow(deadline(w.t), w.acme, id) {
			if err != nil {
				w.t.Fatal(err)
			}
			if u.Run.Status != jobs.Running || u.Run.Done < next-1 {
				continue
			}
			seen = append(seen, u.Run.Done)
			step <- next
			next++
			if next > 3 {
				break
			}
		}
		if diff := cmp.Diff([]int64{0, 1, 2}, seen); diff != "" {
			w.t.Error(diff)
		}
		w.wait(id, jobs.Completed)
	})
}

// More events than fit into one read arrive all the same.
func TestFollowManyEvents(t *testing.T) {
	const n = 1200
	declared := []decl{{Type: "a", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
		for i := range n {
			task.Debug("step", fmt.Sprint(i), nil)
		}
		return nil, nil
	}}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		events, status := 0, jobs.Status("")
		for u, err := range w.Follow(deadline(w.t), w.acme, w.submit("a")) {
			if err != nil {
				w.t.Fatal(err)
			}
			events, status = events+len(u.Events), u.Run.Status
		}
		if events != n+1 || status != jobs.Completed {
			w.t.Errorf("%d events, %s; want %d, completed", events, status, n+1)
		}
	})
}

// Waiting ends with its context, and the run goes on.
func TestWaitEndsWithItsContext(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	eachDatabase(t, []decl{{Type: "a", Handle: untilDone(began)}}, func(w *world) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(w.t.Context())
		pending := w.submit("a")
		cancel(gone)
		if _, err := w.Wait(ctx, w.acme, pending); !errors.Is(err, gone) {
			w.t.Errorf("wait: %v", err)
		}
		for _, err := range w.Follow(ctx, w.acme, pending) {
			if !errors.Is(err, gone) {
				w.t.Errorf("follow: %v", err)
			}
		}
		w.start(w.Service)
		<-began
		ctx, cancel = context.WithCancelCause(w.t.Context())
		go cancel(gone)
		if run, err := w.Wait(ctx, w.acme, pending); !errors.Is(err, gone) {
			w.t.Errorf("wait: %v, %s", err, run.Status)
		}
		if run := w.get(pending); run.Status != jobs.Running {
			w.t.Errorf("the run is %s", run.Status)
		}
	})
}
