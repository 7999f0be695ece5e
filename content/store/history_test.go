package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
)

// Plan is a record whose earlier versions are kept.
type Plan struct {
	content.Record
	Key   string         `db:"plan_key" content:"key"`
	Title string         `db:"title" content:"title"`
	Due   *time.Time     `db:"due" content:"filter"`
	Extra map[string]any `db:"extra"`
}

// A lab is a store with two organizations.
type lab struct {
	t     *testing.T
	db    *database.DB
	store *store.Store
	a, b  content.Scope
	clock time.Time
}

func newLab(t *testing.T, db *database.DB, types ...*content.Type) *lab {
	t.Helper()
	registry, err := content.NewRegistry(types...)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Ensure(t.Context(), db, types...); err != nil {
		t.Fatal(err)
	}
	auth := content.NewAuthority()
	l := &lab{t: t, db: db, store: store.New(db, registry, auth), a: auth.Mint("a", "ann"), b: auth.Mint("b", "bob"), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, org := range []string{"a", "b"} {
		l.write(func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", org, org, tx.Dialect().Time(l.clock))
			return err
		})
	}
	return l
}

func (l *lab) write(do func(ctx context.Context, tx *database.Tx) error) {
	l.t.Helper()
	if err := l.db.Write(l.t.Context(), do); err != nil {
		l.t.Fatal(err)
	}
}

// put writes rows an hour later.
func (l *lab) put(scope content.Scope, typ *content.Type, rows ...content.Row) {
	l.t.Helper()
	l.clock = l.clock.Add(time.Hour)
	l.write(func(ctx context.Context, tx *database.Tx) error {
		_, err := l.store.Upsert(ctx, tx, scope, typ, store.Batch{Rows: rows, Time: l.clock})
		return err
	})
}

func (l *lab) id(scope content.Scope, typ *content.Type, key string) string {
	l.t.Helper()
	row, err := l.store.GetByKey(l.t.Context(), scope, typ, "", key)
	if err != nil {
		l.t.Fatal(err)
	}
	return content.RecordOf(row).ID
}

func (l *lab) titles(scope content.Scope, typ *content.Type, id string) (titles []string) {
	l.t.Helper()
	versions, err := l.store.History(l.t.Context(), scope, typ, id, 0, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	for i, v := range versions {
		titles = append(titles, typ.Title(v.Row))
		if v.Number != len(versions)-i || !v.ReplacedAt.After(v.WrittenAt) || content.RecordOf(v.Row).ID != id {
			l.t.Errorf("version %d: %+v", i, v)
		}
	}
	return titles
}

func TestHistory(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		plans := content.Define(content.Spec[Plan]{Name: "plan", Label: "Plan", Group: "plans", History: true})
		l := newLab(t, db, plans)
		due := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
		l.put(l.a, plans, &Plan{Key: "1", Title: "one", Due: &due, Extra: map[string]any{"x": "y"}, Record: content.Record{Raw: []byte("first")}}, &Plan{Key: "2", Title: "other"})
		l.put(l.b, plans, &Plan{Key: "1", Title: "theirs"})
		id := l.id(l.a, plans, "1")
		if got := l.titles(l.a, plans, id); got != nil {
			t.Errorf("a new record has the versions %v", got)
		}
		l.put(l.a, plans, &Plan{Key: "1", Title: "two"}, &Plan{Key: "2", Title: "other"})
		l.put(l.a, plans, &Plan{Key: "1", Title: "two"}) // unchanged
		l.put(l.b, plans, &Plan{Key: "1", Title: "theirs, too"})
		l.put(l.a, plans, &Plan{Key: "1", Title: "three"})
		if diff := cmp.Diff([]string{"two", "one"}, l.titles(l.a, plans, id)); diff != "" {
			t.Error(diff)
		}
		if got := l.titles(l.a, plans, l.id(l.a, plans, "2")); got != nil {
			t.Errorf("an unchanged record has the versions %v", got)
		}
		oldest, err := l.store.History(t.Context(), l.a, plans, id, 2, 1)
		if err != nil || len(oldest) != 1 {
			t.Fatal(oldest, err)
		}
		first := oldest[0].Row.(*Plan)
		if !first.Due.Equal(due) || first.Extra["x"] != "y" || string(first.Raw) != "first" {
			t.Errorf("the first version is %+v", first)
		}
		if _, err := l.store.History(t.Context(), l.b, plans, id, 0, 0); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("another organization sees versions: %v", err)
		}
		// What one run writes twice is one version.
		l.clock = l.clock.Add(-time.Hour)
		l.put(l.a, plans, &Plan{Key: "1", Title: "three, corrected"})
		if got := l.titles(l.a, plans, id); len(got) != 2 {
			t.Errorf("a batch that was written again made the versions %v", got)
		}
		// A record that was deleted and comes again keeps its past; purging ends it.
		remove := func() {
			l.write(func(ctx context.Context, tx *database.Tx) error {
				_, err := l.store.Delete(ctx, tx, l.a, plans, []string{id})
				return err
			})
		}
		remove()
		l.put(l.a, plans, &Plan{Key: "1", Title: "back"})
		if diff := cmp.Diff([]string{"three, corrected", "two", "one"}, l.titles(l.a, plans, id)); diff != "" {
			t.Error(diff)
		}
		if missing, err := store.Missing(t.Context(), db, plans); err != nil || missing != "" {
			t.Errorf("the schema lacks %q, %v", missing, err)
		}
	})
}

// A field that is declared later is added to the earlier versions too, and a Type
// gets a history when it is declared to have one.
func TestHistoryGrows(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		define := func(history bool, fields ...content.FieldSpec) *content.Type {
			return content.DefineDynamic(content.Spec[content.Dynamic]{Name: "plan", Label: "Plan", Group: "plans", History: history},
				append([]content.FieldSpec{{Name: "k", Kind: content.String, Roles: content.Key | content.Title}}, fields...)...)
		}
		newLab(t, db, define(false))
		for _, typ := range []*content.Type{define(true), define(true, content.FieldSpec{Name: "n", Kind: content.Int})} {
			missing, err := store.Missing(t.Context(), db, typ)
			if err != nil || !strings.Contains(missing, `"plans_history"`) {
				t.Errorf("missing %q, %v", missing, err)
			}
			if err := store.Ensure(t.Context(), db, typ); err != nil {
				t.Fatal(err)
			}
		}
		wrong := define(true, content.FieldSpec{Name: "n", Kind: content.String})
		if err := store.Ensure(t.Context(), db, wrong); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "plans_history.n") {
			t.Errorf("a column of another kind: %v", err)
		}
	})
}
