package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// What Enqueue returns is what is stored.
func TestEnqueueStoresTheRun(t *testing.T) {
	eachDatabase(t, []decl{{Type: "import", Label: "Import", Handle: noop}}, func(w *world) {
		parent := w.submit("import")
		var group jobs.Group
		w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			group, err = w.NewGroup(ctx, tx, w.acme, "files")
			return err
		})
		o := jobs.Options{ResourceID: "crm", Priority: 7, NotBefore: time.Now().Add(time.Hour), UniqueKey: "nightly", Parent: parent, Group: group.ID, MaxAttempts: 3,
			TraceID: strings.Repeat("0a", 16)}
		run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "import", Label: "a\x00b\xff.zip", Config: map[string]any{"files": []string{"a\x00.csv"}}, Options: o})
		if err != nil {
			w.t.Fatal(err)
		}
		stored := w.get(run.ID)
		if diff := cmp.Diff(*run, stored, sameJSON, sameTime); diff != "" {
			w.t.Errorf("stored (+) is not what was returned (-):\n%s", diff)
		}
		if stored.Status != jobs.Pending || stored.OrganizationID != "acme" || stored.CreatedBy != "alice" || stored.Label != "a\ufffdb\ufffd.zip" {
			w.t.Errorf("stored %+v", stored)
		}
		if got := (jobs.Options{ResourceID: stored.ResourceID, Priority: stored.Priority, NotBefore: *stored.NotBefore, UniqueKey: stored.UniqueKey, Parent: stored.ParentID,
			Group: stored.GroupID, MaxAttempts: stored.MaxAttempts, TraceID: stored.TraceID}); !cmp.Equal(o, got, sameTime) {
			w.t.Errorf("options %+v, want %+v", got, o)
		}
		if plain := w.get(w.submit("import")); plain.Label != "Import" || string(plain.Config) != "null" {
			w.t.Errorf("a run of nothing but a type has label %q and config %s", plain.Label, plain.Config)
		}
	})
}

var (
	sameTime = cmp.Comparer(func(a, b time.Time) bool { return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond)) })
	sameJSON = cmp.Comparer(func(a, b []byte) bool {
		return strings.ReplaceAll(string(a), " ", "") == strings.ReplaceAll(string(b), " ", "") // jsonb writes spaces
	})
)

// A rolled-back transaction's run never exists, a committed one runs even when
// nobody dispatches it.
func TestEnqueueIsPartOfTheTransaction(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		w.start(w.Service)
		var ids []string
		for _, end := range []error{errors.New("no"), nil} {
			err := w.db.Write(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
				run, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "a"})
				if err != nil {
					return err
				}
				ids = append(ids, run.ID)
				return end
			})
			if !errors.Is(err, end) {
				w.t.Fatal(err)
			}
		}
		w.wait(ids[1], jobs.Completed)
		if _, err := w.Get(w.t.Context(), w.acme, ids[0]); !errors.Is(err, content.ErrNotFound) {
			w.t.Errorf("the run of the rolled-back transaction: %v", err)
		}
	})
}

func TestEnqueueRefuses(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		for _, c := range []struct {
			name  string
			scope content.Scope
			run   newRun
			want  error
			text  string
		}{
			{"empty scope", content.Scope{}, newRun{Type: "a"}, content.ErrScope, ""},
			{"foreign scope", content.NewAuthority().Mint("acme", "eve"), newRun{Type: "a"}, content.ErrScope, ""},
			{"config", w.acme, newRun{Type: "a", Config: make(chan int)}, content.ErrInvalid, "arguments of a cannot be stored"},
			{"no such organization", w.authority.Mint("nobody", "eve"), newRun{Type: "a"}, content.ErrConflict, ""},
		} {
			_, err := w.Submit(w.t.Context(), c.scope, c.run)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				w.t.Errorf("%s: error %v, want %v with %q", c.name, err, c.want, c.text)
			}
		}
		if n := w.count("SELECT count(*) FROM runs WHERE id <> ?", ""); n != 0 {
			w.t.Errorf("%d runs were stored", n)
		}
	})
}

// A job gets its arguments as they were given, also nothing of a type.
func TestArgumentsComeAsGiven(t *testing.T) {
	type settings struct{ Name string }
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{})
		list := echo[[]string](w.Service, "list")
		pointer := echo[*settings](w.Service, "pointer")
		value := echo[settings](w.Service, "value")
		w.start(w.Service)
		for want, submit := range map[string]func() (*jobs.Run, error){
			"[]string(nil)": func() (*jobs.Run, error) { return list.Submit(w.t.Context(), w.acme, nil, jobs.Options{}) },
			`[]string{"a"}`: func() (*jobs.Run, error) {
				return list.Submit(w.t.Context(), w.acme, []string{"a"}, jobs.Options{})
			},
			"(*jobs_test.settings)(nil)":  func() (*jobs.Run, error) { return pointer.Submit(w.t.Context(), w.acme, nil, jobs.Options{}) },
			`jobs_test.settings{Name:""}`: func() (*jobs.Run, error) { return value.Submit(w.t.Context(), w.acme, settings{}, jobs.Options{}) },
		} {
			run, err := submit()
			if err != nil {
				w.t.Fatal(err)
			}
			if ended := w.wait(run.ID, jobs.Completed); decoded(string(ended.Result)) != want {
				w.t.Errorf("the job got %s, want %s", ended.Result, want)
			}
		}
	})
}

// echo registers a job that returns its arguments as Go writes them.
func echo[A any](s *jobs.Service, name string) *jobs.Typed[A] {
	return jobs.Register(s, jobs.Job{Type: name, Queue: "q"}, func(_ context.Context, _ *jobs.Task, args A) (any, error) {
		return fmt.Sprintf("%#v", args), nil
	})
}
