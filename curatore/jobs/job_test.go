package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// New reports all mistakes of a Config at once, each with what to do.
func TestNewReportsEveryMistake(t *testing.T) {
	_, err := jobs.New(jobs.Config{
		Lease: -time.Second, Poll: -1, Drain: -1, TooOld: -1, Remote: []string{"far"},
		Queues: []jobs.Queue{{Name: "q"}, {Name: "q"}, {Name: "Big Queue"}, {Name: "small", Concurrency: -1, Icon: "unicorn", Color: "mauve", Retry: jobs.Retry{Backoff: -1}}},
	})
	if !errors.Is(err, content.ErrInvalid) {
		t.Fatalf("error %v, want content.ErrInvalid", err)
	}
	contains(t, err, "Config.DB is missing", "Config.Authority is missing", "Config.Runner is missing", "Config.Lease", "Config.Poll", "Config.Drain", "Config.TooOld",
		`the queue "far"`, `queue "q": it is declared twice`, `queue "Big Queue"`, `queue "small": its concurrency is negative`, `no icon "unicorn"`, `no color "mauve"`, "its Retry has a negative value")
}

// Start reports all mistakes of what was registered at once, and does not start.
func TestStartReportsEveryMistake(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	s := w.newService(config{
		Queues: []jobs.Queue{{Name: "q"}, {Name: "empty"}},
		Jobs: []decl{
			{Type: "a", Queue: "q", Handle: noop},
			{Type: "a", Queue: "q", Handle: noop},
			{Job: jobs.Job{Aliases: []string{"a"}}, Type: "e", Queue: "q", Handle: noop},
			{Job: jobs.Job{Aliases: []string{"f", "g", "g"}}, Type: "f", Queue: "q", Handle: noop},
			{Type: "b", Queue: "nowhere", Handle: noop},
			{Type: "c", Queue: "q"},
			{Type: "d", Queue: "q", Timeout: -1, Handle: noop},
			{Job: jobs.Job{Type: "", Phases: []string{"x", "x"}}, Queue: "q", Handle: noop},
		},
	})
	jobs.Register(s, jobs.Job{Type: "s", Queue: "q"}, func(context.Context, *jobs.Task, int) (any, error) { return nil, nil }).
		Schedule(jobs.Schedule{Name: "At Night", Cron: "99 * * * *", Zone: "Mars/Olympus"}, 1)
	err := s.Start(t.Context())
	if !errors.Is(err, content.ErrInvalid) {
		t.Fatalf("error %v, want content.ErrInvalid", err)
	}
	contains(t, err, `nobody works on queue "empty"`, `the type "a" is declared twice, also by job "a"`, `job "e"`, `the type "f" is named twice`, `the type "g" is named twice`, `job "b": there is no queue "nowhere"; declared are empty, q`,
		`job "c" has nothing to do here`, `the phase "x"`, `job "": the type ""`, `schedule "At Night": a name begins`, "is not a cron expression", `no time zone "Mars/Olympus"`)
}

func contains(t *testing.T, err error, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell %q:\n%v", want, err)
		}
	}
}

// What was declared is listed for a user interface, with defaults for people.
func TestDeclarationsAreListed(t *testing.T) {
	full := jobs.Job{Type: "c", Aliases: []string{"d"}, Label: "C", Icon: "file", Color: "blue", Queue: "q", ResourceType: "connection", Children: true,
		Phases: []string{"one", "two"}, Completed: "Done", Failed: "Not done", Timeout: time.Hour, Retry: jobs.Retry{MaxAttempts: 3}, Resumable: true}
	queue := jobs.Queue{Name: "q", Label: "Q", Description: "Letters.", Icon: "file", Color: "red", Concurrency: 3, PerProcess: 2, Timeout: time.Minute,
		Retry: jobs.Retry{MaxAttempts: 2, Backoff: 1, MaxBackoff: 2}, NoCancel: true, NoReplay: true}
	w := newWorld(t, openSQLite(t))
	s := w.service(config{Queues: []jobs.Queue{queue}})
	typed := jobs.Register(s, full, func(context.Context, *jobs.Task, int) (any, error) { return nil, nil })
	if diff := cmp.Diff([]jobs.Job{full}, s.Jobs()) + cmp.Diff(full, typed.Job()) + cmp.Diff([]jobs.Queue{queue}, s.Queues()); diff != "" {
		t.Error(diff)
	}
	eachDatabase(t, []decl{{Type: "b", Handle: noop}, {Type: "a", Label: "A", Handle: noop}}, func(w *world) {
		all := w.Jobs()
		if len(all) != 2 || all[0].Type != "a" || all[0].Label != "A" || all[1].Label != "b" {
			t.Errorf("jobs %+v, want a (A) and b (b)", all)
		}
		if queues := w.Queues(); len(queues) != 1 || queues[0].Label != "q" {
			t.Errorf("queues %+v, want q", queues)
		}
	})
}
