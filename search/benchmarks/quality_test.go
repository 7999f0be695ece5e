package benchmarks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
)

// The answers to the questions of a collection must not be worse than those of
// bleve with BM25 and its analyzer for English. The collections are Cranfield and
// the folders, in the form of BEIR, that CURATORE_TEST_COLLECTIONS lists.
func TestQualityAgainstBleve(t *testing.T) {
	cranfield := filepath.Join("..", "..", "..", "shared", "data", "cranfield")
	for i, dir := range append([]string{cranfield}, filepath.SplitList(os.Getenv("CURATORE_TEST_COLLECTIONS"))...) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && i == 0 {
				t.Skipf("the collection is not at %s", dir)
			}
			least := 0.0
			if i == 0 {
				least = 0.385
			}
			againstBleve(t, dir, least)
		})
	}
}

// againstBleve measures a collection on both databases and beside bleve.
func againstBleve(t *testing.T, dir string, least float64) {
	type line struct {
		ID    string `json:"_id"`
		Title string
		Text  string
	}
	corpus, questions := readLines[line](t, filepath.Join(dir, "corpus.jsonl")), readLines[line](t, filepath.Join(dir, "queries.jsonl"))
	relevant := readJudgements(t, filepath.Join(dir, "qrels.tsv"))
	ndcg := func(ask func(question string) []string) float64 {
		sum, asked := 0.0, 0.0
		for _, q := range questions {
			judged := relevant[q.ID]
			if len(judged) == 0 {
				continue
			}
			gain, ideal := 0.0, 0.0
			for i, id := range ask(q.Text) {
				if judged[id] {
					gain += 1 / math.Log2(float64(i)+2)
				}
			}
			for i := range min(10, len(judged)) {
				ideal += 1 / math.Log2(float64(i)+2)
			}
			sum, asked = sum+gain/ideal, asked+1
		}
		return sum / asked
	}

	peer := newBleve(t)
	batch := peer.index_.NewBatch()
	for _, d := range corpus {
		must(t, batch.Index(d.ID, map[string]any{"title": d.Title, "body": d.Text}))
	}
	must(t, peer.index_.Batch(batch))
	theirs := ndcg(func(question string) (ids []string) {
		title, body := bleve.NewMatchQuery(question), bleve.NewMatchQuery(question)
		title.SetField("title")
		title.SetBoost(2)
		body.SetField("body")
		res, err := peer.index_.Search(bleve.NewSearchRequestOptions(bleve.NewDisjunctionQuery(title, body), 10, 0, false))
		must(t, err)
		for _, h := range res.Hits {
			ids = append(ids, h.ID)
		}
		return ids
	})
	for _, kind := range []string{database.SQLite, database.Postgres} {
		e := newCuratore(t, kind)
		docs := make([]content.Document, len(corpus))
		for i, d := range corpus {
			docs[i] = content.Document{ID: d.ID, Type: "type_1", Group: "desk", Title: d.Title, Text: d.Text, UpdatedAt: time.Unix(int64(i), 0)}
		}
		must(t, e.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			_, err := e.indexer.Put(ctx, tx, e.scope, docs)
			return err
		}))
		ours := ndcg(func(question string) (ids []string) {
			res, err := e.searcher.Search(context.Background(), e.scope, search.Query{Text: question, Limit: 10, Facets: []string{}, Highlight: search.Highlight{Off: true}})
			must(t, err)
			for _, h := range res.Hits {
				ids = append(ids, h.ID)
			}
			return ids
		})
		t.Logf("nDCG@10 on %s %.4f, of bleve %.4f", kind, ours, theirs)
		if ours < max(theirs, least) {
			t.Errorf("nDCG@10 on %s is %.4f; want at least %.3f and that of bleve, %.4f", kind, ours, least, theirs)
		}
	}
}

func readLines[T any](t *testing.T, path string) (list []T) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var v T
		must(t, json.Unmarshal(lines.Bytes(), &v))
		list = append(list, v)
	}
	must(t, lines.Err())
	return list
}

// readJudgements reads which documents answer which question.
func readJudgements(t *testing.T, path string) map[string]map[string]bool {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
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
