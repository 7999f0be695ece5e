package inverted

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// What nobody has asked for takes the room that is left, and is the first to go.
func TestCacheKeepsWhatWasAskedFor(t *testing.T) {
	c := newCache(10 * (itemOverhead + 100))
	key := func(i int) cacheKey { return cacheKey{"o", "s", dataBlock, i} }
	for i := range 4 {
		c.put(key(i), i, 100)
	}
	for i := 4; i < 20; i++ {
		c.putSpare(key(i), i, 100)
	}
	if len(c.items) != 10 || c.room() != 0 {
		t.Fatalf("%d items, room for %d bytes", len(c.items), c.room())
	}
	c.putSpare(key(0), "another value", 100)
	for i := 20; i < 26; i++ {
		c.put(key(i), i, 100)
	}
	for i := range 26 {
		x, ok := c.get(key(i))
		if want := i < 4 || i >= 20; ok != want || ok && x != i {
			t.Errorf("item %d: %v, %v", i, x, ok)
		}
	}
	c.put(cacheKey{"other", "s", dataBlock, 1}, 1, 100)
	c.forget("o", map[string]bool{"s": true})
	if len(c.items) != 1 || c.used != itemOverhead+100 || c.order.Len() != 1 {
		t.Errorf("%d items of %d bytes are left", len(c.items), c.used)
	}
}

// What is asked for again stays, the rest goes in the order in which it came.
func TestCacheForgetsWhatIsNotAskedForAgain(t *testing.T) {
	c := newCache(10 * (itemOverhead + 100))
	key := func(i int) cacheKey { return cacheKey{"o", "s", dataBlock, i} }
	for i := range 100 {
		c.put(key(i), i, 100)
		for _, often := range []int{0, 3} {
			if x, ok := c.get(key(often)); i >= often && (!ok || x != often) {
				t.Fatalf("after %d items, item %d: %v, %v", i+1, often, x, ok)
			}
		}
		if x := c.all([]cacheKey{key(3), key(i + 1)}); i >= 3 && x[0] != 3 || x[1] != nil {
			t.Fatalf("after %d items: %v", i+1, x)
		}
	}
	if len(c.items) != 10 || c.order.Len() != 10 {
		t.Errorf("%d items, %d in order", len(c.items), c.order.Len())
	}
	for i := 4; i < 92; i++ {
		if c.has(key(i)) {
			t.Errorf("item %d is still there", i)
		}
	}
}

// vocabulary is many words, so that an index of them has many blocks.
func vocabulary() (texts, questions []string) {
	rnd := rand.New(rand.NewPCG(61, 1))
	words := make([]string, 4000)
	for i := range words {
		words[i] = fmt.Sprintf("w%cx%cq%c%c", 'a'+rnd.IntN(26), 'a'+rnd.IntN(26), 'a'+rnd.IntN(26), 'a'+rnd.IntN(26))
	}
	some := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = words[rnd.IntN(len(words))]
		}
		return strings.Join(list, " ")
	}
	for range 600 {
		texts = append(texts, some(80))
	}
	for range 60 {
		questions = append(questions, some(5)+" ")
	}
	return texts, questions
}

// counted opens a database whose statements about postings are counted.
func counted(t *testing.T, kind string) (*database.DB, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	dsn := databasetest.DSN(t, kind)
	db, err := database.Open(t.Context(), dsn, database.Options{Fault: func(statement string) error {
		if strings.Contains(statement, "search_postings p") {
			n.Add(1)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, &n
}

// Questions of which none was asked before soon find all blocks in memory, where
// there is room for them; and with any cache, or none, the answers are the same.
func TestBlocksComeWithTheirNeighbours(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			db, statements := counted(t, kind)
			x := newTableIndex(t, db)
			texts, questions := vocabulary()
			x.add(texts[:400]...)
			x.add(texts[400:]...)
			var want []string
			for _, c := range []struct {
				name     string
				bytes    int
				from, to int64 // statements for blocks, but for the first three questions
			}{
				{"no cache", -1, 57, 1000},
				{"a small one", 200_000, 1, 1000},
				{"the usual", 0, 0, 3},
			} {
				x.index = New(Options{CacheBytes: c.bytes})
				var got []string
				var before int64
				for i, q := range questions {
					if i == 3 {
						before = statements.Load()
					}
					got = append(got, fmt.Sprint(x.search(Request{Query: Parse(q), Limit: 10, Explain: true}).Hits))
				}
				if n := statements.Load() - before; n < c.from || n > c.to {
					t.Errorf("%s: %d statements for blocks, want %d to %d", c.name, n, c.from, c.to)
				}
				if used := x.index.cache.used; used > max(0, x.index.cache.limit) {
					t.Errorf("%s: %d bytes in a cache of %d", c.name, used, x.index.cache.limit)
				}
				if want == nil {
					want = got
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s (-no cache +cache):\n%s", c.name, d)
				}
			}
		})
	}
}

// Another process deletes and merges: whoever has everything in memory sees it
// with the next search, and lets go of what belonged to the segments that are gone.
func TestCacheFollowsOthers(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		x := newTableIndex(t, db)
		other := &tableIndex{t, db, New(Options{})}
		var first int64
		for i := range 10 {
			n := other.add(fmt.Sprintf("common alpha%d", i), fmt.Sprintf("common beta%d", i))
			if i == 0 {
				first = n
			}
		}
		ask := func(text string, want ...int64) {
			t.Helper()
			if d := cmp.Diff(want, x.numbers(text)); d != "" {
				t.Errorf("%s (-want +got):\n%s", text, d)
			}
		}
		ask("alpha3 ", first+6)
		ask("beta3 ", first+7)
		other.remove(first+6, first+8)
		ask("alpha3 ")
		ask("alpha4 ")
		ask("beta3 ", first+7)
		before := segmentsIn(x.index.cache)
		if other.merge() == 0 {
			t.Fatal("nothing was merged")
		}
		ask("alpha3 ")
		ask("beta3 ", first+7)
		now := segmentsIn(x.index.cache)
		for id := range before {
			if now[id] {
				t.Errorf("segment %s is gone, and still in the cache", id)
			}
		}
		if len(now) != 1 {
			t.Errorf("%d segments in the cache", len(now))
		}
		other.add("common alpha3")
		ask("alpha3 ", first+20)
	})
}

// segmentsIn returns the segments of which something is in a cache.
func segmentsIn(c *cache) map[string]bool {
	ids := map[string]bool{}
	for key := range c.items {
		if key.segment != "" {
			ids[key.segment] = true
		}
	}
	return ids
}

// Somebody copies an organization's rows to another one and changes them there:
// then segments of both have the same ids, and nothing of one is found by the
// other nevertheless.
func TestCacheKeepsOrganizationsApart(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		const twin = "00000000-0000-7000-8000-000000000002"
		x := newTableIndex(t, db)
		x.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, 'twin', ?)", twin, db.Dialect().Time(time.Unix(0, 0)))
		x.add("secret plans of the first", "known to both")
		s, err := new(Builder).Build([]Document{{Title: "title", Chunks: []string{"known words of theirs"}}, {Title: "title", Chunks: []string{"open plans of the second"}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			w, err := x.index.Writer(ctx, tx, twin)
			if err == nil {
				_, err = w.Add(ctx, s)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"UPDATE search_segments SET id = 's'",
			"UPDATE search_columns SET segment_id = 's'",
			"UPDATE search_postings SET segment_id = 's'",
		} {
			x.exec(statement)
		}
		x.index = New(Options{})
		find := func(organization, text string) (found []int64) {
			t.Helper()
			if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				v, err := x.index.View(ctx, tx, organization)
				if err != nil {
					return err
				}
				res, err := v.Search(ctx, Request{Query: Parse(text), Limit: 10})
				if err != nil {
					return err
				}
				for _, h := range res.Hits {
					found = append(found, h.Document)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return found
		}
		for range 2 {
			for _, c := range []struct {
				organization, text string
				want               []int64
			}{
				{testOrganization, "secret ", []int64{1}},
				{twin, "secret ", nil},
				{twin, "open ", []int64{2}},
				{testOrganization, "open ", nil},
				{testOrganization, "known ", []int64{2}},
				{twin, "known ", []int64{1}},
			} {
				if d := cmp.Diff(c.want, find(c.organization, c.text)); d != "" {
					t.Errorf("%s in %s (-want +got):\n%s", c.text, c.organization, d)
				}
			}
		}
	})
}
