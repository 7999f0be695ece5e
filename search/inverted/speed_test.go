package inverted

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestSpeed(t *testing.T) {
	b, _ := os.ReadFile("/work/shared/data/cranfield/corpus.jsonl")
	var sentences []string
	for _, l := range strings.Split(string(b), "\n") {
		if i := strings.Index(l, `"text": "`); i > 0 {
			sentences = append(sentences, strings.Split(l[i+9:], " . ")...)
		}
	}
	qb, _ := os.ReadFile("/work/shared/data/cranfield/queries.jsonl")
	var queries []string
	for _, l := range strings.Split(string(qb), "\n") {
		if i := strings.Index(l, `"text": "`); i > 0 {
			queries = append(queries, strings.TrimSuffix(l[i+9:], `"}`))
		}
	}
	run := func(t *testing.T, f func(*testing.T, *database.DB)) { f(t, databasetest.Open(t, "sqlite")) }
	run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		org := "00000000-0000-7000-8000-000000000001"
		err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, 'a', ?)", org, tx.Dialect().Time(time.Now()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, 1))
		x := New(Options{})
		var bld Builder
		var build, store, merge time.Duration
		var maxStore time.Duration
		total := 0
		for i := range 100 {
			docs := make([]Document, 1000)
			for j := range docs {
				var sb strings.Builder
				for range 8 {
					sb.WriteString(sentences[rnd.IntN(len(sentences))] + " . ")
				}
				docs[j] = Document{Title: sentences[rnd.IntN(len(sentences))], Chunks: []string{sb.String()}, Values: map[string]any{
					"type": fmt.Sprint("type", rnd.IntN(5)), "group": fmt.Sprint("g", rnd.IntN(3)), "updated_at": time.Unix(int64(i*1000+j), 0), "amount": rnd.IntN(100000)}}
				total += sb.Len()
			}
			t0 := time.Now()
			s, err := bld.Build(docs)
			if err != nil {
				t.Fatal(err)
			}
			t1 := time.Now()
			err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				w, err := x.Writer(ctx, tx, org)
				if err != nil {
					return err
				}
				_, err = w.Add(ctx, s)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			t2 := time.Now()
			build += t1.Sub(t0)
			store += t2.Sub(t1)
			maxStore = max(maxStore, t2.Sub(t1))
			if i%32 == 31 || i == 99 {
				n, err := x.Merge(ctx, db, org)
				if err != nil {
					t.Fatal(err)
				}
				merge += time.Since(t2)
				fmt.Println("merged", n, time.Since(t2))
			}
		}
		fmt.Println("MB", total>>20, "build", build, "store", store, "max", maxStore, "merge", merge)
		lat := func(name string, req Request) {
			var times []time.Duration
			for _, q := range queries {
				r := req
				if r.OrderBy == "" {
					r.Query = Parse(q)
				}
				t0 := time.Now()
				err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
					_, err := x.Search(ctx, tx, org, r)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				times = append(times, time.Since(t0))
			}
			slices.Sort(times)
			fmt.Println(name, "p50", times[len(times)/2], "p95", times[len(times)*95/100], "max", times[len(times)-1])
		}
		for range 5 {
			lat("more", Request{Limit: 10, Facets: []string{"type", "group"}})
		}
		lat("cold", Request{Limit: 10})
		lat("warm", Request{Limit: 10})
		lat("facets", Request{Limit: 10, Facets: []string{"type", "group"}})
		lat("newest", Request{Limit: 10, Facets: []string{"type", "group"}, OrderBy: "updated_at"})
		err = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
			v, _ := x.view(ctx, tx, org)
			fmt.Println("segments", len(v.segments), "cache", x.cache.used)
			return nil
		})
	})
}
