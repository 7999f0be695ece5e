package searchtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// Many makes so many chunks, numbered from 1, without indexing anything: for
// tests that need vectors in numbers. The organization must have no chunks.
func (f *VectorFixture) Many(organization string, n int) {
	f.T.Helper()
	f.write(func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO search_indexes (organization_id, next_number, version) VALUES (?, ?, 1)", organization, n+1); err != nil {
			return err
		}
		at := tx.Dialect().Time(Start)
		_, err := tx.Exec(ctx, `INSERT INTO search_chunks (organization_id, number, source_type, source_id, source_type_filter, chunk_index,
				title, filename, url, content, content_type, metadata, updated_at, created_at)
			SELECT ?, n, 'crm_account', CAST(n AS TEXT), 'crm', 0, '', '', '', '', '', '{}', ?, ?
			FROM (WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < ?) SELECT n FROM k) AS numbers`, organization, at, at, n)
		return err
	})
}

// PutAll stores the vectors of the chunks numbered from 1.
func (f *VectorFixture) PutAll(organization string, model vectors.Model, list [][]float32) {
	f.T.Helper()
	batch := make([]vectors.Vector, 0, 2000)
	for i, v := range list {
		batch = append(batch, vectors.Vector{Chunk: int64(i + 1), Values: v})
		if len(batch) == cap(batch) || i == len(list)-1 {
			f.PutVectors(organization, model, batch...)
			batch = batch[:0]
		}
	}
}

// RandomVectors returns vectors without any order: the nearest are hardly nearer
// than others, which is hard for whatever saves comparisons.
func RandomVectors(rnd *rand.Rand, n, dimension int) [][]float32 {
	list := make([][]float32, n)
	for i := range list {
		list[i] = randomVector(rnd, dimension)
	}
	return list
}

// ClusteredVectors returns vectors as models make them: around topics, and all
// somewhat to one side. Vector i is of topic i modulo topics.
func ClusteredVectors(rnd *rand.Rand, n, dimension, topics int) [][]float32 {
	side, around := randomVector(rnd, dimension), RandomVectors(rnd, topics, dimension)
	list := RandomVectors(rnd, n, dimension)
	for i, v := range list {
		for j := range v {
			v[j] = side[j]*.7 + around[i%topics][j] + v[j]*.6
		}
	}
	return list
}

// recallTarget is the share of the true best ten that have to be found.
const recallTarget = .95

// RunVectorRecall measures how many of the true best hits are found, under filters
// that leave few, some and all, and such as have to do with the query. The index
// is one that does not compare everything.
func RunVectorRecall(t *testing.T, kind string, open func() Vectors) {
	const n, dimension, topics, queries, limit = 20_000, 64, 100, 20, 10
	f := NewVectors(t, kind, open)
	for _, data := range []string{"clustered", "random"} {
		t.Run(data, func(t *testing.T) {
			f.T = t
			rnd := rand.New(rand.NewPCG(11, 12))
			model := vectors.Model{Name: data, Dimension: dimension}
			f.Organization(data)
			f.Organization("small " + data)
			f.Many(data, n)
			f.Many("small "+data, 300)
			list := ClusteredVectors(rnd, n, dimension, topics)
			if data == "random" {
				list = RandomVectors(rnd, n, dimension)
			}
			f.PutAll(data, model, list)
			f.PutAll("small "+data, model, list[:300]) // 1 % of the vectors of this model
			if err := f.Vectors.Maintain(t.Context(), f.DB); err != nil {
				t.Fatal(err)
			}
			all := plain{}
			for i, v := range list {
				all[int64(i+1)] = v
			}
			few := plain{}
			for i, v := range list[:300] {
				few[int64(i+1)] = v
			}
			every := func(keep func(i int) bool) vectors.Set {
				var set sortedSet
				for i := range n {
					if keep(i) {
						set = append(set, int64(i+1))
					}
				}
				return set
			}
			for _, c := range []struct {
				name         string
				organization string
				from         plain
				within       func(topic int) vectors.Set
				limit        int
			}{
				{"everything", data, all, func(int) vectors.Set { return nil }, limit},
				{"an organization with 1 %", "small " + data, few, func(int) vectors.Set { return nil }, limit},
				{"1 %", data, all, func(int) vectors.Set { return every(func(i int) bool { return i*7919%100 == 3 }) }, limit},
				{"10 %", data, all, func(int) vectors.Set { return every(func(i int) bool { return i*7919%10 == 3 }) }, limit},
				{"50 %", data, all, func(int) vectors.Set { return every(func(i int) bool { return i*7919%2 == 1 }) }, limit},
				{"the query's topic", data, all, func(topic int) vectors.Set { return every(func(i int) bool { return i%topics == topic }) }, limit},
				{"far from the query's topic", data, all, func(topic int) vectors.Set {
					return every(func(i int) bool { return (i%topics+topics-topic)%topics > topics*3/4 })
				}, limit},
				{"many hits", data, all, func(int) vectors.Set { return every(func(i int) bool { return i*7919%3 > 0 }) }, 200},
				{"more than there are", data, all, func(int) vectors.Set { return every(func(i int) bool { return i%10_000 == 0 }) }, 200},
			} {
				found, wanted := 0, 0
				for range queries {
					topic := rnd.IntN(topics)
					query := slices.Clone(list[topic+topics*rnd.IntN(n/topics)])
					for j := range query {
						query[j] += float32(rnd.NormFloat64() * .5)
					}
					within := c.within(topic)
					hits := f.Near(c.organization, vectors.Request{Model: model, Vector: query, Limit: c.limit, Within: within})
					want := c.from.nearest(query, c.limit, within)
					if len(hits) != len(want) {
						t.Fatalf("%s: %d hits, there are %d", c.name, len(hits), len(want))
					}
					wanted += len(want)
					found += inBoth(hits, want)
				}
				recall := float64(found) / float64(wanted)
				t.Logf("%s: recall@%d %.3f", c.name, c.limit, recall)
				if recall < recallTarget {
					t.Errorf("%s: recall %.3f, want %v", c.name, recall, recallTarget)
				}
			}
		})
	}
}

// inBoth counts the hits that are among others. A score that is wrong counts as
// another hit.
func inBoth(hits, others []vectors.Hit) int {
	scores := map[string]bool{}
	name := func(h vectors.Hit) string { return fmt.Sprintf("%d %.3f", h.Chunk, h.Score) }
	for _, h := range others {
		for _, d := range []float64{-1e-4, 0, 1e-4} {
			scores[name(vectors.Hit{Chunk: h.Chunk, Score: h.Score + d})] = true
		}
	}
	n := 0
	for _, h := range hits {
		if scores[name(h)] {
			n++
		}
	}
	return n
}
