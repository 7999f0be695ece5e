package searchtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
)

func testPutReplaces(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	counts := f.Put(org, Doc(1, "One", "alpha"), Doc(2, "Two", strings.Repeat("beta gamma. ", 500)))
	if counts.Indexed != 2 || counts.Chunks < 5 || counts.Replaced != 0 {
		t.Errorf("counts %+v", counts)
	}
	chunks := counts.Chunks
	counts = f.Put(org, Doc(1, "One", "delta"), Doc(2, "Two", "first"), Doc(2, "Two", "last"))
	diff(t, "counts", search.Counts{Indexed: 2, Chunks: 2, Replaced: chunks}, counts)
	for text, want := range map[string][]string{"alpha ": {}, "beta ": {}, "first ": {}, "delta ": {"doc001"}, "last ": {"doc002"}} {
		diff(t, text, want, f.IDs(org, search.Query{Text: text}))
	}
	// ids are of a type
	f.Put(org, With(Doc(1, "Contact", "delta"), "crm_contact", "crm", nil))
	diff(t, "same id, other type", 2, f.Search(org, search.Query{Text: "delta "}).Total)
	diff(t, "nothing to put", search.Counts{}, f.Put(org))
	diff(t, "rows", 3, count(f, "search_chunks"))
}

// count returns the number of rows in a table.
func count(f *Fixture, table string) int {
	f.T.Helper()
	n := 0
	err := f.DB.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	})
	if err != nil {
		f.T.Fatal(err)
	}
	return n
}

func testDelete(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, Doc(1, "One", "alpha"), Doc(2, "Two", "alpha "+strings.Repeat("more. ", 900)), Doc(3, "Three", "alpha"))
	diff(t, "wrong type", 0, f.Delete(org, "crm_contact", "doc001"))
	diff(t, "deleted", 2, f.Delete(org, "crm_account", "doc001", "doc002", "doc009"))
	diff(t, "again", 0, f.Delete(org, "crm_account", "doc001"))
	diff(t, "left", []string{"doc003"}, f.IDs(org, search.Query{Text: "alpha "}))
	diff(t, "rows left", 1, count(f, "search_chunks"))
	f.Put(org, Doc(1, "One", "alpha again"))
	diff(t, "back", 2, f.Search(org, search.Query{Text: "alpha "}).Total)
	f.Delete(org, "crm_account", "doc001", "doc003")
	diff(t, "all gone", 0, f.Search(org, search.Query{}).Total)
	f.Merge(org)
	for _, table := range []string{"search_segments", "search_postings", "search_columns", "search_chunks"} {
		diff(t, "rows in "+table, 0, count(f, table))
	}
}

func testFailures(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, Doc(2, "Two", "earlier"))
	bad := Doc(2, "Two", "later")
	bad.Metadata = map[string]any{"crm": map[string]any{"x": math.Inf(1)}}
	counts := f.Put(org, Doc(1, "One", "later"), bad, content.Document{Type: "asset"}, Doc(3, "Three", "later"))
	diff(t, "indexed", 2, counts.Indexed)
	var failed []string
	for _, failure := range counts.Failed {
		failed = append(failed, failure.Type+" "+failure.ID)
		if !errors.Is(failure, content.ErrInvalid) {
			t.Errorf("failure %v", failure)
		}
	}
	diff(t, "failed", []string{"crm_account doc002", "asset "}, failed)
	diff(t, "the others are there", 2, f.Search(org, search.Query{Text: "later "}).Total)
	diff(t, "the earlier version stays", []string{"doc002"}, f.IDs(org, search.Query{Text: "earlier "}))

	dirty := Doc(5, "nul\x00title \xff", "nul\x00text \xfe word\x00")
	dirty.Filename, dirty.URL, dirty.ContentType = "f\x00", "u\x00", "c\x00"
	dirty.Metadata = map[string]any{"crm": map[string]any{"industry": "a\x00b\\u0000", "k\x00": []string{"\x00"}}, "list": []any{"\x00", map[string]any{"\x00": "\x00"}}}
	diff(t, "NUL and broken bytes", 0, len(f.Put(org, dirty).Failed))
	diff(t, "and found", []string{"doc005"}, f.IDs(org, search.Query{Text: "nultext "}))
	diff(t, "and filtered", []string{"doc005"}, f.IDs(org, search.Query{Filters: []content.Filter{{Field: "crm.industry", Op: content.Equal, Values: []string{`ab\u0000`}}}}))

	title := strings.Repeat("endless ", 5000) + "zebra"
	f.Put(org, Doc(6, title, "text"))
	hit := f.Search(org, search.Query{Text: "zebra "}).Hits[0]
	if hit.ID != "doc006" || len(hit.Title) > 1024 || !strings.HasPrefix(hit.Title, "endless") {
		t.Errorf("a long title: %s with a title of %d bytes", hit.ID, len(hit.Title))
	}
}

func testTransaction(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, Doc(1, "One", "alpha"))
	undo := errors.New("undo")
	for range 3 {
		err := f.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			if _, err := f.Indexer.Put(ctx, tx, org, []content.Document{Doc(1, "One", "beta"), Doc(2, "Two", "alpha")}); err != nil {
				return err
			}
			if _, err := f.Indexer.Put(ctx, tx, org, []content.Document{Doc(2, "Two", "gamma")}); err != nil {
				return err
			}
			if _, err := f.Indexer.Delete(ctx, tx, org, "crm_account", []string{"doc002"}); err != nil {
				return err
			}
			// inside, the change is seen
			v, err := f.Index.View(ctx, tx, "acme")
			if err != nil {
				return err
			}
			res, err := v.Search(ctx, inverted.Request{Query: inverted.Parse("alpha beta gamma ")})
			if err != nil {
				return err
			}
			diff(t, "inside", 1, res.Total)
			diff(t, "outside", []string{"doc001"}, f.IDs(org, search.Query{Text: "alpha "}))
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		diff(t, "undone", []string{"doc001"}, f.IDs(org, search.Query{Text: "alpha beta gamma "}))
	}
	f.Put(org, Doc(1, "One", "beta"), Doc(2, "Two", "alpha"))
	diff(t, "done", []string{"doc002"}, f.IDs(org, search.Query{Text: "alpha "}))

	batch, err := f.Indexer.Prepare(context.Background(), []content.Document{Doc(3, "Three", "delta")})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a transaction that is tried again
		f.write(func(ctx context.Context, tx *database.Tx) error {
			_, err := f.Indexer.PutBatch(ctx, tx, org, batch)
			return err
		})
	}
	diff(t, "once", 1, f.Search(org, search.Query{Text: "delta "}).Total)
}

func testOrganizations(t *testing.T, f *Fixture) {
	a, b := f.Organization("a"), f.Organization("b")
	f.Put(a, Doc(1, "One", "alpha beta"), Doc(2, "Two", "alpha"))
	before := f.Search(a, search.Query{Text: "alpha beta "})
	for i := range 50 {
		f.Put(b, With(Doc(i, "One", "beta beta "+strings.Repeat("long ", i)), "asset", "secret", map[string]any{"code": int64(i)}))
	}
	diff(t, "scores, totals, facets of the other", before, f.Search(a, search.Query{Text: "alpha beta "}))
	diff(t, "same ids", 1, f.Delete(a, "crm_account", "doc001"))
	diff(t, "the other keeps its own", 50, f.Search(b, search.Query{Text: "beta "}).Total)
	f.Merge(b)
	diff(t, "after merging the other", []string{"doc002"}, f.IDs(a, search.Query{}))
	for name, q := range map[string]search.Query{
		"group": {Groups: []string{"secret"}},
		"field": {Facets: []string{"secret.code"}},
	} {
		if _, err := f.Searcher.Search(context.Background(), a, q); !errors.Is(err, content.ErrInvalid) || strings.Contains(err.Error(), "secret,") {
			t.Errorf("the other's %s: %v", name, err)
		}
	}
	f.write(func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM organizations WHERE id = ?", "b")
		return err
	})
	diff(t, "gone with its organization", []int{1, 1}, []int{count(f, "search_chunks"), count(f, "search_indexes")})
	diff(t, "the first is still there", []string{"doc002"}, f.Reopen().IDs(a, search.Query{Text: "alpha "}))
}

func testMerge(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	texts := []string{"alpha beta gamma", "beta beta delta", "the state of the art", "gamma FA8750-24-R-0001 alpha", "北京大学", strings.Repeat("long alpha story. ", 200)}
	for i := range 120 {
		d := With(Doc(i, fmt.Sprintf("Title %d beta", i), texts[i%len(texts)]), "crm_account", "crm", map[string]any{"industry": fmt.Sprint("i", i%7), "employees": int64(i * i)})
		f.Put(org, d)
		if i%5 == 4 {
			f.Delete(org, "crm_account", fmt.Sprintf("doc%03d", i-3))
		}
		if i%11 == 10 {
			f.Put(org, Doc(i-6, "Changed", texts[(i+1)%len(texts)]))
		}
	}
	queries := []search.Query{
		{}, {Text: "alpha beta "}, {Text: `"state of the art" gam`}, {Text: "FA8750-24-R-0001"}, {Text: "大学"}, {Text: "alp"}, {Text: "titl"},
		{Text: "story ", Filters: []content.Filter{{Field: "crm.employees", Op: content.Greater, Values: []string{"2500"}}}, Facets: []string{"crm.industry"}},
	}
	var before []*search.Result
	for _, q := range queries {
		q.Limit = 100
		before = append(before, f.Search(org, q))
	}
	segments := count(f, "search_segments")
	f.Merge(org)
	if n := count(f, "search_segments"); n > segments/5 || n == 0 {
		t.Errorf("%d segments, %d before", n, segments)
	}
	for i, q := range queries {
		q.Limit = 100
		diff(t, fmt.Sprintf("%+v after merging", q), before[i], f.Search(org, q))
		diff(t, fmt.Sprintf("%+v after merging, read anew", q), before[i], f.Reopen().Search(org, q))
	}
	f.Put(org, Doc(500, "New", "alpha"))
	diff(t, "goes on", before[1].Total+1, f.Search(org, queries[1]).Total)
}

// Each search sees one state: whatever is being changed, a document is there
// once, with its row, and the numbers agree.
func testConcurrent(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	ctx := t.Context()
	var working, searching sync.WaitGroup
	done := make(chan struct{})
	const workers, rounds = 2, 15
	for w := range workers {
		working.Go(func() {
			p := f.Reopen()
			for r := range rounds {
				docs := []content.Document{Doc(w*100+r, "Stays", "common word"), Doc(w*100+50, "Changes", fmt.Sprint("common round ", r)), Doc(w*100+60+r, "Goes", "common")}
				err := p.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
					if _, err := p.Indexer.Put(ctx, tx, org, docs); err != nil || r == 0 {
						return err
					}
					_, err := p.Indexer.Delete(ctx, tx, org, "crm_account", []string{fmt.Sprintf("doc%03d", w*100+60+r-1)})
					return err
				})
				if err == nil && r%5 == 4 {
					err = p.Indexer.Merge(ctx, org)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 2 {
		searching.Go(func() {
			for p := f.Reopen(); ; {
				select {
				case <-done:
					return
				default:
				}
				res, err := p.Searcher.Search(ctx, org, search.Query{Text: "common ", Limit: 100})
				if err != nil {
					t.Error(err)
					return
				}
				seen := map[string]bool{}
				for _, h := range res.Hits {
					seen[h.ID] = true
				}
				counted := 0
				for _, c := range res.Facets["type"] {
					counted += c.Count
				}
				if len(seen) != len(res.Hits) || len(seen) != res.Total || counted != res.Total {
					t.Errorf("total %d, %d hits of %d documents, %d counted", res.Total, len(res.Hits), len(seen), counted)
					return
				}
			}
		})
	}
	working.Wait()
	close(done)
	searching.Wait()
	diff(t, "at the end", workers*(rounds+2), f.Search(org, search.Query{Text: "common "}).Total)
}
