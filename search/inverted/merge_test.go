package inverted

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

const testOrganization = "00000000-0000-7000-8000-000000000001"

// A tableIndex is an index in a database, for tests.
type tableIndex struct {
	t     testing.TB
	db    *database.DB
	index *Index
}

func newTableIndex(t testing.TB, db *database.DB) *tableIndex {
	t.Helper()
	x := &tableIndex{t, db, New(Options{})}
	x.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, 'acme', ?)", testOrganization, db.Dialect().Time(time.Unix(0, 0)))
	return x
}

func (x *tableIndex) write(do func(ctx context.Context, tx *database.Tx, w *Writer) error) {
	x.t.Helper()
	err := x.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		w, err := x.index.Writer(ctx, tx, testOrganization)
		if err != nil {
			return err
		}
		return do(ctx, tx, w)
	})
	if err != nil {
		x.t.Error(err)
	}
}

func (x *tableIndex) exec(query string, args ...any) int64 {
	x.t.Helper()
	var n int64
	err := x.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return n
}

// add indexes documents of one chunk whose texts are given, and returns the
// number of the first.
func (x *tableIndex) add(texts ...string) (first int64) {
	x.t.Helper()
	docs := make([]Document, len(texts))
	for i, text := range texts {
		docs[i] = Document{Title: "title", Chunks: []string{text}, Values: map[string]any{"first": strings.Fields(text)[0], "size": len(text)}}
	}
	s, err := new(Builder).Build(docs)
	if err != nil {
		x.t.Error(err)
		return 0
	}
	x.write(func(ctx context.Context, tx *database.Tx, w *Writer) (err error) {
		first, err = w.Add(ctx, s)
		return err
	})
	return first
}

func (x *tableIndex) remove(numbers ...int64) {
	x.t.Helper()
	x.write(func(ctx context.Context, tx *database.Tx, w *Writer) error {
		_, err := w.Delete(ctx, numbers)
		return err
	})
}

func (x *tableIndex) merge() int {
	x.t.Helper()
	n, err := x.index.Merge(context.Background(), x.db, testOrganization)
	if err != nil {
		x.t.Error(err)
	}
	return n
}

func (x *tableIndex) search(req Request) *Result {
	x.t.Helper()
	var res *Result
	err := x.db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) (err error) {
		v, err := x.index.View(ctx, tx, testOrganization)
		if err == nil {
			res, err = v.Search(ctx, req)
		}
		return err
	})
	if err != nil {
		x.t.Error(err)
		return &Result{}
	}
	return res
}

// numbers returns the documents that match, in order of number.
func (x *tableIndex) numbers(text string) []int64 {
	x.t.Helper()
	var list []int64
	for _, h := range x.search(Request{Query: Parse(text), Limit: 1 << 20}).Hits {
		list = append(list, h.Document)
	}
	slices.Sort(list)
	return list
}

// check holds what is stored against the rule that there is nothing but live
// segments, each with all of its rows.
func (x *tableIndex) check() {
	x.t.Helper()
	err := x.db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		var others, orphans int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM search_segments WHERE organization_id = ? AND state <> 'live'", testOrganization).Scan(&others); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT segment_id, organization_id FROM search_postings UNION ALL SELECT segment_id, organization_id FROM search_columns) r
			WHERE r.organization_id = ? AND NOT EXISTS (SELECT 1 FROM search_segments s WHERE s.organization_id = r.organization_id AND s.id = r.segment_id)`, testOrganization).Scan(&orphans); err != nil {
			return err
		}
		if others != 0 || orphans != 0 {
			x.t.Errorf("%d segments are left over, and %d rows without a segment", others, orphans)
		}
		return nil
	})
	if err != nil {
		x.t.Error(err)
	}
}

func texts(from, to int) []string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("doc%d common mod%d %s", i, i%7, strings.Repeat("filler ", i%5)))
	}
	return list
}

// answers is what a few searches say, with scores.
func (x *tableIndex) answers() []*Result {
	x.t.Helper()
	var list []*Result
	for _, q := range []string{"common ", "mod3 filler ", `"common mod5"`, "mod", "doc17 doc55 "} {
		list = append(list, x.search(Request{Query: Parse(q), Limit: 1000, Facets: []string{"first", "size"}}))
	}
	return append(list, x.search(Request{OrderBy: "size", Limit: 1000}))
}

func TestMergeStepByStep(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		x := newTableIndex(t, db)
		for i := range 20 {
			x.add(texts(i*40, i*40+40)...)
		}
		x.remove(3, 50, 51, 799)
		m := &merge{index: x.index, db: db, organization: testOrganization}
		if err := m.claim(ctx); err != nil {
			t.Fatal(err)
		}
		if len(m.sources) != 20 {
			t.Fatalf("%d segments are to be merged", len(m.sources))
		}
		documents, err := m.mergeChunks(ctx)
		if err != nil {
			t.Fatal(err)
		}
		x.remove(4, 52, 400) // deleted while the merge is under way
		added := x.add("doc800 common new")
		if err := m.mergeColumns(ctx, documents); err != nil {
			t.Fatal(err)
		}
		if err := m.mergePostings(ctx); err != nil {
			t.Fatal(err)
		}
		x.remove(5)
		before := x.answers()
		if err := m.swap(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, x.answers()); diff != "" {
			t.Error(diff)
		}
		x.remove(added, 6)
		got := x.numbers("common ")
		if len(got) != 801-4-3-1-2 || slices.Contains(got, 5) || slices.Contains(got, 6) || slices.Contains(got, 400) {
			t.Errorf("%d documents", len(got))
		}
		before = x.answers()
		x.merge()
		x.check()
		if diff := cmp.Diff(before, x.answers()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMergesOfTwoProcesses(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		x := newTableIndex(t, db)
		for i := range 10 {
			x.add(texts(i*10, i*10+10)...)
		}
		before := x.answers()
		start := func() *merge {
			m := &merge{index: New(Options{}), db: db, organization: testOrganization}
			if err := m.claim(ctx); err != nil {
				t.Fatal(err)
			}
			return m
		}
		first, second := start(), start()
		if len(first.sources) != 10 || len(second.sources) != 0 {
			t.Fatalf("%d and %d segments", len(first.sources), len(second.sources))
		}
		if due, err := second.due(ctx); due || err != nil {
			t.Fatalf("there is something to do beside the first: %v", err)
		}

		// the first one sleeps until its lease is over, halfway through its work
		if _, err := first.mergeChunks(ctx); err != nil {
			t.Fatal(err)
		}
		x.exec("UPDATE search_segments SET lease_until = ? WHERE state = 'building'", db.Dialect().Time(time.Unix(0, 0)))
		if n := x.merge(); n != 10 {
			t.Fatalf("the second process replaced %d segments", n)
		}
		if err := first.mergePostings(ctx); !errors.Is(err, errOvertaken) {
			t.Errorf("the first goes on with postings: %v", err)
		}
		if err := first.swap(ctx); !errors.Is(err, errOvertaken) {
			t.Errorf("the first goes on: %v", err)
		}
		if err := first.giveUp(ctx); err != nil {
			t.Error(err)
		}
		x.merge()
		x.check()
		if diff := cmp.Diff(before, x.answers()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMergeIsCancelled(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		for i := range 10 {
			x.add(texts(i*10, i*10+10)...)
		}
		before := x.answers()
		ctx, cancel := context.WithCancel(context.Background())
		m := &merge{index: x.index, db: db, organization: testOrganization}
		if err := m.claim(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := m.run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
		if n := x.merge(); n != 0 {
			t.Errorf("%d segments were merged that are leased", n)
		}
		x.exec("UPDATE search_segments SET lease_until = ? WHERE state = 'building'", db.Dialect().Time(time.Unix(0, 0)))
		if n := x.merge(); n != 10 {
			t.Errorf("%d segments were merged after the lease", n)
		}
		x.check()
		if diff := cmp.Diff(before, x.answers()); diff != "" {
			t.Error(diff)
		}
	})
}

// Writers, mergers and searchers work at the same time, each like a process of
// its own; at the end nothing is missing and nothing is there twice.
func TestConcurrentWork(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		process := func() *tableIndex { return &tableIndex{t, db, New(Options{})} }
		const writers, rounds = 3, 12
		kept := make([][]int64, writers)
		var writing, rest sync.WaitGroup
		done := make(chan struct{})
		for w := range writers {
			writing.Go(func() {
				p := process()
				for r := range rounds {
					from := (w*rounds + r) * 10
					first := p.add(texts(from, from+10)...)
					for i := range int64(10) {
						kept[w] = append(kept[w], first+i)
					}
					if r%2 == 1 { // takes out chunks of segments that may be in a merge
						p.remove(kept[w][0], kept[w][9], first+3)
						kept[w] = slices.Delete(kept[w][1:], 8, 9)
						kept[w] = slices.DeleteFunc(kept[w], func(n int64) bool { return n == first+3 })
					}
				}
			})
		}
		for range 2 {
			rest.Go(func() {
				for p := process(); ; {
					select {
					case <-done:
						return
					default:
						p.merge()
					}
				}
			})
		}
		rest.Go(func() {
			for p := process(); ; {
				select {
				case <-done:
					return
				default:
					found := p.numbers("common ")
					if u := slices.Compact(slices.Clone(found)); len(u) != len(found) {
						t.Errorf("a search finds documents twice: %v", found)
						return
					}
				}
			}
		})
		writing.Wait()
		close(done)
		rest.Wait()
		x.merge()
		var want []int64
		for _, k := range kept {
			want = append(want, k...)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, x.numbers("common ")); diff != "" {
			t.Error(diff)
		}
		x.check()
	})
}
