package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// inside runs a story as the job of a run and returns the run.
func inside(t *testing.T, config config, story func(w *world, ctx context.Context, task *jobs.Task) error, check func(w *world, run jobs.Run)) {
	t.Helper()
	eachDatabase(t, nil, func(w *world) {
		w.t.Helper()
		config := config
		config.Jobs = []decl{{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) { return nil, story(w, ctx, task) }}}
		w.Service = w.service(config)
		w.start(w.Service)
		run, err := w.Wait(deadline(w.t), w.acme, w.submit("a"))
		if err != nil {
			w.t.Fatal(err)
		}
		check(w, run)
	})
}

// effect is a write of a job: a row in a table that has room for one.
func effect(ctx context.Context, tx *database.Tx, stream string) error {
	_, err := tx.Exec(ctx, `INSERT INTO connection_state (organization_id, connection, instance, stream, position, updated_at)
VALUES ('acme', 'c', 'i', ?, '', ?)`, stream, tx.Dialect().Time(time.Unix(0, 0)))
	return err
}

const countEffects = "SELECT count(*) FROM connection_state WHERE stream LIKE ?"

// A commit stores checkpoint, progress, events and effects together, or none.
func TestCommitIsOneTransaction(t *testing.T) {
	inside(t, config{Lease: time.Hour}, func(w *world, ctx context.Context, task *jobs.Task) error {
		id := task.Run().ID
		task.Progress("importing", 10, 100)
		task.Info("batch", "first", map[string]int{"n": 1})
		task.SetCheckpoint(map[string]string{"at": "line 10\x00", "b": "1", "a": "2"})
		no := errors.New("no")
		if err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			return errors.Join(effect(ctx, tx, "1"), no)
		}); !errors.Is(err, no) {
			w.t.Errorf("commit: %v, want the function's error", err)
		}
		if run := w.get(id); run.Done != 0 || len(w.events(id)) != 0 || task.Checkpoint() != nil {
			w.t.Errorf("after a rollback: done %d, events %v, checkpoint %s", run.Done, w.events(id), task.Checkpoint())
		}
		// What was told is still there for the next try.
		if err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, "1") }); err != nil {
			return err
		}
		const want = `{"a":"2","at":"line 10\u0000","b":"1"}`
		if run := w.get(id); run.Phase != "importing" || run.Done != 10 || run.Total != 100 || string(task.Checkpoint()) != want {
			w.t.Errorf("after a commit: %s %d of %d, checkpoint %s", run.Phase, run.Done, run.Total, task.Checkpoint())
		}
		if n := w.count("SELECT count(*) FROM runs WHERE checkpoint = ?", want); n != 1 {
			w.t.Errorf("%d rows hold the checkpoint byte for byte, want 1", n)
		}
		return task.Commit(ctx, nil)
	}, func(w *world, run jobs.Run) {
		if run.Error != "" || w.count(countEffects, "%") != 1 {
			w.t.Errorf("run: %q, %d effects, want 1", run.Error, w.count(countEffects, "%"))
		}
		if diff := cmp.Diff([]string{"batch", "completed"}, w.events(run.ID)); diff != "" {
			w.t.Error(diff)
		}
		if e := w.eventRows(run.ID)[0]; e.Message != "first" || e.Level != jobs.Info || strings.ReplaceAll(string(e.Data), " ", "") != `{"n":1}` || e.RunID != run.ID || e.At.IsZero() {
			w.t.Errorf("event %+v", e)
		}
	})
}

// A checkpoint that is set in a transaction belongs to it.
func TestCheckpointInsideACommit(t *testing.T) {
	stored := func(w *world, task *jobs.Task, want string) error {
		n := w.count("SELECT count(*) FROM runs WHERE id = ? AND COALESCE(checkpoint, '') = ?", task.Run().ID, want)
		if n != 1 || string(task.Checkpoint()) != want {
			return fmt.Errorf("the checkpoint is not %q but %q, or not stored", want, task.Checkpoint())
		}
		return nil
	}
	broken := errors.New("broken")
	inside(t, config{Lease: time.Hour}, func(w *world, ctx context.Context, task *jobs.Task) error {
		set := func(v any, end error) func(context.Context, *database.Tx) error {
			return func(context.Context, *database.Tx) error {
				task.SetCheckpoint(v)
				if end == broken {
					panic(end)
				}
				return end
			}
		}
		commit := func(do func(context.Context, *database.Tx) error) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err, _ = v.(error)
				}
			}()
			return task.Commit(ctx, do)
		}
		no := errors.New("no")
		for _, step := range []struct {
			before any
			inside func(context.Context, *database.Tx) error
			err    error
			want   string
		}{
			{nil, set(1, nil), nil, "1"},
			{nil, set(2, no), no, "1"},
			{nil, nil, nil, "1"}, // 2 went with its transaction
			{3, set(4, nil), nil, "4"},
			{5, set(6, no), no, "4"},
			{nil, nil, nil, "5"}, // told before that transaction
			{nil, set(make(chan int), nil), content.ErrInvalid, "5"},
			{nil, nil, nil, "5"},
			{7, set(8, broken), broken, "5"}, // panics
			{nil, nil, nil, "7"},
		} {
			if step.before != nil {
				task.SetCheckpoint(step.before)
			}
			if err := commit(step.inside); !errors.Is(err, step.err) {
				return fmt.Errorf("commit: %w, want %w", err, step.err)
			}
			if err := stored(w, task, step.want); err != nil {
				return err
			}
		}
		return nil
	}, func(w *world, run jobs.Run) {
		if run.Error != "" {
			w.t.Error(run.Error)
		}
	})
}

// A process whose lease ran out and whose run was taken over stores nothing
// more, neither effects nor an end.
func TestFence(t *testing.T) {
	began, resume := make(chan *jobs.Task, 2), make(chan struct{})
	fenced, let := make(chan error, 2), make(chan struct{})
	declared := []decl{{Type: "a", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		attempt := task.Run().Attempt
		if attempt == 1 {
			task.SetCheckpoint(41)
			if err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, "1") }); err != nil {
				return nil, err
			}
		}
		began <- task
		if attempt == 1 {
			<-resume
			stale := func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, "stale") }
			fenced <- task.Complete(context.WithoutCancel(ctx), "stale", stale)
			fenced <- errors.Join(task.Commit(context.WithoutCancel(ctx), stale), ctx.Err())
			return "stale", nil
		}
		<-let
		return string(task.Checkpoint()), nil
	}}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		id := w.submit("a")
		<-began
		second := w.service(config{Jobs: declared})
		w.start(second)
		for over := false; !over; { // until no heartbeat comes between
			w.exec("UPDATE runs SET lease_until = "+w.db.Dialect().After()+" WHERE id = ? AND attempt = 1", -1, id)
			select {
			case <-began:
				over = true
			case <-time.After(200 * time.Millisecond):
			}
		}
		resume <- struct{}{} // while the second attempt is at work
		for range 2 {
			if err := <-fenced; !errors.Is(err, content.ErrSuperseded) {
				w.t.Errorf("a stale commit: %v, want content.ErrSuperseded", err)
			}
		}
		if err := w.Stop(deadline(w.t)); err != nil { // when its end is stored, or refused
			w.t.Error(err)
		}
		if run := w.get(id); run.Status != jobs.Running || run.Attempt != 2 || w.count(countEffects, "stale") != 0 {
			w.t.Errorf("the stale process changed the run: %+v", run)
		}
		let <- struct{}{}
		run, err := second.Wait(deadline(w.t), w.acme, id)
		if err != nil || run.Status != jobs.Completed || string(run.Result) != `"41"` || run.Attempt != 2 {
			w.t.Fatalf("the second attempt: %+v, %v", run, err)
		}
		if diff := cmp.Diff([]string{"released", "resumed", "completed"}, w.events(id)); diff != "" {
			w.t.Error(diff)
		}
	})
}

// The heartbeat keeps the lease of a job that does not commit, and stores what
// it tells.
func TestHeartbeat(t *testing.T) {
	const lease = 3 * time.Second // long enough for a crowded machine
	inside(t, config{Lease: lease}, func(w *world, ctx context.Context, task *jobs.Task) error {
		task.Progress("thinking", 1, 2)
		task.Info("thought", "one", nil)
		id := task.Run().ID
		for u, err := range w.Follow(deadline(w.t), w.acme, id) {
			if err != nil {
				return err
			}
			if len(u.Events) > 0 { // stored without a commit
				break
			}
		}
		for began := time.Now(); time.Since(began) < lease+lease/3; time.Sleep(lease / 30) {
			if n := w.count("SELECT count(*) FROM runs WHERE status = 'running' AND lease_until > "+w.db.Dialect().Now()+" AND id = ?", id); n != 1 {
				return errors.New("the lease has run out")
			}
		}
		return nil
	}, func(w *world, run jobs.Run) {
		if run.Status != jobs.Completed || run.Attempt != 1 || run.Done != 1 {
			w.t.Errorf("the run is %s (%s) after %d attempts", run.Status, run.Error, run.Attempt)
		}
	})
}

// Progress goes forward within a phase.
func TestProgress(t *testing.T) {
	inside(t, config{}, func(_ *world, _ context.Context, task *jobs.Task) error {
		for _, c := range []struct {
			phase       string
			done, total int64
			want        string
		}{
			{"parsing", 5, 10, "parsing 5/10"},
			{"parsing", 3, 10, "parsing 5/10"},
			{"parsing", 7, 0, "parsing 7/0"},
			{"parsing", 7, 20, "parsing 7/20"},
			{"parsing", 30, 20, "parsing 30/30"},
			{"counting", -3, -4, "counting 0/0"},
			{"importing", 1, 4, "importing 1/4"},
			{"importing\x00", 1, 4, "importing\ufffd 1/4"},
		} {
			task.Progress(c.phase, c.done, c.total)
			run := task.Run()
			if got := fmt.Sprintf("%s %d/%d", run.Phase, run.Done, run.Total); got != c.want {
				return fmt.Errorf("after Progress(%q, %d, %d): %s, want %s", c.phase, c.done, c.total, got, c.want)
			}
		}
		return nil
	}, func(w *world, run jobs.Run) {
		if run.Error != "" || run.Done != 1 || run.Total != 4 {
			w.t.Errorf("run %d of %d: %s", run.Done, run.Total, run.Error)
		}
	})
}

// Commits of several goroutines are one after the other; events keep their
// order within each, and none is lost.
func TestCommitsAreConcurrent(t *testing.T) {
	const writers, each = 4, 10
	inside(t, config{}, func(_ *world, ctx context.Context, task *jobs.Task) error {
		var group sync.WaitGroup
		errs := make([]error, writers)
		for i := range writers {
			group.Go(func() {
				for n := range each {
					task.Debug("step", fmt.Sprintf("%d %02d", i, n), nil)
					errs[i] = errors.Join(errs[i], task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
						return effect(ctx, tx, fmt.Sprintf("%d.%d", i, n))
					}))
				}
			})
		}
		group.Wait()
		return errors.Join(errs...)
	}, func(w *world, run jobs.Run) {
		if run.Error != "" || w.count(countEffects, "%") != writers*each {
			w.t.Fatalf("run: %q; %d effects", run.Error, w.count(countEffects, "%"))
		}
		last := map[byte]string{}
		events := w.eventRows(run.ID)
		for _, e := range events[:len(events)-1] {
			if e.Message <= last[e.Message[0]] {
				w.t.Errorf("event %q after %q", e.Message, last[e.Message[0]])
			}
			last[e.Message[0]] = e.Message
		}
		if len(events) != writers*each+1 {
			w.t.Errorf("%d events, want %d", len(events), writers*each+1)
		}
	})
}

func TestCommitMisuse(t *testing.T) {
	inside(t, config{}, func(_ *world, ctx context.Context, task *jobs.Task) error {
		task.SetCheckpoint(make(chan int))
		if err := task.Commit(ctx, nil); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "checkpoint") {
			return fmt.Errorf("a checkpoint that cannot be stored: %w", err)
		}
		task.SetCheckpoint(1)
		return task.Commit(ctx, func(ctx context.Context, _ *database.Tx) error { return task.Commit(ctx, nil) })
	}, func(w *world, run jobs.Run) {
		if !strings.Contains(run.Error, "Commit inside a Commit") {
			w.t.Errorf("run: %q, want a panic that names the mistake", run.Error)
		}
	})
}

// A goroutine that outlives its job cannot write any more.
func TestCommitAfterTheEnd(t *testing.T) {
	tasks := make(chan *jobs.Task, 1)
	inside(t, config{}, func(_ *world, _ context.Context, task *jobs.Task) error {
		tasks <- task
		return nil
	}, func(w *world, run jobs.Run) {
		task := <-tasks
		task.Info("late", "late", nil)
		err := task.Commit(w.t.Context(), func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, "late") })
		if !errors.Is(err, content.ErrSuperseded) || w.count(countEffects, "late") != 0 || len(w.events(run.ID)) != 1 {
			w.t.Errorf("a commit after the end: %v, %d effects, events %v", err, w.count(countEffects, "late"), w.events(run.ID))
		}
	})
}
