package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// collectionIn writes the files of a collection.
func collectionIn(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Everything odd that collections have: ids that are numbers, titles that are
// missing, null or empty, long texts, NUL, HTML, a question that is a document.
var odd = map[string]string{
	"corpus.jsonl": "\ufeff" + `{"_id": 1, "title": null, "text": "rockets fly to the moon", "metadata": {"url": "x"}}
{"_id": "b-2", "text": "boats sail over the sea\u0000 <script>"}

{"_id": "c", "title": "Bicycles", "text": ""}
{"_id": "d", "title": "", "text": "` + strings.Repeat("A long text about trains. ", 3000) + `and one airship."}
{"_id": "e", "title": "Argument", "text": "why do rockets fly"}`,
	"queries.jsonl": `{"_id": 7, "text": "rockets"}
{"_id": "8", "text": "airship"}
{"_id": "9", "text": "not judged"}
{"_id": "e", "text": "why do rockets fly"}
`,
	"qrels.tsv": "query-id\tcorpus-id\tscore\r\n7\t1\t2\r\n7\tb-2\t0\r\n7\te\t1\r\n8\td\t1.0\r\n8\tc\t-1\r\n8\tb-2\tperhaps\r\ne\t1\t1\r\n",
}

func evaluated(t *testing.T, args ...string) (r report, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run(t.Context(), append(args, "-json"), &out, &errs); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r, errs.String()
}

func TestEvaluate(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn, dir := databasetest.DSN(t, kind), collectionIn(t, odd)
			for range 2 { // a database that has been used
				r, stderr := evaluated(t, "-db", dsn, "-data", dir)
				if r.Documents != 5 || r.DocumentsPerSecond <= 0 || r.Recall != 1 || r.MRR != 1 || r.NDCG < 0.85 || r.P50 <= 0 || r.P95 < r.P50 {
					t.Errorf("%+v", r)
				}
				if !strings.Contains(stderr, "1 grades") {
					t.Errorf("told %q", stderr)
				}
			}
			other := collectionIn(t, map[string]string{"corpus.jsonl": `{"_id":"x","text":"rockets"}`, "queries.jsonl": `{"_id":"q","text":"rockets"}`, "qrels/test.tsv": "q 0 x 1"})
			if r, _ := evaluated(t, "-db", dsn, "-data", other); r.Documents != 1 || r.NDCG != 1 {
				t.Errorf("another collection in the same database: %+v", r)
			}
		})
	}
}

// embeddings is an endpoint whose vectors are made of the words of a text.
func embeddings(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct{ Input []string }
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			t.Error(err)
		}
		var data []string
		for i, text := range req.Input {
			var v [16]float64
			v[0] = 0.1
			for _, word := range strings.Fields(text) {
				h := fnv.New32a()
				_, _ = h.Write([]byte(word))
				v[h.Sum32()%16]++
			}
			values, _ := json.Marshal(v)
			data = append(data, fmt.Sprintf(`{"index":%d,"embedding":%s}`, i, values))
		}
		fmt.Fprintf(w, `{"data":[%s],"model":"m"}`, strings.Join(data, ","))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func TestEvaluateWithVectors(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn, dir, url := databasetest.DSN(t, kind), collectionIn(t, odd), embeddings(t)
			for _, mode := range []string{"hybrid", "vector"} {
				r, _ := evaluated(t, "-db", dsn, "-data", dir, "-mode", mode, "-embed-url", url, "-embed-model", "m")
				if r.Documents != 5 || r.Recall != 1 {
					t.Errorf("%s: %+v", mode, r)
				}
			}
		})
	}
}

func TestText(t *testing.T) {
	var out bytes.Buffer
	if err := (report{Documents: 3, NDCG: 0.5, P95: 1.5}).write(&out, false); err != nil || !strings.Contains(out.String(), "nDCG@10     0.5000") || !strings.Contains(out.String(), "p95         1.50 ms") {
		t.Errorf("%s, %v", &out, err)
	}
}

func TestScore(t *testing.T) {
	ideal := 2 + 1/math.Log2(3)
	for _, c := range []struct {
		found string
		want  [3]float64
	}{
		{"a b", [3]float64{1, 1, 1}},
		{"b a", [3]float64{(1 + 2/math.Log2(3)) / ideal, 1, 1}},
		{"x a", [3]float64{2 / math.Log2(3) / ideal, 0.5, 0.5}},
		{"x x x x x x x x x x a", [3]float64{0, 0.5, 0}},
		{"", [3]float64{}},
	} {
		ndcg, recall, mrr := score(strings.Fields(c.found), map[string]float64{"a": 2, "b": 1})
		for i, got := range [3]float64{ndcg, recall, mrr} {
			if math.Abs(got-c.want[i]) > 1e-12 {
				t.Errorf("%q: %v", c.found, [3]float64{ndcg, recall, mrr})
				break
			}
		}
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(i+1)*time.Millisecond)
	}
	if d := cmp.Diff([]float64{50, 95, 1}, []float64{percentile(times, 50), percentile(times, 95), percentile(times[:1], 95)}); d != "" {
		t.Error(d)
	}
}

func TestWrong(t *testing.T) {
	good := collectionIn(t, odd)
	without := func(name, text string) string {
		files := map[string]string{}
		for k, v := range odd {
			files[k] = v
		}
		delete(files, name)
		if text != "" {
			files[name] = text
		}
		return collectionIn(t, files)
	}
	db := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "-data"},
		{[]string{"-data", good, "rest"}, 2, "rest"},
		{[]string{"-data", good, "-db", "mysql:x"}, 2, "mysql"},
		{[]string{"-data", good, "-mode", "magic"}, 2, "magic"},
		{[]string{"-data", good, "-mode", "hybrid"}, 2, "-embed-model"},
		{[]string{"-nonsense"}, 2, "nonsense"},
		{[]string{"-data", "/nowhere"}, 2, "/nowhere"},
		{[]string{"-data", without("qrels.tsv", "")}, 2, "qrels.tsv"},
		{[]string{"-data", without("queries.jsonl", "")}, 1, "queries.jsonl"},
		{[]string{"-data", without("qrels.tsv", "7\t1")}, 1, "line 1"},
		{[]string{"-data", without("qrels.tsv", "no\tsuch\t1")}, 1, "no query"},
		{[]string{"-db", db, "-data", without("corpus.jsonl", `{"_id": {}}`)}, 1, "line 1"},
		{[]string{"-db", db, "-data", without("corpus.jsonl", `{"text": "x"}`)}, 1, "_id"},
	} {
		err := run(t.Context(), c.args, io.Discard, io.Discard)
		var told bytes.Buffer
		if status := exitStatus(err, &told); status != c.status || !strings.Contains(told.String(), c.want) || strings.Count(told.String(), "\n") != 1 {
			t.Errorf("%v: status %d, %q", c.args, status, &told)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) || exitStatus(err, io.Discard) != 0 {
		t.Errorf("help: %v", err)
	}
}
