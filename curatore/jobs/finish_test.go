package jobs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/curatore/curatore-go/curatore/jobs"
)

// The event that closes a run says so in the words of its job, with the label of the
// run and the error, whoever ends it: the job, a sweep, or somebody who cancels it.
func TestClosingMessages(t *testing.T) {
	answer := func(_ context.Context, task *jobs.Task) (any, error) {
		if task.Run().Label == "bad.zip" {
			return nil, errors.New("no Id column")
		}
		return nil, nil
	}
	declared := []decl{
		{Type: "import", Label: "Salesforce import", Handle: answer},
		{Type: "own", Job: jobs.Job{Completed: "All is well", Failed: "Alas"}, Handle: answer},
	}
	eachDatabase(t, declared, func(w *world) {
		submit := func(kind, label string) string {
			run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: kind, Label: label})
			if err != nil {
				w.t.Fatal(err)
			}
			return run.ID
		}
		lost, unknown, cancelled := submit("import", "lost.zip"), submit("own", "unknown.zip"), submit("import", "off.zip")
		w.orphan(lost, 1)
		w.orphan(unknown, 1)
		w.exec("UPDATE runs SET type = 'gone', max_attempts = 1 WHERE id = ?", unknown)
		if err := w.Cancel(w.t.Context(), w.acme, cancelled, "not today"); err != nil {
			w.t.Fatal(err)
		}
		w.start(w.Service)
		for _, c := range []struct {
			id     string
			status jobs.Status
			want   string
		}{
			{submit("import", "export.zip"), jobs.Completed, "Salesforce import completed: export.zip"},
			{submit("import", "bad.zip"), jobs.Failed, "Salesforce import failed: bad.zip - no Id column"},
			{submit("import", ""), jobs.Completed, "Salesforce import completed"},
			{submit("own", "export.zip"), jobs.Completed, "All is well: export.zip"},
			{submit("own", "bad.zip"), jobs.Failed, "Alas: bad.zip - no Id column"},
			{lost, jobs.Failed, "Salesforce import failed: lost.zip - the process that ran it ended; start it again"},
			{unknown, jobs.Failed, "gone failed: unknown.zip - the process that ran it ended; start it again"},
			{cancelled, jobs.Cancelled, "Salesforce import cancelled: off.zip - cancelled: not today"},
		} {
			w.wait(c.id, c.status)
			events := w.eventRows(c.id)
			if last := events[len(events)-1]; last.Message != c.want || last.Type != string(c.status) {
				w.t.Errorf("%s: %q, want %q", last.Type, last.Message, c.want)
			}
		}
	})
}
