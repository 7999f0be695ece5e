package inverted

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestVerify(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		z := newZipf(9)
		var all []Stored
		for range 6 {
			var docs []Document
			for i := range 40 {
				d := Document{Title: z.words(3), Language: []string{"en", "de"}[i%2], Values: map[string]any{"n": i % 5, "tags": []string{"a", z.words(1)}}}
				for range 1 + i%3 {
					d.Chunks = append(d.Chunks, z.words(40)+" FA8750-24-R-0001 北京大学")
				}
				docs = append(docs, d)
			}
			number := x.put(docs...)
			for _, d := range docs {
				all = append(all, Stored{number, d})
				number += int64(len(d.Chunks))
			}
		}
		forget := func(i int) {
			for c := range all[i].Chunks {
				x.remove(all[i].Number + int64(c))
			}
			all = slices.Delete(all, i, i+1)
		}
		forget(5)
		forget(200)
		verify := func(docs []Stored) (v *Verification) {
			x.read(func(ctx context.Context, tx *database.Tx) (err error) {
				v, err = x.index.Verify(ctx, tx, testOrganization, func(yield func(Stored, error) bool) {
					for _, d := range docs {
						if !yield(d, nil) {
							return
						}
					}
				})
				return err
			})
			return v
		}
		sound := func(when string) {
			t.Helper()
			if v := verify(all); !v.Sound() || v.Documents != len(all) {
				t.Errorf("%s: %+v", when, v)
			}
		}
		sound("as indexed")
		if err := mergeAll(x); err != nil {
			t.Fatal(err)
		}
		forget(17)
		sound("merged")
		x.put(all[0].Document) // twice
		twice := verify(all)
		if twice.ExtraCount != len(all[0].Chunks) || twice.MissingCount+twice.DifferentCount > 0 {
			t.Errorf("a document twice: %+v", twice)
		}
		x.remove(twice.Extra...)
		sound("the extra one removed")

		changed := slices.Clone(all)
		changed[10].Chunks = append([]string{changed[10].Chunks[0] + " word"}, changed[10].Chunks[1:]...)
		changed[11].Values = map[string]any{"n": 99}
		changed[12].Title += " more"
		more := Stored{changed[len(changed)-1].Number + 1000, Document{Chunks: []string{"new"}}}
		v := verify(append(slices.Delete(changed, 20, 21), more))
		want := []int64{all[10].Number, all[11].Number}
		for c := range all[12].Chunks {
			want = append(want, all[12].Number+int64(c))
		}
		if d := cmp.Diff(want, v.Different); d != "" || v.DifferentCount != len(want) {
			t.Errorf("different (-want +got):\n%s", d)
		}
		if v.MissingCount != 1 || v.Missing[0] != more.Number || v.ExtraCount != len(all[20].Chunks) {
			t.Errorf("missing and extra: %+v", v)
		}

		// what is stored is damaged
		for what, statement := range map[string]string{
			"a block":           "UPDATE search_postings SET data = positions WHERE block = 1",
			"positions":         "UPDATE search_postings SET positions = data WHERE block = 2",
			"a block too few":   "DELETE FROM search_postings WHERE block = 3",
			"a list of terms":   "UPDATE search_columns SET data = (SELECT data FROM search_columns WHERE name = '#chunks' LIMIT 1) WHERE name = '#dictionary/0'",
			"the row":           "UPDATE search_segments SET body_words = body_words + 1 WHERE state = 'live'",
			"a chunk too much":  "UPDATE search_segments SET deleted = deleted + 1 WHERE state = 'live' AND tombstones IS NOT NULL",
			"a column":          "UPDATE search_columns SET data = (SELECT data FROM search_columns WHERE name = '#terms' LIMIT 1) WHERE name = 'n'",
			"a table of chunks": "UPDATE search_columns SET data = (SELECT data FROM search_columns WHERE name = '#terms' LIMIT 1) WHERE name = '#chunks'",
		} {
			err := x.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
				v, err := x.index.Verify(ctx, tx, testOrganization, each(all))
				if err == nil && v.Sound() {
					t.Errorf("%s: nothing is noticed", what)
				}
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				return errUndo
			})
			if err != errUndo {
				t.Errorf("%s: %v", what, err)
			}
		}
		sound("in the end")
	})
}

var errUndo = fmt.Errorf("undo")

func each(docs []Stored) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func TestVerifyReportsTheSourcesError(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		x.add(texts(0, 3)...)
		x.read(func(ctx context.Context, tx *database.Tx) error {
			_, err := x.index.Verify(ctx, tx, testOrganization, func(yield func(Stored, error) bool) { yield(Stored{}, fmt.Errorf("no more")) })
			if err == nil || !strings.Contains(err.Error(), "no more") {
				t.Errorf("error %v", err)
			}
			return nil
		})
	})
}
