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
	"github.com/curatore/curatore-go/search/searchtest"
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
		f := searchtest.New(t, db)
		org := f.Organization("cranfield")
		for batch := range slices.Chunk(docs, 500) {
			f.Put(org, batch...)
		}
		var ndcg, recall, asked float64
		var order strings.Builder
		for _, q := range questions {
			judged := relevant[q.ID]
			if len(judged) == 0 {
				continue
			}
			asked++
			hits := f.Search(org, search.Query{Text: q.Text, Limit: 100, Facets: []string{}, Highlight: search.Highlight{Off: true}}).Hits
			var gain, ideal, found float64
			for i, h := range hits {
				order.WriteString(h.ID + " ")
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
		ndcg, recall = ndcg/asked, recall/asked
		t.Logf("nDCG@10 %.4f, recall@100 %.4f over %.0f questions", ndcg, recall, asked)
		if ndcg < 0.385 || recall < 0.73 {
			t.Errorf("nDCG@10 %.4f, recall@100 %.4f; want at least .385 and .73", ndcg, recall)
		}
		rankings = append(rankings, order.String())
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
