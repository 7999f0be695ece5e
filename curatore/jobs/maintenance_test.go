package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Maintenance takes up what crashed, purges, sweeps, and removes what is old, of
// its organization alone.
func TestMaintenance(t *testing.T) {
	databasetestRun(t, func(w *world) {
		s := w.service(config{Queues: []jobs.Queue{{Name: jobs.QueueMaintenance}, {Name: "q"}}, Jobs: []decl{{Type: "a", Handle: noop}}, Poll: time.Hour})
		w.Service = s
		var before time.Time
		job := jobs.RegisterMaintenance(s, jobs.Maintenance{
			Purge:     func(_ context.Context, _ *jobs.Task, at time.Time) (int64, error) { before = at; return 5, nil },
			Temporary: func(context.Context, *jobs.Task) (int, error) { return 3, nil },
		})
		dead, _, fresh := w.submit("a"), w.submit("a"), w.submit("a")
		theirs, err := w.Submit(w.t.Context(), w.other, newRun{Type: "a"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.start(s)
		for _, id := range []string{dead, fresh} {
			w.wait(id, jobs.Completed)
		}
		if _, err := w.Wait(deadline(w.t), w.other, theirs.ID); err != nil {
			w.t.Fatal(err)
		}
		long := w.db.Dialect().Time(time.Now().Add(-100 * 24 * time.Hour))
		w.exec("UPDATE runs SET created_at = ?, finished_at = ? WHERE id IN (?, ?)", long, long, dead, theirs.ID)
		w.exec("INSERT INTO run_events (organization_id, run_id, at, level, type, message) VALUES ('acme', ?, ?, 'debug', 'x', '')", fresh, long)
		run, err := job.Submit(w.t.Context(), w.acme, struct{}{}, jobs.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		ended := w.wait(run.ID, jobs.Completed)
		var got jobs.Maintained
		if err := json.Unmarshal(ended.Result, &got); err != nil {
			w.t.Fatal(err)
		}
		if diff := cmp.Diff(jobs.Maintained{Purged: 5, Temporary: 3, Runs: 1, Events: 1}, got); diff != "" {
			w.t.Error(diff)
		}
		if age := time.Since(before); age < 29*24*time.Hour || age > 31*24*time.Hour {
			w.t.Errorf("purged what was deleted before %s", before)
		}
		if _, err := w.Get(w.t.Context(), w.acme, dead); !isNotFound(err) {
			w.t.Errorf("the old run: %v", err)
		}
		if _, err := w.Get(w.t.Context(), w.other, theirs.ID); err != nil {
			w.t.Errorf("the old run of another organization: %v", err)
		}
		if ended.Phase != jobs.PhaseRetention || ended.Done != 4 || ended.Total != 4 {
			w.t.Errorf("progress %s %d of %d", ended.Phase, ended.Done, ended.Total)
		}
	})
}

// A part of maintenance that fails keeps no other one from its work; the run tells, and
// has counted what was done. Runs go when their group is complete, and it goes when
// they are gone.
func TestMaintenanceOfWhatIsHalfDone(t *testing.T) {
	databasetestRun(t, func(w *world) {
		s := w.service(config{Queues: []jobs.Queue{{Name: jobs.QueueMaintenance}, {Name: "q"}}, Jobs: []decl{{Type: "a", Handle: noop}}, Poll: time.Hour})
		w.Service = s
		job := jobs.RegisterMaintenance(s, jobs.Maintenance{
			Purge:     func(context.Context, *jobs.Task, time.Time) (int64, error) { return 2, errors.New("half of the rows") },
			Temporary: func(context.Context, *jobs.Task) (int, error) { return 1, nil },
		})
		groups := map[string]jobs.Group{}
		runs := map[string]string{}
		for _, name := range []string{"over", "open", "in use", "awaited"} {
			w.write(func(ctx context.Context, tx *database.Tx) (err error) {
				if groups[name], err = w.NewGroup(ctx, tx, w.acme, name); err != nil {
					return err
				}
				run, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "a", Options: jobs.Options{Group: groups[name].ID}})
				if err != nil {
					return err
				}
				runs[name] = run.ID
				if name == "open" {
					return nil
				}
				return w.SealGroup(ctx, tx, w.acme, groups[name].ID)
			})
		}
		after, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: jobs.Options{After: groups["awaited"].ID}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.start(s)
		for _, id := range runs {
			w.wait(id, jobs.Completed)
		}
		w.wait(after.ID, jobs.Completed)
		long := w.db.Dialect().Time(time.Now().Add(-100 * 24 * time.Hour))
		w.exec("UPDATE run_groups SET created_at = ?", long)
		w.exec("UPDATE run_groups SET completed_at = ? WHERE completed_at IS NOT NULL", long)
		for _, name := range []string{"over", "open", "awaited"} {
			w.exec("UPDATE runs SET created_at = ?, finished_at = ? WHERE id = ?", long, long, runs[name])
		}
		lost := w.submit("a")
		w.wait(lost, jobs.Completed)
		w.orphan(lost, 1)
		run, err := job.Submit(w.t.Context(), w.acme, struct{}{}, jobs.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		ended := w.wait(run.ID, jobs.Failed)
		var got jobs.Maintained
		if err := json.Unmarshal(ended.Result, &got); err != nil {
			w.t.Fatal(err)
		}
		if diff := cmp.Diff(jobs.Maintained{Expired: 1, Purged: 2, Temporary: 1, Runs: 2}, got); diff != "" || ended.Error != "half of the rows" {
			w.t.Errorf("%q, %s", ended.Error, diff)
		}
		w.wait(lost, jobs.Failed)
		for name, left := range map[string]bool{"over": false, "open": true, "in use": true, "awaited": true} {
			g, err := w.Group(w.t.Context(), w.acme, groups[name].ID)
			if isNotFound(err) == left || left && g.Total() != 1 {
				w.t.Errorf("group %q: %+v, %v", name, g, err)
			}
			if _, err := w.Get(w.t.Context(), w.acme, runs[name]); isNotFound(err) == (name == "open" || name == "in use") {
				w.t.Errorf("the run of group %q: %v", name, err)
			}
		}
	})
}

func TestMistakesOfMaintenance(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	s := w.service(config{Queues: []jobs.Queue{{Name: jobs.QueueMaintenance}}})
	jobs.RegisterMaintenance(s, jobs.Maintenance{KeepRuns: -time.Hour})
	if err := s.Start(t.Context()); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "negative") {
		t.Errorf("Start: %v", err)
	}
}
