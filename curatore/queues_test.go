package curatore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// An import may take 30 minutes and is not tried again, unless the program says
// something else of its queue.
func TestImportsFollowTheirQueue(t *testing.T) {
	books := bookType("book")
	answer := func(ctx context.Context, _ connectors.Input[struct{}]) (connectors.Session, error) {
		return nil, errors.New("the library is closed")
	}
	waits := func(ctx context.Context, _ connectors.Input[struct{}]) (connectors.Session, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	again := jobs.Queue{Name: "library", Timeout: time.Hour, Retry: jobs.Retry{MaxAttempts: 2, Backoff: time.Millisecond}}
	hasty := jobs.Queue{Name: "library", Timeout: 50 * time.Millisecond, Retry: again.Retry}
	onBoth(t, func(t *testing.T, kind string) {
		for _, c := range []struct {
			name    string
			open    func(context.Context, connectors.Input[struct{}]) (connectors.Session, error)
			queues  []jobs.Queue
			timeout time.Duration
			status  jobs.Status
			attempt int
			last    string
		}{
			{"plain", answer, nil, 30 * time.Minute, jobs.Failed, 1, "Library import failed - import library: the library is closed"},
			{"tried again", answer, []jobs.Queue{again}, again.Timeout, jobs.Failed, 2, "Library import failed - import library: the library is closed"},
			{"too slow", waits, []jobs.Queue{hasty}, hasty.Timeout, jobs.TimedOut, 2, "Library import timed out - timed out after 50ms"},
		} {
			t.Run(c.name, func(t *testing.T) {
				conn := connectors.New(connectors.Spec[struct{}]{Name: "library", Label: "Library", Types: []*content.Type{books}, Open: c.open})
				var declared jobs.Job
				config := curatore.Config{Database: databasetest.DSN(t, kind), Queues: c.queues, Jobs: func(_ *curatore.Curator, s *jobs.Service) {
					all := s.Jobs()
					declared = all[slices.IndexFunc(all, func(j jobs.Job) bool { return j.Type == "library_import" })]
				}}
				opened, err := curatore.Open(t.Context(), config, conn)
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := opened.Close(); err != nil {
						t.Error(err)
					}
				}()
				if declared.Timeout != c.timeout || !slices.Equal(declared.Phases[:3], []string{"parsing", "importing", "indexing"}) {
					t.Errorf("%+v", declared)
				}
				org := organization(t, opened, "acme")
				run, err := org.Import(t.Context(), "library")
				if err != nil {
					t.Fatal(err)
				}
				waitFor(t, org, run.ID())
				ended, err := org.Run(t.Context(), run.ID())
				if err != nil || ended.Status != c.status || ended.Attempt != c.attempt {
					t.Errorf("it is %s after %d attempts, %v; want %s after %d", ended.Status, ended.Attempt, err, c.status, c.attempt)
				}
				events, err := org.Events(t.Context(), run.ID(), 0, 0)
				if err != nil || len(events) == 0 {
					t.Fatal(events, err)
				}
				if last := events[len(events)-1].Message; !strings.HasPrefix(last, c.last) {
					t.Errorf("%q, want %q", last, c.last)
				}
			})
		}
	})
}

// A job of the program may wait in a built-in queue without declaring it, and change
// the limits of one; what is declared twice, or named like what is there, is refused.
func TestQueuesOfTheProgram(t *testing.T) {
	handle := func(context.Context, *jobs.Task, int) (any, error) { return nil, nil }
	for _, c := range []struct {
		name   string
		queues []jobs.Queue
		jobs   func(*curatore.Curator, *jobs.Service)
		want   string
	}{
		{"built-in", nil, func(_ *curatore.Curator, s *jobs.Service) {
			jobs.Register(s, jobs.Job{Type: "read", Queue: jobs.QueueExtraction}, handle)
		}, ""},
		{"other limits", []jobs.Queue{{Name: jobs.QueueMaintenance, PerProcess: 2}}, func(_ *curatore.Curator, s *jobs.Service) {
			for _, q := range s.Queues() {
				if q.Label != "Maintenance" || q.PerProcess != 2 || q.Concurrency != 0 || q.Icon == "" {
					t.Errorf("%+v", q)
				}
			}
		}, ""},
		{"not declared", nil, func(_ *curatore.Curator, s *jobs.Service) {
			jobs.Register(s, jobs.Job{Type: "read", Queue: "letters"}, handle)
		}, `job "read": there is no queue "letters"`},
		{"of nobody", []jobs.Queue{{Name: "letters"}}, nil, `nobody works on queue "letters"`},
		{"twice", []jobs.Queue{{Name: "maintenance"}, {Name: "maintenance"}}, nil, `queue "maintenance": it is declared twice`},
		{"a type that is there", nil, func(_ *curatore.Curator, s *jobs.Service) {
			jobs.Register(s, jobs.Job{Type: "maintenance", Queue: "maintenance"}, handle)
		}, `the type "maintenance" is declared twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite), Queues: c.queues, Jobs: c.jobs})
			if err == nil {
				err = opened.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
