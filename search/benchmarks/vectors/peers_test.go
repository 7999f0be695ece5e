package vectors

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/philippgille/chromem-go"
	_ "modernc.org/sqlite"
	_ "modernc.org/sqlite/vec" // the extension

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/searchtest"
	"github.com/curatore/curatore-go/search/vectors"
)

func normalise(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
}

// plain compares everything in memory, one by one.
type plain struct{ list [][]float32 }

func (p *plain) store(_ *testing.B, list [][]float32) { p.list = list }

func (p *plain) find(_ *testing.B, query []float32, every int) []int64 {
	type scored struct {
		number int64
		score  float32
	}
	var best []scored
	for i := every - 1; i < len(p.list); i += every {
		v := p.list[i]
		var s0, s1, s2, s3 float32
		for j := 0; j+3 < len(v); j += 4 {
			s0 += v[j] * query[j]
			s1 += v[j+1] * query[j+1]
			s2 += v[j+2] * query[j+2]
			s3 += v[j+3] * query[j+3]
		}
		score := s0 + s1 + s2 + s3
		if len(best) == limit && score <= best[limit-1].score {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, score, func(a scored, score float32) int { return cmp.Compare(score, a.score) })
		best = slices.Insert(best, at, scored{int64(i + 1), score})
		best = best[:min(len(best), limit)]
	}
	numbers := make([]int64, len(best))
	for i, s := range best {
		numbers[i] = s.number
	}
	return numbers
}

// curatore is this module, with the state read and the transaction included.
type curatore struct {
	f    *searchtest.VectorFixture
	sets map[int]vectors.Set
}

var model = vectors.Model{Name: "model", Dimension: dimension}

func openSQLite(b *testing.B, memory int64) engine {
	return &curatore{f: searchtest.NewVectors(b, database.SQLite, func() searchtest.Vectors {
		return flatvec.New(flatvec.Options{MemoryBytes: memory})
	})}
}

func openPostgres(b *testing.B) engine {
	return &curatore{f: searchtest.NewVectors(b, database.Postgres, func() searchtest.Vectors { return pgvec.New(pgvec.Options{}) })}
}

func (c *curatore) store(b *testing.B, list [][]float32) {
	c.f.Organization("acme")
	c.f.Many("acme", len(list))
	c.f.PutAll("acme", model, list)
	must(b, c.f.Vectors.Maintain(context.Background(), c.f.DB))
	c.sets = map[int]vectors.Set{1: nil, 2: multiples{2, len(list)}, 100: multiples{100, len(list)}}
}

func (c *curatore) find(_ *testing.B, query []float32, every int) []int64 {
	hits := c.f.Near("acme", vectors.Request{Model: model, Vector: query, Limit: limit, Within: c.sets[every]})
	numbers := make([]int64, len(hits))
	for i, h := range hits {
		numbers[i] = h.Chunk
	}
	return numbers
}

// multiples is the set of the multiples of a number up to a limit.
type multiples struct{ of, limit int }

func (m multiples) Len() int                  { return m.limit / m.of }
func (m multiples) Contains(chunk int64) bool { return chunk%int64(m.of) == 0 }

func (m multiples) All() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for n := m.of; n <= m.limit && yield(int64(n)); n += m.of {
		}
	}
}

// chromemDB is chromem-go, which keeps everything in memory and compares with all
// processors.
type chromemDB struct{ collection *chromem.Collection }

func openChromem(b *testing.B) engine {
	collection, err := chromem.NewDB().CreateCollection("vectors", nil, nil)
	must(b, err)
	return &chromemDB{collection}
}

func (c *chromemDB) store(b *testing.B, list [][]float32) {
	docs := make([]chromem.Document, len(list))
	for i, v := range list {
		docs[i] = chromem.Document{ID: strconv.Itoa(i + 1), Embedding: v, Content: "text"}
	}
	must(b, c.collection.AddDocuments(context.Background(), docs, 1))
}

func (c *chromemDB) find(b *testing.B, query []float32, _ int) []int64 {
	hits, err := c.collection.QueryEmbedding(context.Background(), query, limit, nil, nil)
	must(b, err)
	numbers := make([]int64, len(hits))
	for i, h := range hits {
		numbers[i], err = strconv.ParseInt(h.ID, 10, 64)
		must(b, err)
	}
	return numbers
}

// sqliteVec is the extension sqlite-vec, in the same driver that curatore uses.
type sqliteVec struct{ db *sql.DB }

func openSQLiteVec(b *testing.B) engine {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "vec.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-16384)")
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	_, err = db.Exec(fmt.Sprintf("CREATE VIRTUAL TABLE vectors USING vec0(embedding float[%d] distance_metric=cosine)", dimension))
	must(b, err)
	return &sqliteVec{db}
}

func pack(v []float32) []byte {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}

func (s *sqliteVec) store(b *testing.B, list [][]float32) {
	tx, err := s.db.Begin()
	must(b, err)
	insert, err := tx.Prepare("INSERT INTO vectors (rowid, embedding) VALUES (?, ?)")
	must(b, err)
	defer insert.Close()
	for i, v := range list {
		_, err := insert.Exec(i+1, pack(v))
		must(b, err)
	}
	must(b, tx.Commit())
}

func (s *sqliteVec) find(b *testing.B, query []float32, _ int) []int64 {
	rows, err := s.db.Query("SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = ? ORDER BY distance", pack(query), limit)
	must(b, err)
	defer rows.Close()
	var numbers []int64
	for rows.Next() {
		var n int64
		must(b, rows.Scan(&n))
		numbers = append(numbers, n)
	}
	must(b, rows.Err())
	return numbers
}
