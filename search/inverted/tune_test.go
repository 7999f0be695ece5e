package inverted

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTune(t *testing.T) {
	dir := "/work/shared/data/cranfield/"
	type rec struct {
		ID    string `json:"_id"`
		Title string
		Text  string
	}
	read := func(name string) (out []rec) {
		f, _ := os.Open(dir + name)
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			var r rec
			if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
		return
	}
	corpus, queries := read("corpus.jsonl"), read("queries.jsonl")
	qrels := map[string]map[string]bool{}
	b, _ := os.ReadFile(dir + "qrels.tsv")
	for _, l := range strings.Split(string(b), "\n")[1:] {
		f := strings.Fields(l)
		if len(f) == 3 && f[2] != "0" {
			if qrels[f[0]] == nil {
				qrels[f[0]] = map[string]bool{}
			}
			qrels[f[0]][f[1]] = true
		}
	}
	m := newMemoryIndex()
	var docs []Document
	for _, r := range corpus {
		docs = append(docs, Document{Title: r.Title, Chunks: []string{r.Text}})
	}
	m.build(t, docs...)
	eval := func(r *ranking, edit func(string) string, after func(*Query)) (float64, float64) {
		sum, rec, n := 0.0, 0.0, 0
		for _, q := range queries {
			rel := qrels[q.ID]
			if len(rel) == 0 {
				continue
			}
			n++
			qq := Parse(edit(q.Text))
			if after != nil {
				after(qq)
			}
			v := m.view
			res, err := v.search(context.Background(), r, Request{Query: qq, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			dcg, ideal, found := 0.0, 0.0, 0
			for i, h := range res.Hits {
				if rel[corpus[h.Document-1].ID] {
					found++
					if i < 10 {
						dcg += 1 / math.Log2(float64(i)+2)
					}
				}
			}
			for i := range min(10, len(rel)) {
				ideal += 1 / math.Log2(float64(i)+2)
			}
			sum += dcg / ideal
			rec += float64(found) / float64(len(rel))
		}
		return sum / float64(n), rec / float64(n)
	}
	id := func(s string) string { return s }
	show := func(name string, r *ranking, edit func(string) string, after func(*Query)) {
		start := time.Now()
		a, b := eval(r, edit, after)
		fmt.Printf("%-40s ndcg %.4f recall %.4f  %v\n", name, a, b, time.Since(start).Round(time.Millisecond))
	}
	show("default", defaultRanking(), id, nil)

	trim := func(s string) string { return strings.TrimRight(s, " .?") }
	show("typing", defaultRanking(), trim, nil)
	for _, w := range []float64{0, 0.1, 0.25, 0.5, 1} {
		r := defaultRanking()
		r.longer = w
		show(fmt.Sprint("typing, longer ", w), r, trim, nil)
	}
}
