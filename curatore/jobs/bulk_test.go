//go:build !race

package jobs_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A job that tells more than the database takes loses events, not memory, and
// the run says so.
func TestManyEvents(t *testing.T) {
	inside(t, config{}, func(w *world, ctx context.Context, task *jobs.Task) error {
		return w.db.Write(ctx, func(context.Context, *database.Tx) error { // on SQLite nothing else can write now
			for i := range 12_000 {
				task.Debug("step", fmt.Sprint(i), nil)
			}
			return nil
		})
	}, func(w *world, run jobs.Run) {
		stored := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'step'", run.ID)
		dropped := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'events_dropped'", run.ID)
		if run.Error != "" || stored < 10_000 || (stored < 12_000) != (dropped > 0) {
			w.t.Errorf("run: %q; %d events are stored, %d tell of others", run.Error, stored, dropped)
		}
	})
}
