package searchtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/vectors"
)

// Vectors is what search/pgvec and search/flatvec promise to be.
type Vectors interface {
	Prepare(ctx context.Context, db *database.DB) error
	Put(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, list []vectors.Vector) (int, error)
	Delete(ctx context.Context, tx *database.Tx, organization string, chunks []int64) error
	Search(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) ([]vectors.Hit, error)
	Missing(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, after int64, limit int) ([]int64, error)
	Stats(ctx context.Context, tx *database.Tx, organization string) ([]vectors.Stats, error)
	Drop(ctx context.Context, tx *database.Tx, organization string, model vectors.Model) error
	Prune(ctx context.Context, tx *database.Tx, organization string) (int, error)
	Maintain(ctx context.Context, db *database.DB) error
}

// RunVectors runs the suite of vectors on a kind of database. Open returns an
// index with nothing in memory.
func RunVectors(t *testing.T, kind string, open func() Vectors) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f *VectorFixture)
	}{
		{"the nearest come first", testNearest},
		{"put replaces", testVectorsPut},
		{"what is no vector is refused", testVectorsRefused},
		{"delete, prune, drop", testVectorsDelete},
		{"models are apart", testModels},
		{"missing ones are listed", testMissing},
		{"filters are those of the keyword index", testVectorFilters},
		{"changes are in the transaction", testVectorsTransaction},
		{"a transaction sees one state", testVectorsSnapshot},
		{"two organizations are two databases", testVectorsOrganizations},
		{"an organization goes with its vectors", testVectorsOrganizationGone},
		{"two handles on one database", testVectorsHandles},
		{"writing and searching at the same time", testVectorsConcurrent},
		{"a cancelled search is an error", testVectorsCancelled},
		{"the cache", testVectorsCache},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, NewVectors(t, kind, open)) })
	}
}

// A VectorFixture is a [Fixture] with vectors. Every method fails the test on an
// error.
type VectorFixture struct {
	*Fixture
	Vectors Vectors
	DSN     string

	open  func() Vectors
	count map[string]int // documents of each organization
}

// small is a model in which vectors can be written down.
var small = vectors.Model{Name: "small", Dimension: 3}

// NewVectors returns a VectorFixture on a new database.
func NewVectors(t testing.TB, kind string, open func() Vectors) *VectorFixture {
	t.Helper()
	dsn := databasetest.DSN(t, kind)
	f := &VectorFixture{Fixture: New(t, databasetest.OpenDSN(t, dsn)), Vectors: open(), DSN: dsn, open: open, count: map[string]int{}}
	for range 2 { // the second time there is nothing to do
		if err := f.Vectors.Prepare(context.Background(), f.DB); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// Again returns the VectorFixture as another process would see it: with a
// database handle of its own and nothing in memory.
func (f *VectorFixture) Again() *VectorFixture {
	f.T.Helper()
	other := *f
	other.Fixture = f.Reopen()
	other.DB = databasetest.OpenDSN(f.T, f.DSN)
	other.Vectors = f.open()
	if err := other.Vectors.Prepare(context.Background(), other.DB); err != nil {
		f.T.Fatal(err)
	}
	return &other
}

// Chunks indexes so many documents of one chunk and returns the chunks' numbers.
func (f *VectorFixture) Chunks(organization string, n int) []int64 {
	f.T.Helper()
	scope := f.Authority.Mint(organization, "test")
	docs := make([]content.Document, n)
	for i := range docs {
		docs[i] = Doc(f.count[organization]+i, "Title", "text")
	}
	f.count[organization] += n
	f.Put(scope, docs...)
	var numbers []int64
	f.read(func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &numbers, "SELECT number FROM search_chunks WHERE organization_id = ? ORDER BY number DESC LIMIT ?", organization, n)
	})
	slices.Reverse(numbers)
	return numbers
}

func (f *VectorFixture) read(do func(context.Context, *database.Tx) error) {
	f.T.Helper()
	if err := f.DB.Read(context.Background(), do); err != nil {
		f.T.Fatal(err)
	}
}

// PutVectors stores vectors and returns how many.
func (f *VectorFixture) PutVectors(organization string, model vectors.Model, list ...vectors.Vector) int {
	f.T.Helper()
	n := 0
	f.write(func(ctx context.Context, tx *database.Tx) (err error) {
		n, err = f.Vectors.Put(ctx, tx, organization, model, list)
		return err
	})
	return n
}

// DeleteVectors deletes vectors of chunks.
func (f *VectorFixture) DeleteVectors(organization string, chunks ...int64) {
	f.T.Helper()
	f.write(func(ctx context.Context, tx *database.Tx) error {
		return f.Vectors.Delete(ctx, tx, organization, chunks)
	})
}

// Near searches.
func (f *VectorFixture) Near(organization string, req vectors.Request) []vectors.Hit {
	f.T.Helper()
	var hits []vectors.Hit
	f.read(func(ctx context.Context, tx *database.Tx) (err error) {
		hits, err = f.Vectors.Search(ctx, tx, organization, req)
		return err
	})
	return hits
}

// chunksOf returns the chunks of hits.
func chunksOf(hits []vectors.Hit) []int64 {
	numbers := []int64{}
	for _, h := range hits {
		numbers = append(numbers, h.Chunk)
	}
	return numbers
}

// A plain index compares everything with everything, in 64 bits.
type plain map[int64][]float32

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa) / math.Sqrt(bb)
}

// nearest returns the best hits among those that a set has; nil has all.
func (p plain) nearest(query []float32, limit int, within vectors.Set) []vectors.Hit {
	hits := []vectors.Hit{}
	for chunk, v := range p {
		if within == nil || within.Contains(chunk) {
			hits = append(hits, vectors.Hit{Chunk: chunk, Score: cosine(query, v)})
		}
	}
	slices.SortFunc(hits, func(a, b vectors.Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
	})
	return hits[:min(limit, len(hits))]
}

// tolerance is by how much a score may differ from one that is computed in 64
// bits.
const tolerance = 1e-5

// checkHits fails unless hits are what the plain index finds: those whose scores
// differ by less than the tolerance may stand in any order.
func (p plain) checkHits(t testing.TB, what string, got []vectors.Hit, query []float32, limit int, within vectors.Set) {
	t.Helper()
	want := p.nearest(query, limit, within)
	if len(got) != len(want) {
		t.Fatalf("%s: %d hits, want %d", what, len(got), len(want))
	}
	seen := map[int64]bool{}
	for i, h := range got {
		v, ok := p[h.Chunk]
		switch {
		case !ok || seen[h.Chunk] || within != nil && !within.Contains(h.Chunk):
			t.Fatalf("%s: hit %d is chunk %d, which is not to be found, or again", what, i, h.Chunk)
		case math.Abs(h.Score-cosine(query, v)) > tolerance || math.Abs(h.Score-want[i].Score) > tolerance:
			t.Fatalf("%s: hit %d is chunk %d with score %v, want %v; chunk %d with %v would stand here", what, i, h.Chunk, h.Score, cosine(query, v), want[i].Chunk, want[i].Score)
		case i > 0 && (h.Score > got[i-1].Score || h.Score == got[i-1].Score && h.Chunk < got[i-1].Chunk):
			t.Fatalf("%s: hit %d is out of order", what, i)
		}
		seen[h.Chunk] = true
	}
}

func randomVector(rnd *rand.Rand, dimension int) []float32 {
	v := make([]float32, dimension)
	for i := range v {
		v[i] = float32(rnd.NormFloat64())
	}
	return v
}

func testNearest(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 5)
	diff(t, "nothing there", []vectors.Hit{}, f.Near("acme", vectors.Request{Model: small, Vector: []float32{1, 0, 0}, Limit: 5}))
	diff(t, "stored", 5, f.PutVectors("acme", small,
		vectors.Vector{Chunk: c[4], Values: []float32{0, 5, 0}}, vectors.Vector{Chunk: c[0], Values: []float32{3, 4, 0}},
		vectors.Vector{Chunk: c[1], Values: []float32{-1e30, 0, 0}}, vectors.Vector{Chunk: c[2], Values: []float32{1e-30, 0, 0}},
		vectors.Vector{Chunk: c[3], Values: []float32{0, 0.5, 0}}))
	hits := f.Near("acme", vectors.Request{Model: small, Vector: []float32{2, 0, 0}, Limit: 10})
	for i := range hits {
		hits[i].Score = math.Round(hits[i].Score*1e5) / 1e5
	}
	diff(t, "by cosine, equal ones by chunk", []vectors.Hit{{Chunk: c[2], Score: 1}, {Chunk: c[0], Score: .6}, {Chunk: c[3], Score: 0}, {Chunk: c[4], Score: 0}, {Chunk: c[1], Score: -1}}, hits)
	diff(t, "limit", []int64{c[2], c[0], c[3]}, chunksOf(f.Near("acme", vectors.Request{Model: small, Vector: []float32{2, 0, 0}, Limit: 3})))
	diff(t, "limit 0", []vectors.Hit{}, f.Near("acme", vectors.Request{Model: small, Vector: []float32{2, 0, 0}}))
	diff(t, "another process", chunksOf(hits), chunksOf(f.Again().Near("acme", vectors.Request{Model: small, Vector: []float32{2, 0, 0}, Limit: 10})))
	if err := f.Vectors.Maintain(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	diff(t, "maintained", chunksOf(hits), chunksOf(f.Near("acme", vectors.Request{Model: small, Vector: []float32{2, 0, 0}, Limit: 10})))
}

func testVectorsPut(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 2)
	near := func() []int64 {
		return chunksOf(f.Near("acme", vectors.Request{Model: small, Vector: []float32{1, 0, 0}, Limit: 9}))
	}
	f.PutVectors("acme", small, vectors.Vector{Chunk: c[0], Values: []float32{1, 0, 0}}, vectors.Vector{Chunk: c[1], Values: []float32{0, 1, 0}})
	diff(t, "before", []int64{c[0], c[1]}, near())
	diff(t, "one for each chunk, the last counts", 1, f.PutVectors("acme", small,
		vectors.Vector{Chunk: c[0], Values: []float32{1, 0, 0}}, vectors.Vector{Chunk: c[0], Values: []float32{-1, 0, 0}}))
	diff(t, "after", []int64{c[1], c[0]}, near())
	values := []float32{1, 0, 0}
	f.PutVectors("acme", small, vectors.Vector{Chunk: c[0], Values: values})
	diff(t, "what is given is not changed", []float32{1, 0, 0}, values)
	diff(t, "back", []int64{c[0], c[1]}, near())
	diff(t, "chunks that are gone are left out", 1, f.PutVectors("acme", small,
		vectors.Vector{Chunk: 999, Values: []float32{1, 0, 0}}, vectors.Vector{Chunk: c[1], Values: []float32{1, 0, 0}}))
	diff(t, "none", 0, f.PutVectors("acme", small, vectors.Vector{Chunk: 999, Values: []float32{1, 0, 0}}))
	diff(t, "nothing", 0, f.PutVectors("acme", small))
	diff(t, "at the end", []int64{c[0], c[1]}, near())
	f.read(func(ctx context.Context, tx *database.Tx) error {
		stats, err := f.Vectors.Stats(ctx, tx, "acme")
		diff(t, "stats", []vectors.Stats{{Model: small, Vectors: 2}}, stats)
		return err
	})
}

func testVectorsRefused(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 2)
	good := []float32{1, 0, 0}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	refused := func(what, say string, err error) {
		t.Helper()
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(fmt.Sprint(err), say) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, c2 := range map[string]struct {
		values []float32
		say    string
	}{
		"NaN":       {[]float32{1, nan, 0}, "value 1 is NaN"},
		"infinite":  {[]float32{1, 0, inf}, "value 2 is +Inf"},
		"-infinite": {[]float32{-inf, 0, 0}, "value 0 is -Inf"},
		"zero":      {[]float32{0, 0, 0}, "all its 3 values are 0"},
		"short":     {[]float32{1, 0}, "it has 2 values"},
		"long":      {[]float32{1, 0, 0, 0}, "it has 4 values"},
		"none":      {nil, "it has 0 values"},
	} {
		f.write(func(ctx context.Context, tx *database.Tx) error {
			_, err := f.Vectors.Put(ctx, tx, "acme", small, []vectors.Vector{{Chunk: c[0], Values: good}, {Chunk: c[1], Values: c2.values}})
			refused("put "+what, c2.say, err)
			refused("put names the chunk: "+what, fmt.Sprint("chunk ", c[1]), err)
			_, err = f.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: small, Vector: c2.values, Limit: 3})
			refused("search "+what, c2.say, err)
			return nil
		})
	}
	diff(t, "nothing was stored", []vectors.Hit{}, f.Near("acme", vectors.Request{Model: small, Vector: good, Limit: 3}))
	f.read(func(ctx context.Context, tx *database.Tx) error {
		for _, m := range []vectors.Model{{}, {Name: "x"}, {Dimension: 3}, {Name: "x", Dimension: -1}, {Name: "x", Dimension: vectors.MaxDimension + 1},
			{Name: strings.Repeat("x", vectors.MaxName+1), Dimension: 3}, {Name: "x\x00", Dimension: 3}, {Name: "x\xff", Dimension: 3}} {
			_, err := f.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: m, Vector: good, Limit: 3})
			refused(fmt.Sprintf("search %v", m), "vectors", err)
			_, err = f.Vectors.Put(ctx, tx, "acme", m, []vectors.Vector{{Chunk: c[0], Values: good}})
			refused(fmt.Sprintf("put %v", m), "vectors", err)
			_, err = f.Vectors.Missing(ctx, tx, "acme", m, 0, 10)
			refused(fmt.Sprintf("missing %v", m), "vectors", err)
			refused(fmt.Sprintf("drop %v", m), "vectors", f.Vectors.Drop(ctx, tx, "acme", m))
		}
		for _, limit := range []int{-1, vectors.MaxLimit + 1} {
			_, err := f.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: small, Vector: good, Limit: limit})
			refused("limit", "limit", err)
		}
		_, err := f.Vectors.Missing(ctx, tx, "acme", small, 0, -1)
		refused("missing", "limit", err)
		return nil
	})
}

func testVectorsDelete(t *testing.T, f *VectorFixture) {
	scope := f.Organization("acme")
	c := f.Chunks("acme", 4)
	other := vectors.Model{Name: "small", Dimension: 2}
	for i, n := range c {
		f.PutVectors("acme", small, vectors.Vector{Chunk: n, Values: []float32{1, float32(i), 0}})
		f.PutVectors("acme", other, vectors.Vector{Chunk: n, Values: []float32{1, float32(i)}})
	}
	near := func() [][]int64 {
		return [][]int64{chunksOf(f.Near("acme", vectors.Request{Model: small, Vector: []float32{1, 0, 0}, Limit: 9})),
			chunksOf(f.Near("acme", vectors.Request{Model: other, Vector: []float32{1, 0}, Limit: 9}))}
	}
	diff(t, "before", [][]int64{c, c}, near())
	f.DeleteVectors("acme", c[1], 999)
	f.DeleteVectors("acme")
	diff(t, "of all models", [][]int64{{c[0], c[2], c[3]}, {c[0], c[2], c[3]}}, near())
	f.DeleteVectors("acme", c[1])
	f.PutVectors("acme", small, vectors.Vector{Chunk: c[1], Values: []float32{1, 1, 0}})
	diff(t, "and again", [][]int64{c, {c[0], c[2], c[3]}}, near())

	// chunks that go without their vectors
	diff(t, "deleted", 1, f.Delete(scope, "crm_account", "doc002"))
	prune := func() (n int) {
		f.write(func(ctx context.Context, tx *database.Tx) (err error) {
			n, err = f.Vectors.Prune(ctx, tx, "acme")
			return err
		})
		return n
	}
	diff(t, "pruned", []int{2, 0}, []int{prune(), prune()})
	diff(t, "after pruning", [][]int64{{c[0], c[1], c[3]}, {c[0], c[3]}}, near())
	f.write(func(ctx context.Context, tx *database.Tx) error { return f.Vectors.Drop(ctx, tx, "acme", small) })
	diff(t, "dropped", [][]int64{{}, {c[0], c[3]}}, near())
	f.write(func(ctx context.Context, tx *database.Tx) error { return f.Vectors.Drop(ctx, tx, "acme", small) })
	f.PutVectors("acme", small, vectors.Vector{Chunk: c[3], Values: []float32{1, 0, 0}})
	diff(t, "begun again", [][]int64{{c[3]}, {c[0], c[3]}}, near())
	f.read(func(ctx context.Context, tx *database.Tx) error {
		stats, err := f.Vectors.Stats(ctx, tx, "acme")
		diff(t, "stats", []vectors.Stats{{Model: other, Vectors: 2}, {Model: small, Vectors: 1}}, stats)
		return err
	})
	if err := f.Vectors.Maintain(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
}

func testModels(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	c := f.Chunks("acme", 3)
	names := []string{"a", "a'b\"; DROP TABLE search_vectors; --", "a/3", "模型", strings.Repeat("long/", 40)}
	for i, name := range names {
		f.PutVectors("acme", vectors.Model{Name: name, Dimension: 3}, vectors.Vector{Chunk: c[i%3], Values: []float32{1, 0, float32(i)}})
	}
	if err := f.Vectors.Maintain(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		hits := f.Near("acme", vectors.Request{Model: vectors.Model{Name: name, Dimension: 3}, Vector: []float32{1, 0, float32(i)}, Limit: 9})
		diff(t, name, []int64{c[i%3]}, chunksOf(hits))
		if hits[0].Score < 1-tolerance {
			t.Errorf("%s: %v", name, hits)
		}
		diff(t, name+" with another dimension", []vectors.Hit{}, f.Near("acme", vectors.Request{Model: vectors.Model{Name: name, Dimension: 2}, Vector: []float32{1, 0}, Limit: 9}))
	}
	f.read(func(ctx context.Context, tx *database.Tx) error {
		stats, err := f.Vectors.Stats(ctx, tx, "acme")
		diff(t, "models", len(names), len(stats))
		for _, s := range stats {
			if !slices.Contains(names, s.Model.Name) || s.Model.Dimension != 3 || s.Vectors != 1 {
				t.Errorf("stats %+v", s)
			}
		}
		return err
	})
}

func testMissing(t *testing.T, f *VectorFixture) {
	f.Organization("acme")
	f.Organization("other")
	c := f.Chunks("acme", 7)
	f.Chunks("other", 3)
	missing := func(after int64, limit int) (list []int64) {
		f.read(func(ctx context.Context, tx *database.Tx) (err error) {
			list, err = f.Vectors.Missing(ctx, tx, "acme", small, after, limit)
			return err
		})
		return list
	}
	diff(t, "all", c, missing(0, 100))
	diff(t, "a page", c[:3], missing(0, 3))
	diff(t, "the next", c[3:6], missing(c[2], 3))
	f.PutVectors("acme", small, vectors.Vector{Chunk: c[0], Values: []float32{1, 0, 0}}, vectors.Vector{Chunk: c[4], Values: []float32{1, 0, 0}})
	f.PutVectors("acme", vectors.Model{Name: "small", Dimension: 2}, vectors.Vector{Chunk: c[1], Values: []float32{1, 0}})
	diff(t, "some", []int64{c[1], c[2], c[3], c[5], c[6]}, missing(0, 100))
	diff(t, "behind the end", []int64{}, missing(c[6], 100))
	diff(t, "none asked for", []int64{}, missing(0, 0))
}

// selection returns the chunks that filters leave.
func selection(f *VectorFixture, organization string, filters, any []content.Filter) (s *inverted.Selection) {
	f.T.Helper()
	f.read(func(ctx context.Context, tx *database.Tx) (err error) {
		v, err := f.Index.View(ctx, tx, organization)
		if err == nil {
			s, err = v.Select(ctx, filters, any)
		}
		return err
	})
	return s
}
