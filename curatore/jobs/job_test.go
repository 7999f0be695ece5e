package jobs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// New reports all mistakes at once, each with what to do.
func TestNewReportsEveryMistake(t *testing.T) {
	_, err := jobs.New(jobs.Config{
		Lease:  -time.Second,
		Queues: []jobs.Queue{{Name: "q"}, {Name: "q"}, {Name: "Big Queue"}, {Name: "small", Concurrency: -1}},
		Jobs: []jobs.Job{
			{Type: "a", Queue: "q", Handle: noop},
			{Type: "a", Queue: "q", Handle: noop},
			{Type: "b", Queue: "nowhere", Handle: noop},
			{Type: "c", Queue: "q"},
			{Type: "d", Queue: "q", Timeout: -1, Handle: noop},
			{Type: "", Queue: "q", Handle: noop},
		},
	})
	if !errors.Is(err, content.ErrInvalid) {
		t.Fatalf("error %v, want content.ErrInvalid", err)
	}
	for _, want := range []string{
		"Config.DB is missing", "Config.Authority is missing", "Config.Runner is missing", "Config.Lease",
		`queue "q" is declared twice`, `queue "Big Queue"`, `queue "small": its concurrency is -1`,
		`job "a" is declared twice`, `job "b": there is no queue "nowhere"; declared are q, small`, `job "c" has no Handle`,
		`job "d": its time-out is -1ns`, `job "": a type begins`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell %q:\n%v", want, err)
		}
	}
}

func TestDeclarationsAreListed(t *testing.T) {
	eachDatabase(t, []jobs.Job{{Type: "b", Handle: noop}, {Type: "a", Label: "A", Handle: noop}}, func(w *world) {
		all := w.Jobs()
		if len(all) != 2 || all[0].Type != "a" || all[0].Label != "A" || all[1].Label != "b" {
			t.Errorf("jobs %+v, want a (A) and b (b)", all)
		}
		if queues := w.Queues(); len(queues) != 1 || queues[0].Label != "q" {
			t.Errorf("queues %+v, want q", queues)
		}
	})
}
