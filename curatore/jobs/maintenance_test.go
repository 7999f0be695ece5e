package jobs_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
