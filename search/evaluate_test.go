//go:build !race

package search_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search"
)

// The Cranfield collection: 1,400 abstracts, 225 questions, and which abstracts
// answer which. Other engines reach .30 (Postgres ts_rank), .373 (bleve), .382
// (FTS5 with OR).
func TestCranfield(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "cranfield")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the collection is not at %s", dir)
	}
	type text struct {
		ID    string `json:"_id"`
		Title string
		Text  string
	}
	var docs []content.Document
	for _, r := range readLines[text](t, filepath.Join(dir, "corpus.jsonl")) {
		docs = append(docs, content.Document{ID: r.ID, Type: "asset", Group: "assets", Title: r.Title, Text: r.Text})
	}
	questions := readLines[text](t, filepath.Join(dir, "queries.jsonl"))
	relevant := readJudgements(t, filepath.Join(dir, "qrels.tsv"))

	var rankings []string
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		f := newHybrid(t, db)
		org := f.Organization("cranfield")
		for batch := range slices.Chunk(docs, 500) {
			f.Put(org, batch...)
		}
		measure := func(mode search.Mode, weight float64) (ndcg, recall float64, order string) {
			f.open(func(c *search.Config) { c.VectorWeight = weight })
			var asked float64
			var ranking strings.Builder
			for _, q := range questions {
				judged := relevant[q.ID]
				if len(judged) == 0 {
					continue
				}
				asked++
				hits := f.Search(org, search.Query{Text: q.Text, Mode: mode, Limit: 100, Facets: []string{}, Highlight: search.Highlight{Off: true}}).Hits
				var gain, ideal, found float64
				for i, h := range hits {
					ranking.WriteString(h.ID + " ")
					if judged[h.ID] {
						found++
						if i < 10 {
							gain += 1 / math.Log2(float64(i)+2)
						}
					}
				}
				for i := range min(10, len(judged)) {
					ideal += 1 / math.Log2(float64(i)+2)
				}
				ndcg += gain / ideal
				recall += found / float64(len(judged))
			}
			return ndcg / asked, recall / asked, ranking.String()
		}
		ndcg, recall, order := measure(search.ModeKeyword, 0)
		t.Logf("words: nDCG@10 %.4f, recall@100 %.4f", ndcg, recall)
		if ndcg < 0.385 || recall < 0.73 {
			t.Errorf("nDCG@10 %.4f, recall@100 %.4f; want at least .385 and .73", ndcg, recall)
		}
		rankings = append(rankings, order)

		// Vectors that mean nothing, at the weight of a model that is trusted, and
		// vectors that know little more than the words.
		for _, m := range []*model{{name: "random", random: true}, {name: "bag of words"}} {
			f.model = m
			f.open(nil)
			f.embed(org)
			for _, weight := range []float64{0, 0.5} {
				vector, _, _ := measure(search.ModeVector, weight)
				both, _, _ := measure(search.ModeHybrid, weight)
				t.Logf("%s, weight %v: vectors %.4f, both %.4f", m.name, weight, vector, both)
				if both < max(vector, ndcg)-0.005 && (weight == 0 || m.random) {
					t.Errorf("%s, weight %v: %.4f is worse than its better arm, %.4f or %.4f", m.name, weight, both, vector, ndcg)
				}
			}
		}
	})
	if len(rankings) == 2 && rankings[0] != rankings[1] {
		t.Error("the two databases rank differently")
	}
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		list = append(list, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// readJudgements reads "query document score" and returns the documents with a
// positive score by query.
func readJudgements(t *testing.T, path string) map[string]map[string]bool {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	relevant := map[string]map[string]bool{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] == "0" || f[2] == "score" {
			continue
		}
		if relevant[f[0]] == nil {
			relevant[f[0]] = map[string]bool{}
		}
		relevant[f[0]][f[1]] = true
	}
	return relevant
}
