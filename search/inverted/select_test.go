package inverted_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/searchtest"
)

func TestSelect(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		f := searchtest.New(t, db)
		org := f.Organization("acme")
		f.Put(f.Organization("other"), searchtest.Doc(1, "Another's", "text"))
		selected := func(filters ...content.Filter) *inverted.Selection {
			t.Helper()
			var s *inverted.Selection
			if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
				v, err := f.Index.View(ctx, tx, "acme")
				if err == nil {
					s, err = v.Select(ctx, filters, nil)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			all := slices.Collect(s.All())
			if len(all) != s.Len() || !slices.IsSorted(all) {
				t.Fatalf("%d chunks, %v", s.Len(), all)
			}
			for n := int64(-1); n < 60; n++ {
				if s.Contains(n) != slices.Contains(all, n) {
					t.Errorf("chunk %d of %v: %v", n, all, s.Contains(n))
				}
			}
			return s
		}
		if s := selected(); s.Len() != 0 || !s.Whole() {
			t.Errorf("nothing: %d chunks", s.Len())
		}
		long := strings.Repeat("A sentence of some length that goes on. ", 200) // several chunks
		for i := range 6 {
			text := "short"
			if i%2 == 0 {
				text = long
			}
			f.Put(org, searchtest.With(searchtest.Doc(i, "Title", text), "crm_account", "crm", map[string]any{"industry": fmt.Sprint(i % 3)}))
		}
		whole := selected()
		first := map[int64]bool{}
		for n := range whole.All() {
			doc, ok := whole.Document(n)
			if !ok || doc > n {
				t.Errorf("chunk %d is of document %d, %v", n, doc, ok)
			}
			first[doc] = true
		}
		if len(first) != 6 || whole.Len() < 20 || !whole.Whole() {
			t.Errorf("%d documents, %d chunks", len(first), whole.Len())
		}
		some := selected(content.Filter{Field: "crm.industry", Op: content.Equal, Values: []string{"1"}})
		if some.Whole() || some.Len() == 0 || some.Len() >= whole.Len() {
			t.Errorf("some: %d chunks", some.Len())
		}
		if _, ok := some.Document(1); ok {
			t.Error("a chunk that is not in the selection has a document")
		}
		if all := selected(content.Filter{Field: "type", Op: content.Equal, Values: []string{"crm_account"}}); !all.Whole() || all.Len() != whole.Len() {
			t.Errorf("a filter that leaves out nothing: %d chunks", all.Len())
		}
		f.Delete(org, "crm_account", "doc001", "doc004")
		left := selected(content.Filter{Field: "crm.industry", Op: content.Equal, Values: []string{"1"}})
		if left.Len() != 0 || left.Whole() {
			t.Errorf("deleted: %d chunks", left.Len())
		}
		before := slices.Collect(selected().All())
		f.Merge(org)
		if after := slices.Collect(selected().All()); !slices.Equal(before, after) || !selected().Whole() {
			t.Errorf("merged: %v, before %v", after, before)
		}
		if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			v, err := f.Index.View(ctx, tx, "acme")
			if err != nil {
				return err
			}
			_, err = v.Select(ctx, []content.Filter{{Field: "type", Op: "?"}}, nil)
			if err == nil {
				t.Error("an unknown operator was taken")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
