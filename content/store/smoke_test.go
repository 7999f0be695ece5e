package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
)

type note struct {
	content.Record
	Key      string   `db:"note_id" content:"key"`
	Title    string   `db:"title" content:"title"`
	Kind     *string  `db:"kind" content:"facet"`
	Size     *float64 `db:"size" content:"sort"`
	ParentID *string  `db:"parent_id" content:"parent=note,from=parent_key"`
	Above    *string  `db:"parent_key"`
}

func TestSmoke(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		typ := content.Define(content.Spec[note]{Name: "note", Label: "Note", Group: "g", Children: []content.Child{{Type: "note", Relation: "below", OnDelete: content.Cascade}}})
		reg, err := content.NewRegistry(typ)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Ensure(ctx, db, reg.Types()...); err != nil {
			t.Fatal(err)
		}
		if sql, err := store.Missing(ctx, db, reg.Types()...); err != nil || sql != "" {
			t.Fatal(sql, err)
		}
		auth := content.NewAuthority()
		s := store.New(db, reg, auth)
		if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "o1", "one", tx.Dialect().Time(time.Now()))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		scope := auth.Mint("o1", "me")
		p := func(s string) *string { return &s }
		f := func(x float64) *float64 { return &x }
		for i := range 2 {
			rows := []content.Row{&note{Key: "a", Title: "Ärger"}, &note{Key: "b", Title: "bee", Kind: p("x"), Size: f(2), Above: p("a")}, &note{Key: "b", Title: "Bee", Kind: p("x"), Size: f(2), Above: p("a")}, &note{Key: "c", Title: "c", Size: f(1), Above: p("zz")}}
			var n store.Counts
			if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				n, err = s.Upsert(ctx, tx, scope, typ, store.Batch{Rows: rows})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			want := store.Counts{Created: 3, Duplicates: 1}
			if i == 1 {
				want = store.Counts{Unchanged: 3, Duplicates: 1}
			}
			if n != want {
				t.Fatalf("%d: %+v", i, n)
			}
			if changed, err := s.ResolveLinks(ctx, scope, typ, "", db.Write); err != nil || changed != int64(1-i) {
				t.Fatal(changed, err)
			}
		}
		page, err := s.List(ctx, scope, typ, store.Query{Keyword: "är", Total: true})
		if err != nil || page.Total != 1 || page.Items[0].(*note).Title != "Ärger" {
			t.Fatalf("%+v %v", page, err)
		}
		q := store.Query{Limit: 1, Order: []store.Order{{Field: "size", Desc: true}}}
		var got []string
		for {
			page, err := s.List(ctx, scope, typ, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Items {
				got = append(got, r.(*note).Key)
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
		if len(got) != 3 || got[0] != "b" || got[1] != "c" || got[2] != "a" {
			t.Fatal(got)
		}
		groups, err := s.Groups(ctx, scope, typ, "kind", "size")
		if err != nil || len(groups) != 2 || groups[1].Value != "x" || groups[1].Sum != 2 {
			t.Fatalf("%+v %v", groups, err)
		}
		pending, err := s.Pending(ctx, scope, typ, "", 10)
		if err != nil || len(pending) != 3 {
			t.Fatal(len(pending), err)
		}
		var d store.Deletion
		if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			if err := s.SetIndexed(ctx, tx, scope, typ, pending); err != nil {
				return err
			}
			ids, err := s.IDsByKey(ctx, tx, scope, typ, "", []string{"a"})
			if err != nil {
				return err
			}
			d, err = s.Delete(ctx, tx, scope, typ, []string{ids["a"]})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if d.Deleted["note"] != 2 {
			t.Fatalf("%+v", d)
		}
		if n, err := s.Purge(ctx, scope, typ, time.Now().Add(time.Hour), db.Write); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if left, err := s.Pending(ctx, scope, typ, "", 10); err != nil || len(left) != 0 {
			t.Fatal(len(left), err)
		}
		var set store.Seen
		if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at) VALUES ('r1','o1','t','q','l','running','{}','me',?)", tx.Dialect().Time(time.Now())); err != nil {
				return err
			}
			if set, err = s.OpenSeen(ctx, tx, "r1", typ); err != nil {
				return err
			}
			if again, err := set.Add(ctx, tx, 1, []string{"x", "y"}); err != nil || len(again) != 0 {
				t.Fatal(again, err)
			}
			again, err := set.Add(ctx, tx, 2, []string{"y", "z"})
			if len(again) != 1 || again[0] != "y" {
				t.Fatal(again)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		live, unseen, err := s.Unseen(ctx, scope, typ, "", set)
		if err != nil || live != 1 || unseen != 1 {
			t.Fatal(live, unseen, err)
		}
	})
}
