package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A disk that is full in the middle of a run stores no half of a commit. When there
// is room again, however late, the run tells what happened: one that can go on does
// so from its last checkpoint, another one has failed and says why.
func TestDiskFullInMidRun(t *testing.T) {
	const batches, parts = 40, 4
	dsn, disk := databasetest.OnDisk(t, database.SQLite) // for Postgres see TestImportSurvivesAFullDisk
	w := newWorld(t, databasetest.OpenDSN(t, dsn))
	w.exec("CREATE TABLE effects (run_id TEXT, batch BIGINT, part BIGINT, body TEXT)")
	filled, failed := make(chan bool), make(chan error, 2)
	pour := func(ctx context.Context, task *jobs.Task) (any, error) {
		batch := 0
		if at := task.Checkpoint(); at != nil {
			if err := json.Unmarshal(at, &batch); err != nil {
				return nil, err
			}
		}
		for ; batch < batches; batch++ {
			if batch == 3 && task.Run().Attempt == 1 {
				filled <- true // asks for it
				<-filled
			}
			task.SetCheckpoint(batch + 1)
			task.Info(jobs.EventProgress, fmt.Sprintf("batch %d", batch), nil)
			if err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
				for part := range parts {
					if _, err := tx.Exec(ctx, "INSERT INTO effects (run_id, batch, part, body) VALUES (?, ?, ?, ?)", task.Run().ID, batch, part, noise(16_000)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				failed <- err
				return nil, err
			}
		}
		return nil, nil
	}
	w.Service = w.service(config{Lease: 500 * time.Millisecond, Jobs: []decl{{Type: "goes-on", Resumable: true, Handle: pour}, {Type: "once", Handle: pour}}})
	w.start(w.Service)
	full := func(job string) string {
		id := w.submit(job)
		<-filled
		disk.Fill()
		filled <- true
		if err := <-failed; !errors.Is(err, content.ErrNoWrites) || !errors.Is(err, content.ErrBusy) {
			t.Errorf("%s: %v, want %v", job, err, content.ErrNoWrites)
		}
		for until := deadline(t); w.count("SELECT count(*) FROM runs WHERE id = ? AND status = 'running' AND lease_until > "+w.db.Dialect().After(), id, -1) > 0; time.Sleep(10 * time.Millisecond) {
			if until.Err() != nil {
				t.Fatal("its end is neither stored nor long overdue")
			}
		}
		disk.Free()
		return id
	}
	stored := func(id string) []string {
		return databasetest.Lines(t, w.db, "SELECT batch, count(*) FROM effects WHERE run_id = ? GROUP BY batch ORDER BY batch", id)
	}
	complete := func(n int) (lines []string) {
		for batch := range n {
			lines = append(lines, fmt.Sprintf("%d | %d", batch, parts))
		}
		return lines
	}

	once := full("once")
	run := w.wait(once, jobs.Failed)
	if !strings.Contains(run.Error, "the database takes no writes") || !strings.Contains(strings.ToLower(run.Error), "full") && !strings.Contains(run.Error, "No space left") {
		t.Errorf("its error is %q", run.Error)
	}
	events := w.eventRows(once)
	if last := events[len(events)-1]; last.Type != jobs.EventFailed || !strings.Contains(last.Message, run.Error) {
		t.Errorf("its last event is %+v", last)
	}
	if got := stored(once); len(got) < 3 || len(got) == batches || !slices.Equal(got, complete(len(got))) {
		t.Errorf("stored is %v", got)
	}

	goesOn := full("goes-on")
	if run := w.wait(goesOn, jobs.Completed); run.Attempt < 2 {
		t.Errorf("it completed in attempt %d", run.Attempt)
	}
	if diff := cmp.Diff(complete(batches), stored(goesOn)); diff != "" {
		t.Errorf("wanted (-), stored (+):\n%s", diff)
	}
	if got := w.events(goesOn); !slices.Contains(got, jobs.EventRetry) || !slices.Contains(got, jobs.EventResumed) || got[len(got)-1] != jobs.EventCompleted {
		t.Errorf("its events are %v", got)
	}
}

// noise is text that no database makes smaller.
func noise(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('!' + rand.IntN(90))
	}
	return string(text)
}
