package searchtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/vectors"
)

func testVectorFilters(t *testing.T, f *VectorFixture) {
	scope := f.Organization("acme")
	rnd := rand.New(rand.NewPCG(7, 7))
	model := vectors.Model{Name: "m", Dimension: 8}
	var docs []content.Document
	for i := range 300 {
		d := With(Doc(i, "Title", "text"), []string{"crm_account", "crm_contact", "asset"}[i%3], []string{"crm", "sharepoint"}[i%2],
			map[string]any{"industry": fmt.Sprint("i", i%7), "employees": int64(i % 50), "active": i%2 == 0})
		docs = append(docs, d)
	}
	f.Put(scope, docs[:200]...)
	f.Put(scope, docs[200:]...)
	f.Delete(scope, "crm_account", "doc003", "doc030", "doc297")
	all := plain{}
	for n := range selection(f, "acme", nil, nil).All() {
		all[n] = randomVector(rnd, 8)
		f.PutVectors("acme", model, vectors.Vector{Chunk: n, Values: all[n]})
	}
	diff(t, "chunks", 297, len(all))
	for i, c := range []struct{ filters, any []content.Filter }{
		{},
		{filters: []content.Filter{{Field: "type", Op: content.Equal, Values: []string{"crm_account"}}}},
		{any: []content.Filter{{Field: "type", Op: content.In, Values: []string{"asset"}}, {Field: "group", Op: content.Equal, Values: []string{"crm"}}}},
		{filters: []content.Filter{{Field: "crm.employees", Op: content.Less, Values: []string{"5"}}, {Field: "crm.active", Op: content.Equal, Values: []string{"true"}}}},
		{filters: []content.Filter{{Field: "crm.industry", Op: content.NotIn, Values: []string{"i1", "i2"}}}},
		{filters: []content.Filter{{Field: "crm.industry", Op: content.Equal, Values: []string{"none"}}}},
		{filters: []content.Filter{{Field: "updated_at", Op: content.GreaterOrEqual, Values: []string{"2026-01-01"}}}},
	} {
		within := selection(f, "acme", c.filters, c.any)
		q := search.Query{Filters: append(slices.Clone(c.filters), c.any...), Limit: 1}
		if len(c.any) == 2 {
			q = search.Query{Types: []string{"asset"}, Groups: []string{"crm"}, Limit: 1}
		}
		diff(t, fmt.Sprintf("%d: as many as a search finds", i), f.Search(scope, q).Total, within.Len())
		for _, limit := range []int{1, 10, 400} {
			query := randomVector(rnd, 8)
			all.checkHits(t, fmt.Sprintf("%d, limit %d", i, limit), f.Near("acme", vectors.Request{Model: model, Vector: query, Limit: limit, Within: within}), query, limit, within)
		}
	}
	f.Delete(scope, "crm_account", "doc000")
	within := selection(f, "acme", nil, nil)
	query := randomVector(rnd, 8)
	all.checkHits(t, "a deleted chunk is not in a selection", f.Near("acme", vectors.Request{Model: model, Vector: query, Limit: 400, Within: within}), query, 400, within)
	diff(t, "hits", 296, within.Len())
}

func testVectorsTransaction(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 40)
	first := vectors.Vector{Chunk: c[0], Values: []float32{1, 0, 0}}
	f.PutVectors("acme", small, first)
	req := vectors.Request{Model: small, Vector: []float32{0, 1, 0}, Limit: 9}
	diff(t, "before", []int64{c[0]}, chunksOf(f.Near("acme", req)))
	undo := errors.New("undo")
	for round := range 3 {
		err := f.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			for i := 1; i < 5; i++ {
				if _, err := f.Vectors.Put(ctx, tx, "acme", small, []vectors.Vector{{Chunk: c[i], Values: []float32{1, float32(i), 0}}}); err != nil {
					return err
				}
			}
			if err := f.Vectors.Delete(ctx, tx, "acme", []int64{c[0], c[2]}); err != nil {
				return err
			}
			for range 2 {
				hits, err := f.Vectors.Search(ctx, tx, "acme", req)
				if err != nil {
					return err
				}
				diff(t, "inside", []int64{c[4], c[3], c[1]}, chunksOf(hits))
			}
			diff(t, "outside", []int64{c[0]}, chunksOf(f.Near("acme", req)))
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		diff(t, "undone", []int64{c[0]}, chunksOf(f.Near("acme", req)))
		// another change takes the version that the undone one had
		f.PutVectors("acme", small, vectors.Vector{Chunk: c[10+round], Values: []float32{0, -1, 0}})
		diff(t, "another change", []int64{c[0], c[10+round]}, chunksOf(f.Near("acme", req))[:2])
		f.DeleteVectors("acme", c[10+round])
		diff(t, "and back", []int64{c[0]}, chunksOf(f.Near("acme", req)))
	}
	// the first vectors of a model, undone
	other := vectors.Model{Name: "other", Dimension: 3}
	for range 2 {
		err := f.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			if _, err := f.Vectors.Put(ctx, tx, "acme", other, []vectors.Vector{first}); err != nil {
				return err
			}
			hits, err := f.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: other, Vector: []float32{1, 0, 0}, Limit: 9})
			diff(t, "inside", []int64{c[0]}, chunksOf(hits))
			return errors.Join(err, undo)
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		diff(t, "undone", []vectors.Hit{}, f.Near("acme", vectors.Request{Model: other, Vector: []float32{1, 0, 0}, Limit: 9}))
	}
}

func testVectorsSnapshot(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 30)
	rnd := rand.New(rand.NewPCG(3, 3))
	model := vectors.Model{Name: "m", Dimension: 8}
	state := plain{}
	put := func(i int) {
		v := randomVector(rnd, 8)
		f.PutVectors("acme", model, vectors.Vector{Chunk: c[i], Values: v})
		state[c[i]] = v
	}
	for i := range 10 {
		put(i)
	}
	query := randomVector(rnd, 8)
	req := vectors.Request{Model: model, Vector: query, Limit: 100}
	now := func() { state.checkHits(t, "now", f.Near("acme", req), query, 100, nil) }
	now()
	for round := range 3 {
		before := maps.Clone(state)
		then := func(ctx context.Context, tx *database.Tx) error {
			hits, err := f.Vectors.Search(ctx, tx, "acme", req)
			if err != nil {
				return err
			}
			before.checkHits(t, "then", hits, query, 100, nil)
			return nil
		}
		f.read(func(ctx context.Context, tx *database.Tx) error {
			// the first statement fixes what the transaction sees
			if err := tx.Get(ctx, new(int), "SELECT count(*) FROM search_vector_models"); err != nil {
				return err
			}
			if round == 1 {
				if err := then(ctx, tx); err != nil {
					return err
				}
			}
			put(round)
			now()
			f.DeleteVectors("acme", c[round+3])
			delete(state, c[round+3])
			put(10 + round)
			if err := then(ctx, tx); err != nil {
				return err
			}
			now()
			f.write(func(ctx context.Context, tx *database.Tx) error { return f.Vectors.Drop(ctx, tx, "acme", model) })
			diff(t, "dropped", 0, len(f.Near("acme", req)))
			if err := then(ctx, tx); err != nil {
				return err
			}
			for n, v := range state {
				f.PutVectors("acme", model, vectors.Vector{Chunk: n, Values: v})
			}
			now()
			return then(ctx, tx)
		})
		now()
	}
}

// Random changes of two organizations are what they are in two plain indexes.
func testVectorsOrganizations(t *testing.T, f *VectorFixture) {
	const dimension = 8
	rnd := rand.New(rand.NewPCG(1, 1))
	model := vectors.Model{Name: "m", Dimension: dimension}
	names := []string{"a", "b"}
	chunks, plains := map[string][]int64{}, map[string]plain{}
	for _, name := range names {
		f.Organization(name)
		chunks[name], plains[name] = f.Chunks(name, 120), plain{} // the same numbers in both
	}
	diff(t, "the same numbers", chunks["a"], chunks["b"])
	others := []*VectorFixture{f, f.Again()}
	for round := range 60 {
		name, by := names[rnd.IntN(2)], others[rnd.IntN(2)]
		p := plains[name]
		pick := func() []int64 {
			list := make([]int64, 1+rnd.IntN(30))
			for i := range list {
				list[i] = chunks[name][rnd.IntN(120)]
			}
			return list
		}
		switch rnd.IntN(6) {
		case 0:
			gone := pick()
			by.DeleteVectors(name, gone...)
			for _, n := range gone {
				delete(p, n)
			}
		case 1:
			if rnd.IntN(4) == 0 {
				by.write(func(ctx context.Context, tx *database.Tx) error { return by.Vectors.Drop(ctx, tx, name, model) })
				clear(p)
			}
		default:
			var list []vectors.Vector
			for _, n := range pick() {
				v := randomVector(rnd, dimension)
				list = append(list, vectors.Vector{Chunk: n, Values: v})
				p[n] = v
			}
			by.PutVectors(name, model, list...)
		}
		if round%15 == 14 {
			if err := by.Vectors.Maintain(t.Context(), by.DB); err != nil {
				t.Fatal(err)
			}
		}
		for _, by := range others {
			for _, name := range names {
				query, limit := randomVector(rnd, dimension), 1+rnd.IntN(150)
				var within vectors.Set
				if rnd.IntN(2) == 0 {
					within = setOf(pickSome(rnd, chunks[name]))
				}
				hits := by.Near(name, vectors.Request{Model: model, Vector: query, Limit: limit, Within: within})
				plains[name].checkHits(t, fmt.Sprintf("round %d, organization %s", round, name), hits, query, limit, within)
			}
		}
	}
}

func pickSome(rnd *rand.Rand, chunks []int64) (some []int64) {
	for _, n := range chunks {
		if rnd.IntN(3) == 0 {
			some = append(some, n)
		}
	}
	return some
}

func testVectorsOrganizationGone(t *testing.T, f *VectorFixture) {
	req := vectors.Request{Model: small, Vector: []float32{1, 0, 0}, Limit: 9}
	var c []int64
	for range 2 { // it may come again under the same id
		f.Organization("acme")
		c = f.Chunks("acme", 3)
		diff(t, "new", []vectors.Hit{}, f.Near("acme", req))
		for i, n := range c {
			f.PutVectors("acme", small, vectors.Vector{Chunk: n, Values: []float32{1, float32(i), 0}})
		}
		f.write(func(ctx context.Context, tx *database.Tx) error {
			return (vectors.Cache{}).Put(ctx, tx, "acme", small, []vectors.Cached{{Hash: vectors.HashOf("x"), Values: []float32{1, 0, 0}}}, Start)
		})
		diff(t, "there", c, chunksOf(f.Near("acme", req)))
		f.write(func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM organizations WHERE id = ?", "acme")
			return err
		})
		diff(t, "gone", []vectors.Hit{}, f.Near("acme", req))
		for _, table := range []string{"search_vectors", "search_vector_models", "search_embeddings"} {
			diff(t, "rows in "+table, 0, count(f.Fixture, table))
		}
	}
}

func testVectorsHandles(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 50)
	rnd := rand.New(rand.NewPCG(5, 5))
	model := vectors.Model{Name: "m", Dimension: 8}
	all := plain{}
	handles := []*VectorFixture{f, f.Again(), f.Again()}
	for i, n := range append(c, c...) {
		v := randomVector(rnd, 8)
		if i%7 == 6 {
			handles[i%3].DeleteVectors("acme", c[i%50-1])
			delete(all, c[i%50-1])
		}
		handles[i%3].PutVectors("acme", model, vectors.Vector{Chunk: n, Values: v})
		all[n] = v
		for _, h := range handles[:1+i%3] { // some fall behind
			query := randomVector(rnd, 8)
			all.checkHits(t, fmt.Sprint("change ", i), h.Near("acme", vectors.Request{Model: model, Vector: query, Limit: 20}), query, 20, nil)
		}
	}
}

// Each search sees one state: of each pair of chunks, which are changed
// together, both have the same vector or none.
func testVectorsConcurrent(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	const pairs, rounds = 20, 25
	c := f.Chunks("acme", 2*pairs)
	model := vectors.Model{Name: "m", Dimension: 8}
	put := func(f *VectorFixture, rnd *rand.Rand, pair int) error {
		v := randomVector(rnd, 8)
		return f.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			if rnd.IntN(4) == 0 {
				return f.Vectors.Delete(ctx, tx, "acme", c[2*pair:2*pair+2])
			}
			_, err := f.Vectors.Put(ctx, tx, "acme", model, []vectors.Vector{{Chunk: c[2*pair], Values: v}, {Chunk: c[2*pair+1], Values: v}})
			return err
		})
	}
	var working, searching sync.WaitGroup
	done := make(chan struct{})
	handles := []*VectorFixture{f, f.Again()}
	for w, h := range handles {
		working.Go(func() {
			rnd := rand.New(rand.NewPCG(9, uint64(w)))
			for range rounds {
				if err := put(h, rnd, rnd.IntN(pairs)); err != nil {
					t.Error(err)
					return
				}
			}
		})
		for s := range 2 {
			searching.Go(func() {
				rnd := rand.New(rand.NewPCG(10, uint64(2*w+s)))
				for {
					var hits []vectors.Hit
					err := h.DB.Read(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
						hits, err = h.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: model, Vector: randomVector(rnd, 8), Limit: 100})
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					scores := map[int64]float64{}
					for _, hit := range hits {
						scores[hit.Chunk] = hit.Score
					}
					for p := range pairs {
						one, ok1 := scores[c[2*p]]
						two, ok2 := scores[c[2*p+1]]
						if ok1 != ok2 || one != two {
							t.Errorf("pair %d: %v (%v) and %v (%v)", p, one, ok1, two, ok2)
							return
						}
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
	}
	working.Wait()
	close(done)
	searching.Wait()
	query := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	req := vectors.Request{Model: model, Vector: query, Limit: 100}
	diff(t, "at the end all see the same", f.Near("acme", req), handles[1].Near("acme", req))
	diff(t, "and a new process too", f.Near("acme", req), f.Again().Near("acme", req))
	f.read(func(ctx context.Context, tx *database.Tx) error {
		stats, err := f.Vectors.Stats(ctx, tx, "acme")
		diff(t, "stats", []vectors.Stats{{Model: model, Vectors: len(f.Near("acme", req))}}, stats)
		return err
	})
}

func testVectorsCancelled(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 1)
	f.PutVectors("acme", small, vectors.Vector{Chunk: c[0], Values: []float32{1, 0, 0}})
	ctx, cancel := context.WithCancel(t.Context())
	err := f.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		cancel()
		_, err := f.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: small, Vector: []float32{1, 0, 0}, Limit: 3})
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	diff(t, "the next one", 1, len(f.Near("acme", vectors.Request{Model: small, Vector: []float32{1, 0, 0}, Limit: 3})))
}

func testVectorsCache(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	f.Organization("other")
	cache := vectors.Cache{}
	put := func(organization string, model vectors.Model, at time.Time, list ...vectors.Cached) {
		f.write(func(ctx context.Context, tx *database.Tx) error {
			return cache.Put(ctx, tx, organization, model, list, at)
		})
	}
	get := func(organization string, model vectors.Model, texts ...string) map[vectors.Hash][]float32 {
		var hashes []vectors.Hash
		for _, text := range texts {
			hashes = append(hashes, vectors.HashOf(text))
		}
		var found map[vectors.Hash][]float32
		f.read(func(ctx context.Context, tx *database.Tx) (err error) {
			found, err = cache.Get(ctx, tx, organization, model, hashes)
			return err
		})
		return found
	}
	one, two := vectors.HashOf("one"), vectors.HashOf("two")
	put("acme", small, Start, vectors.Cached{Hash: one, Values: []float32{2, 0, -1e-7}}, vectors.Cached{Hash: two, Values: []float32{0, 3, 0}})
	put("acme", small, Start.Add(time.Hour), vectors.Cached{Hash: one, Values: []float32{9, 9, 9}}, vectors.Cached{Hash: vectors.HashOf("three"), Values: []float32{1, 1, 1}})
	put("acme", small, Start)
	diff(t, "as it was put, the first stays", map[vectors.Hash][]float32{one: {2, 0, -1e-7}, two: {0, 3, 0}}, get("acme", small, "one", "two", "four", "one"))
	diff(t, "none", map[vectors.Hash][]float32{}, get("acme", small))
	diff(t, "another organization", map[vectors.Hash][]float32{}, get("other", small, "one"))
	diff(t, "another model", map[vectors.Hash][]float32{}, get("acme", vectors.Model{Name: "small", Dimension: 2}, "one"))
	err := f.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return cache.Put(ctx, tx, "acme", small, []vectors.Cached{{Hash: one, Values: []float32{0, 0, 0}}}, Start)
	})
	if !errors.Is(err, content.ErrInvalid) {
		t.Errorf("a vector of zeros: %v", err)
	}
	many := make([]vectors.Cached, 150)
	for i := range many {
		many[i] = vectors.Cached{Hash: vectors.HashOf(fmt.Sprint(i)), Values: []float32{float32(i), 1, 0}}
	}
	put("acme", small, Start.Add(2*time.Hour), many...)
	diff(t, "many", []float32{149, 1, 0}, get("acme", small, "149")[vectors.HashOf("149")])
	forget := func(before time.Time) (n int) {
		f.write(func(ctx context.Context, tx *database.Tx) (err error) {
			n, err = cache.Forget(ctx, tx, "acme", before)
			return err
		})
		return n
	}
	diff(t, "forgotten", []int{0, 2, 1}, []int{forget(Start), forget(Start.Add(time.Hour)), forget(Start.Add(2 * time.Hour))})
	diff(t, "the last are left", 150, count(f.Fixture, "search_embeddings"))
}

// A sortedSet is a set of chunks, in order.
type sortedSet []int64

func setOf(chunks []int64) sortedSet {
	return slices.Compact(slices.Sorted(slices.Values(chunks)))
}

func (s sortedSet) Len() int { return len(s) }

func (s sortedSet) Contains(chunk int64) bool {
	_, ok := slices.BinarySearch(s, chunk)
	return ok
}

func (s sortedSet) All() iter.Seq[int64] { return slices.Values(s) }
