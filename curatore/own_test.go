package curatore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

type memo struct {
	content.Record
	Key  string `db:"memo_key" content:"key"`
	Name string `db:"name" content:"title"`
	Text string `db:"text" content:"text"`
}

func memoType() *content.Type {
	return content.Define(content.Spec[memo]{Name: "memo", Label: "Memo"})
}

// What a program writes itself is found with its transaction, and not without it; a
// job of its own is stored with it, works on behalf of the same organization, and
// waits in a queue with the program's limits.
func TestOwnRecordsAndJobs(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		type digest struct {
			Keys []string `json:"keys"`
		}
		var digests *jobs.Typed[digest]
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind), Types: []*content.Type{memoType()},
			Queues: []jobs.Queue{{Name: "digests", Label: "Digests", Concurrency: 1}, {Name: "salesforce", Label: "One at a time", Concurrency: 1}},
			Jobs: func(c *curatore.Curator, s *jobs.Service) {
				digests = jobs.Register(s, jobs.Job{Type: "digest", Queue: "digests"}, func(ctx context.Context, task *jobs.Task, args digest) (any, error) {
					org, err := c.OrganizationOf(ctx, task.Scope())
					if err != nil {
						return nil, err
					}
					list, err := org.List(ctx, "memo", store.Query{})
					if err != nil {
						return nil, err
					}
					return org.Name(), task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
						_, err := org.Put(ctx, tx, "memo", &memo{Key: "digest", Name: "Digest", Text: fmt.Sprintf("%d memos, asked for %s", len(list.Items), args.Keys)})
						return err
					})
				})
			}})
		acme, globex := organization(t, c, "acme"), organization(t, c, "globex")
		find := func(o *curatore.Organization, words string) (titles []string) {
			t.Helper()
			found, err := o.Search(t.Context(), search.Query{Text: words})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range found.Hits {
				titles = append(titles, h.Title)
			}
			return titles
		}
		put := func(o *curatore.Organization, fail error, rows ...content.Row) (n store.Counts, run *jobs.Run, err error) {
			err = c.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if n, err = o.Put(ctx, tx, "memo", rows...); err != nil {
					return err
				}
				if run, err = digests.Enqueue(ctx, tx, o.Scope(), digest{Keys: []string{"a"}}, jobs.Options{}); err != nil {
					return err
				}
				return fail
			})
			return n, run, err
		}
		oops := errors.New("oops")
		if _, _, err := put(acme, oops, &memo{Key: "a", Name: "Quokka", Text: "Seen on the island."}); !errors.Is(err, oops) {
			t.Fatal(err)
		}
		if runs, err := acme.Runs(t.Context(), jobs.Query{}); err != nil || len(runs.Runs) > 0 || find(acme, "quokka") != nil {
			t.Errorf("a transaction that was taken back left something: %v, %v", runs, err)
		}
		first := &memo{Key: "a", Name: "Quokka", Text: "Seen on the island."}
		n, run, err := put(acme, nil, first, &memo{Key: "b", Name: "Numbat", Text: "Eats termites."})
		if err != nil || n.Created != 2 || first.ID == "" || len(find(acme, "quokka")) != 1 || find(globex, "quokka") != nil {
			t.Fatalf("%+v, %v, %v", n, err, find(acme, "quokka"))
		}
		if got, err := acme.Get(t.Context(), "memo", first.ID); err != nil || got.Title != "Quokka" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := globex.Get(t.Context(), "memo", first.ID); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("another organization reads it: %v", err)
		}
		waitFor(t, acme, run.ID)
		if done, err := acme.Run(t.Context(), run.ID); err != nil || done.Status != jobs.Completed || string(done.Result) != `"acme"` {
			t.Errorf("%+v, %v", done, err)
		}
		if got := find(acme, "memos asked"); len(got) != 1 || find(globex, "memos") != nil {
			t.Errorf("the job's memo: %v", got)
		}
		again := &memo{Key: "b", Name: "Numbat", Text: "Sleeps at night."}
		if n, run, err = put(acme, nil, &memo{Key: "a", Name: "Quokka", Text: "Seen on the island."}, again); err != nil || n.Unchanged != 1 || n.Updated != 1 || find(acme, "termites") != nil || find(acme, "night") == nil {
			t.Errorf("%+v, %v", n, err)
		}
		waitFor(t, acme, run.ID)
		remove := func(o *curatore.Organization, typ string, ids ...string) (n int64, err error) {
			err = c.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				n, err = o.Delete(ctx, tx, typ, ids...)
				return err
			})
			return n, err
		}
		if n, err := remove(globex, "memo", first.ID); err != nil || n != 0 || find(acme, "quokka") == nil {
			t.Errorf("another organization deletes it: %d, %v", n, err)
		}
		if n, err := remove(acme, "memo", first.ID, again.ID); err != nil || n != 2 || find(acme, "quokka") != nil {
			t.Errorf("%d, %v", n, err)
		}
		if report, err := acme.VerifyIndex(t.Context()); err != nil || !report.Sound() {
			t.Errorf("%+v, %v", report, err)
		}

		// Mistakes.
		for name, do := range map[string]func(ctx context.Context, tx *database.Tx) error{
			"come from imports": func(ctx context.Context, tx *database.Tx) error {
				_, err := acme.Put(ctx, tx, "salesforce_account", &salesforce.Account{})
				return err
			},
			"memo": func(ctx context.Context, tx *database.Tx) error {
				_, err := acme.Put(ctx, tx, "memos", &memo{Key: "c"})
				return err
			},
			"key": func(ctx context.Context, tx *database.Tx) error {
				_, err := acme.Put(ctx, tx, "memo", &memo{Name: "without a key"})
				return err
			},
			"Account": func(ctx context.Context, tx *database.Tx) error {
				_, err := acme.Put(ctx, tx, "memo", &salesforce.Account{})
				return err
			},
			"salesforce_account come": func(ctx context.Context, tx *database.Tx) error {
				_, err := acme.Delete(ctx, tx, "salesforce_account", "x")
				return err
			},
		} {
			if err := c.Write(t.Context(), do); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.OrganizationOf(t.Context(), content.Scope{}); !errors.Is(err, content.ErrScope) {
			t.Errorf("%v", err)
		}
		health, err := c.Health(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{}
		for _, q := range health {
			labels[q.Queue] = q.Label
		}
		if labels["salesforce"] != "One at a time" || labels["digests"] != "Digests" || labels["maintenance"] == "" {
			t.Errorf("%v", labels)
		}
	})
}

// What others hold is not deleted under them.
func TestOwnRecordsThatOthersHold(t *testing.T) {
	type folder struct {
		content.Record
		Key  string  `db:"folder_key" content:"key,title"`
		Into *string `db:"into_id" content:"parent=folder"`
	}
	folders := content.Define(content.Spec[folder]{Name: "folder", Label: "Folder", Children: []content.Child{{Type: "folder", Relation: "folders", OnDelete: content.Block}}})
	c := open(t, curatore.Config{Database: databasetest.DSN(t, database.SQLite), Types: []*content.Type{folders}})
	org := organization(t, c, "acme")
	outer, inner := &folder{Key: "outer"}, &folder{Key: "inner"}
	write := func(do func(ctx context.Context, tx *database.Tx) error) error { return c.Write(t.Context(), do) }
	if err := write(func(ctx context.Context, tx *database.Tx) error {
		if _, err := org.Put(ctx, tx, "folder", outer); err != nil {
			return err
		}
		inner.Into = &outer.ID
		_, err := org.Put(ctx, tx, "folder", inner)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	remove := func(ids ...string) error {
		return write(func(ctx context.Context, tx *database.Tx) error {
			_, err := org.Delete(ctx, tx, "folder", ids...)
			return err
		})
	}
	if err := remove(outer.ID); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), "delete them first") {
		t.Errorf("%v", err)
	}
	if err := remove(outer.ID, inner.ID); err != nil {
		t.Error(err)
	}
}

// Writers beside each other lose nothing, and leave an index that is sound.
func TestOwnRecordsBesideEachOther(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind), Types: []*content.Type{memoType()}})
		const writers, each = 4, 12
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				org, err := c.Organization(t.Context(), []string{"acme", "globex"}[w%2], "test")
				for i := 0; err == nil && i < each; i++ {
					err = c.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
						_, err := org.Put(ctx, tx, "memo", &memo{Key: fmt.Sprint(w, "/", i), Name: "Memo", Text: "wombat"}, &memo{Key: "shared", Name: "Memo", Text: fmt.Sprint("wombat ", w, i)})
						return err
					})
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, name := range []string{"acme", "globex"} {
			org := organization(t, c, name)
			found, err := org.Search(t.Context(), search.Query{Text: "wombat", Limit: 1})
			if err != nil || found.Total != writers/2*each+1 {
				t.Errorf("%s: %d found, %v", name, found.Total, err)
			}
			if report, err := org.VerifyIndex(t.Context()); err != nil || !report.Sound() {
				t.Errorf("%s: %+v, %v", name, report, err)
			}
		}
	})
}

func waitFor(t *testing.T, o *curatore.Organization, run string) {
	t.Helper()
	for _, err := range o.Follow(t.Context(), run) {
		if err != nil {
			t.Fatal(err)
		}
	}
}
