package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// JSON that one of the databases does not take is made such that it does, or refused:
// as the result of a job it fails the run, as the data of an event it is left out, as
// arguments or a checkpoint it is an error. Nothing is left that cannot be stored,
// which would keep a run at work for ever.
func TestJSONThatADatabaseRefuses(t *testing.T) {
	deep := func(n int) json.RawMessage {
		return json.RawMessage(strings.Repeat("[", n) + strings.Repeat("]", n))
	}
	cases := []struct {
		name    string
		value   any
		refused string // contained in the error; empty: it is stored
	}{
		{"number", json.RawMessage(`{"n": 1e200000}`), "too many places"},
		{"digits", json.RawMessage("-" + strings.Repeat("1", 200_000)), "too many places"},
		{"small_number", json.RawMessage(`-1.5E-0020000`), "too many places"},
		{"in_text", `\"[1e200000`, ""},
		{"exponent", json.RawMessage(`[1e-300,1E+0300,-0.0e0]`), ""},
		{"depth", deep(5000), "nested"},
		{"not_so_deep", deep(900), ""},
		{"not_utf8", json.RawMessage("\"a\xff\""), ""},
		{"half_a_pair", json.RawMessage(`"a\ud800"`), ""},
		{"nul", json.RawMessage(`{"a\u0000":"\u0000"}`), ""},
		{"size", strings.Repeat("x", 2<<20), "bytes of JSON"},
	}
	var declared []decl
	for _, c := range cases {
		declared = append(declared, decl{Type: c.name, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
			task.Info("told", c.name, c.value)
			return c.value, nil
		}}, decl{Type: c.name + "_checkpoint", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
			task.SetCheckpoint(c.value)
			err := task.Commit(ctx, func(context.Context, *database.Tx) error { return nil })
			if errors.Is(err, content.ErrInvalid) { // it is the caller's to see, and not the end of the run
				task.SetCheckpoint("ok")
				err = task.Commit(ctx, nil)
			}
			return nil, err
		}})
	}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		for _, c := range cases {
			want := jobs.Completed
			if c.refused != "" {
				want = jobs.Failed
			}
			run := w.wait(w.submit(c.name), want)
			if !strings.Contains(run.Error, c.refused) || (run.Result == nil) != (c.refused != "") {
				w.t.Errorf("%s: result %.40s, error %q, want %q", c.name, run.Result, run.Error, c.refused)
			}
			if told := w.eventRows(run.ID)[0]; !strings.Contains(string(told.Data), c.refused) || len(told.Data) == 0 {
				w.t.Errorf("%s: data %.200s, want %q", c.name, told.Data, c.refused)
			}
			w.wait(w.submit(c.name+"_checkpoint"), jobs.Completed)
			_, err := w.Submit(w.t.Context(), w.acme, newRun{Type: c.name, Config: c.value})
			if (err != nil) != (c.refused != "") || err != nil && (!errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), c.refused)) {
				w.t.Errorf("%s: arguments: %v, want %q", c.name, err, c.refused)
			}
		}
	})
}
