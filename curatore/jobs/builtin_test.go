package jobs_test

import (
	"context"
	"slices"
	"testing"

	"github.com/curatore/curatore-go/curatore/jobs"
)

// The built-in queues have these names, look like something, and are there when a job
// names one; then they follow Config.Remote and Check as declared ones do.
func TestBuiltinQueues(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	var names []string
	for _, q := range jobs.BuiltinQueues() {
		names = append(names, q.Name)
		if q.Label == "" || q.Description == "" || q.Icon == "" || q.Color == "" {
			t.Errorf("%+v", q)
		}
	}
	if want := []string{"extraction", "sam", "scrape", "sharepoint", "salesforce", "maintenance"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	w.newService(config{Queues: jobs.BuiltinQueues()}) // they are valid declarations
	far := jobs.QueueScrape
	s := w.service(config{Queues: []jobs.Queue{{Name: "sam", Concurrency: 7}}, Remote: []string{far}})
	handle := func(context.Context, *jobs.Task, int) (any, error) { return nil, nil }
	for _, name := range []string{"sam", "extraction", "extraction"} {
		jobs.Register(s, jobs.Job{Type: "a" + string(rune('a'+len(s.Jobs()))), Queue: name}, handle)
	}
	jobs.Register[int](s, jobs.Job{Type: "far", Queue: far}, nil)
	got := s.Queues()
	if len(got) != 3 || got[0].Name != "extraction" || got[0].Label != "Text extraction" || got[1].Concurrency != 7 || got[1].Label != "SAM.gov" || got[2].Name != far {
		t.Errorf("%+v", got)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
