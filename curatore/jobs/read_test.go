package jobs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

func TestList(t *testing.T) {
	declared := []decl{{Type: "a", Handle: noop}, {Type: "b", Queue: "r", Handle: noop}}
	eachDatabase(t, nil, func(w *world) {
		// Several runs share a moment, so that the id decides among them.
		tick := 0
		now := func() time.Time {
			tick++
			return time.Date(2026, 3, 1, 0, 0, tick/3, 0, time.UTC)
		}
		w.Service = w.service(config{Jobs: declared, Queues: []jobs.Queue{{Name: "q"}, {Name: "r"}}, Now: now})
		var all []string // the newest first
		for i := range 10 {
			all = append(all, w.submit([]string{"a", "b"}[i%2]))
		}
		slices.Reverse(all)
		if _, err := w.Submit(w.t.Context(), w.other, newRun{Type: "a"}); err != nil {
			w.t.Fatal(err)
		}
		if err := w.Cancel(w.t.Context(), w.acme, all[0], ""); err != nil {
			w.t.Fatal(err)
		}
		list := func(q jobs.Query) (ids []string) {
			w.t.Helper()
			page, err := w.List(w.t.Context(), w.acme, q)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, run := range page.Runs {
				ids = append(ids, run.ID)
			}
			if page.Next != "" {
				q.Cursor = page.Next
				ids = append(ids, "|")
				page, err := w.List(w.t.Context(), w.acme, q)
				if err != nil || len(page.Runs) == 0 {
					w.t.Errorf("the next page: %d runs, %v", len(page.Runs), err)
				}
			}
			return ids
		}
		odd, even := []string{}, []string{} // of type b, of type a
		for i, id := range all {
			if i%2 == 0 {
				odd = append(odd, id)
			} else {
				even = append(even, id)
			}
		}
		at := w.get(all[4]).CreatedAt // which another run shares
		n := slices.IndexFunc(all, func(id string) bool { return w.get(id).CreatedAt.Before(at) })
		for _, c := range []struct {
			name  string
			query jobs.Query
			want  []string
		}{
			{"all", jobs.Query{}, all},
			{"since", jobs.Query{Since: at}, all[:n]},
			{"until", jobs.Query{Until: at}, all[n:]},
			{"since and until", jobs.Query{Since: at, Until: at.Add(time.Microsecond)}, all[slices.IndexFunc(all, func(id string) bool { return w.get(id).CreatedAt.Equal(at) }):n]},
			{"limit", jobs.Query{Limit: 3}, append(slices.Clone(all[:3]), "|")},
			{"exactly all", jobs.Query{Limit: 10}, all},
			{"type", jobs.Query{Types: []string{"a"}}, even},
			{"types", jobs.Query{Types: []string{"a", "b", "c"}}, all},
			{"queue", jobs.Query{Queues: []string{"r"}}, odd},
			{"status", jobs.Query{Statuses: []jobs.Status{jobs.Cancelled}}, all[:1]},
			{"active", jobs.Query{Active: true}, all[1:]},
			{"active or cancelled", jobs.Query{Active: true, Statuses: []jobs.Status{jobs.Cancelled}}, all},
			{"creator", jobs.Query{CreatedBy: "alice"}, all},
			{"other creator", jobs.Query{CreatedBy: "bob"}, nil},
		} {
			if diff := cmp.Diff(c.want, list(c.query)); diff != "" {
				w.t.Errorf("%s: %s", c.name, diff)
			}
		}
		// The pages together are the list, each run once.
		var paged []string
		for q := (jobs.Query{Limit: 4}); ; {
			page, err := w.List(w.t.Context(), w.acme, q)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, run := range page.Runs {
				paged = append(paged, run.ID)
			}
			if q.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if diff := cmp.Diff(all, paged); diff != "" {
			w.t.Errorf("pages: %s", diff)
		}
		first, err := w.List(w.t.Context(), w.acme, jobs.Query{Limit: 1})
		if err != nil || first.Next == "" {
			w.t.Fatal(first, err)
		}
		for _, q := range []jobs.Query{{Cursor: "?"}, {Cursor: "bm90IGEgY3Vyc29y"}, {Statuses: []jobs.Status{"waiting"}}, {Cursor: first.Next, Active: true}, {Cursor: first.Next, CreatedBy: "x"}} {
			if _, err := w.List(w.t.Context(), w.acme, q); !errors.Is(err, content.ErrInvalid) {
				w.t.Errorf("%+v: %v, want content.ErrInvalid", q, err)
			}
		}
	})
}

// What belongs to one organization is not found from another one, and cannot be
// told from what does not exist.
func TestOrganizationsAreSeparate(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		ctx := deadline(w.t)
		id := w.submit("a")
		reads := map[string]func(scope content.Scope, id string) error{
			"Get":    func(scope content.Scope, id string) error { _, err := w.Get(ctx, scope, id); return err },
			"Events": func(scope content.Scope, id string) error { _, err := w.Events(ctx, scope, id, 0, 0); return err },
			"Wait":   func(scope content.Scope, id string) error { _, err := w.Wait(ctx, scope, id); return err },
			"Cancel": func(scope content.Scope, id string) error { return w.Cancel(ctx, scope, id, "") },
			"Follow": func(scope content.Scope, id string) error {
				for _, err := range w.Follow(ctx, scope, id) {
					return err
				}
				return nil
			},
		}
		for name, read := range reads {
			foreign, missing := read(w.other, id), read(w.other, "0198c0de-0000-7000-8000-000000000000")
			if !errors.Is(foreign, content.ErrNotFound) || !errors.Is(missing, content.ErrNotFound) {
				w.t.Errorf("%s: foreign %v, missing %v; want content.ErrNotFound", name, foreign, missing)
			}
			if err := read(content.Scope{}, id); !errors.Is(err, content.ErrScope) {
				w.t.Errorf("%s with an empty scope: %v", name, err)
			}
		}
		if _, err := w.List(ctx, content.Scope{}, jobs.Query{}); !errors.Is(err, content.ErrScope) {
			w.t.Errorf("List with an empty scope: %v", err)
		}
		if page, err := w.List(ctx, w.other, jobs.Query{}); err != nil || len(page.Runs) != 0 {
			w.t.Errorf("the other organization lists %d runs, %v", len(page.Runs), err)
		}
		if run := w.get(id); run.Status != jobs.Pending {
			w.t.Errorf("the run is %s", run.Status)
		}
		// With its organization a run and its events go, also under a job's hands.
		w.start(w.Service)
		w.wait(id, jobs.Completed)
		w.exec("DELETE FROM organizations WHERE id = ?", "acme")
		if n := w.count("SELECT count(*) FROM run_events WHERE run_id = ?", id); n != 0 {
			w.t.Errorf("%d events are left", n)
		}
		if _, err := w.Get(ctx, w.acme, id); !errors.Is(err, content.ErrNotFound) {
			w.t.Errorf("the run of a deleted organization: %v", err)
		}
	})
}

func TestEventsAreRead(t *testing.T) {
	const n = 7
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		id := w.submit("a")
		for i := range n {
			w.exec("INSERT INTO run_events (organization_id, run_id, at, level, type, message) VALUES ('acme', ?, ?, 'info', 'step', ?)",
				id, w.db.Dialect().Time(time.Unix(int64(i), 0)), fmt.Sprint(i))
		}
		var all []jobs.Event
		for after := int64(0); ; {
			events, err := w.Events(w.t.Context(), w.acme, id, after, 3)
			if err != nil {
				w.t.Fatal(err)
			}
			if len(events) == 0 {
				break
			}
			all = append(all, events...)
			after = events[len(events)-1].ID
		}
		for i, e := range all {
			if e.Message != fmt.Sprint(i) || !e.At.Equal(time.Unix(int64(i), 0)) || e.Data != nil {
				w.t.Errorf("event %d: %+v", i, e)
			}
		}
		if len(all) != n {
			w.t.Errorf("%d events, want %d", len(all), n)
		}
	})
}

// Text that no database stores is the id of nothing, on both of them, and a query
// has a limit.
func TestOddTextIsNotFound(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		w.submit("a")
		ctx := w.t.Context()
		for _, id := range []string{"a\x00b", "a\xffb", strings.Repeat("x", 1<<20)} {
			_, get := w.Get(ctx, w.acme, id)
			_, wait := w.Wait(ctx, w.acme, id)
			_, events := w.Events(ctx, w.acme, id, -5, -5)
			_, replay := w.Replay(ctx, w.acme, id)
			_, why := w.Why(ctx, w.acme, id)
			_, group := w.Group(ctx, w.acme, id)
			all := []error{get, wait, events, replay, why, group, w.Cancel(ctx, w.acme, id, "")}
			for _, err := range w.Subscribe(ctx, w.acme, jobs.Subscription{RunID: id}) {
				all = append(all, err)
			}
			for _, err := range w.Follow(ctx, w.acme, id) {
				all = append(all, err)
			}
			if len(all) != 9 {
				w.t.Errorf("%d errors, want 9", len(all))
			}
			for i, err := range all {
				if !isNotFound(err) {
					w.t.Errorf("%d: %.200v, want content.ErrNotFound", i, err)
				}
			}
			for _, q := range []jobs.Query{{Types: []string{id}}, {Queues: []string{id}}, {CreatedBy: id}, {Parent: id}, {Group: id}, {Trace: id}} {
				if page, err := w.List(ctx, w.acme, q); err != nil || len(page.Runs) != 0 {
					w.t.Errorf("%d runs, %.200v", len(page.Runs), err)
				}
			}
		}
		if _, err := w.List(ctx, w.acme, jobs.Query{Types: make([]string, 100_000)}); !errors.Is(err, content.ErrInvalid) {
			w.t.Errorf("100,000 types: %v, want content.ErrInvalid", err)
		}
	})
}
