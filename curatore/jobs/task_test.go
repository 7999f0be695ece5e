package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// What a job tells costs no statement of its own: it is stored with a commit, or with
// the end of the run, also when that has failed.
func TestEventsTravelTogether(t *testing.T) {
	const each = 900
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dsn := databasetest.DSN(t, kind)
			databasetest.OpenDSN(t, dsn) // for the tables
			var stores atomic.Int64
			db, err := database.Open(t.Context(), dsn, database.Options{Fault: func(statement string) error {
				if strings.Contains(statement, "run_events") && strings.Contains(statement, "INSERT") {
					stores.Add(1)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			w := newWorld(t, db)
			w.Service = w.service(config{Lease: time.Hour, Jobs: []decl{{Type: "talks", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
				tell := func() {
					for i := range each {
						task.Progress("counting", int64(i), each)
						task.Debug("step", fmt.Sprint(i), map[string]int{"n": i})
					}
				}
				tell()
				if err := task.Commit(ctx, nil); err != nil {
					return nil, err
				}
				tell()
				return nil, fmt.Errorf("told %d", each)
			}}}})
			began := time.Now()
			w.start(w.Service)
			run := w.wait(w.submit("talks"), jobs.Failed)
			if run.Done != each-1 || run.Total != each || run.Phase != "counting" {
				t.Errorf("%+v", run)
			}
			if n := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'step'", run.ID); n != 2*each {
				t.Errorf("%d events are stored, want %d", n, 2*each)
			}
			// A commit, the end, and no more than a heartbeat a second; an end is tried twice at most.
			if n, most := stores.Load(), int64(3+time.Since(began)/time.Second); n < 2 || n > most {
				t.Errorf("%d statements have stored them, want 2 to %d", n, most)
			}
		})
	}
}
