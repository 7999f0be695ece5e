package inverted

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// put indexes documents.
func (x *tableIndex) put(docs ...Document) (first int64) {
	x.t.Helper()
	s, err := new(Builder).Build(docs)
	if err != nil {
		x.t.Fatal(err)
	}
	x.write(func(ctx context.Context, tx *database.Tx, w *Writer) (err error) {
		first, err = w.Add(ctx, s)
		return err
	})
	return first
}

// read runs something in a read transaction.
func (x *tableIndex) read(do func(ctx context.Context, tx *database.Tx) error) {
	x.t.Helper()
	if err := x.db.Read(context.Background(), do); err != nil {
		x.t.Error(err)
	}
}

func (x *tableIndex) suggest(req SuggestRequest) (list []string) {
	x.t.Helper()
	x.read(func(ctx context.Context, tx *database.Tx) error {
		v, err := x.index.View(ctx, tx, testOrganization)
		if err != nil {
			return err
		}
		found, err := v.Suggest(ctx, req)
		for _, s := range found {
			list = append(list, fmt.Sprint(s.Text, " ", s.Count))
		}
		return err
	})
	return list
}

func TestSuggest(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		x.put(
			Document{Title: "Migrating", Chunks: []string{"the migration of data", "more migration"}, Values: map[string]any{"type": "a"}},
			Document{Title: "Migrations", Chunks: []string{"Happy migrants with a happy end"}, Values: map[string]any{"type": "b"}},
			Document{Title: "Other", Chunks: []string{"milestones, microphones, FA8750-24-R-0001"}, Values: map[string]any{"type": "b"}})
		x.put(Document{Title: "Café", Chunks: []string{"migration, Минск, 北京大学 milestone"}, Values: map[string]any{"type": "b"}})
		gone := x.put(Document{Title: "Gone", Chunks: []string{"mirages"}, Values: map[string]any{"type": "a"}})
		x.remove(gone)
		before := func(text string, f ...content.Filter) []string {
			return x.suggest(SuggestRequest{Text: text, Filters: f})
		}
		for range 2 { // before a merge and behind it
			for text, want := range map[string][]string{
				"mi":          {"migration 3", "milestone 2", "microphones 1", "migrants 1"},
				"cloud MIGRA": {"cloud migration 3", "cloud migrants 1"},
				"migrati":     {"migration 3"},
				"hap":         {"happy 1"},
				"happy":       {"happy 1"},
				"caf":         {"cafe 1"},
				"мин":         {"минск 1"},
				"fa8750-24":   {"fa875024r0001 1"},
				"m":           nil,
				"mi ":         nil,
				"":            nil,
				"mirag":       nil, // no live document has it
				"xyz":         nil,
				"\x00\xff":    nil,
			} {
				if d := cmp.Diff(want, before(text)); d != "" {
					t.Errorf("%q (-want +got):\n%s", text, d)
				}
			}
			filter := content.Filter{Field: "type", Op: content.Equal, Values: []string{"b"}}
			if d := cmp.Diff([]string{"migration 2", "milestone 2", "microphones 1", "migrants 1"}, before("mi", filter)); d != "" {
				t.Errorf("under a filter (-want +got):\n%s", d)
			}
			if got := x.suggest(SuggestRequest{Text: "mi", Limit: 1}); len(got) != 1 {
				t.Errorf("limit 1: %v", got)
			}
			x.put(Document{Title: "x", Chunks: []string{"y"}}) // so that there is something to merge
			if err := mergeAll(x); err != nil {
				t.Fatal(err)
			}
		}
		x.read(func(ctx context.Context, tx *database.Tx) error {
			others, err := x.index.View(ctx, tx, "another organization")
			if err != nil {
				return err
			}
			other, err := others.Suggest(ctx, SuggestRequest{Text: "mi"})
			if len(other) > 0 || err != nil {
				t.Errorf("another organization is told %v, %v", other, err)
			}
			v, err := x.index.View(ctx, tx, testOrganization)
			if err != nil {
				return err
			}
			_, bad := v.Suggest(ctx, SuggestRequest{Text: "mi", Filters: []content.Filter{{Field: "type", Op: "like"}}})
			if bad == nil {
				t.Error("a bad filter is taken")
			}
			return err
		})
	})
}

// mergeAll merges all segments into one, whether that is due or not.
func mergeAll(x *tableIndex) error {
	ctx := context.Background()
	m := &merge{index: x.index, db: x.db, organization: testOrganization}
	if err := m.claimBy(ctx, func(segments []segmentRow, _ map[string]bool) []segmentRow { return segments }); err != nil {
		return err
	}
	if err := m.run(ctx); err != nil {
		return err
	}
	return m.clean(ctx)
}

func TestLike(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		var docs []Document
		for i := range 40 {
			docs = append(docs, Document{Title: fmt.Sprint("Report ", i), Chunks: []string{"the annual report of the agency about its work in the year"}})
		}
		docs[3] = Document{Title: "Turbine blades", Chunks: []string{"Cooling of turbine blades in the annual report", "heat and film cooling, the blade"}}
		docs[7] = Document{Title: "Film cooling", Chunks: []string{"turbine blades that are cooled by a film, reported"}}
		docs[9] = Document{Title: "Blades of grass", Chunks: []string{"lawns and the agency"}}
		start := x.put(docs...)
		x.read(func(ctx context.Context, tx *database.Tx) error {
			v, err := x.index.View(ctx, tx, testOrganization)
			if err != nil {
				return err
			}
			q, err := v.Like(ctx, docs[3])
			if err != nil {
				return err
			}
			res, err := v.Search(ctx, Request{Query: q, Limit: 5, Without: []int64{start + 3}, Explain: true})
			if err != nil {
				return err
			}
			var got []int64
			for _, h := range res.Hits {
				got = append(got, h.Document-start)
			}
			// chunk 3 is a document of two chunks, so the others are one further
			if want := []int64{8, 10}; len(got) < 2 || !slices.Equal(want, got[:2]) || slices.Contains(got, 3) {
				t.Errorf("like turbine blades are %v, first %v", got, want)
			}
			if len(res.Hits[0].Terms) < 3 {
				t.Errorf("it is explained by %v", res.Hits[0].Terms)
			}
			for _, d := range []Document{{}, {Title: "the of", Chunks: []string{"\x00 ?!"}}, {Chunks: []string{"zeppelin"}}} {
				if q, err := v.Like(ctx, d); err != nil || !q.Empty() || q.Marks("some text") != nil {
					t.Errorf("%v: %+v, %v", d, q, err)
				}
			}
			long := Document{Chunks: slices.Repeat([]string{strings.Repeat("turbine film ", 1000)}, 20)}
			if q, err := v.Like(ctx, long); err != nil || len(q.words) != 2 {
				t.Errorf("a long document: %+v, %v", q, err)
			}
			return nil
		})
	})
}
