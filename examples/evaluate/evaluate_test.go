package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	var keys map[string]float64
	if err := errors.Join(json.Unmarshal(out.Bytes(), &r), json.Unmarshal(out.Bytes(), &keys)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"docs_per_s", "documents", "mrr10", "ndcg10", "p50_ms", "p95_ms", "recall100"}, slices.Sorted(maps.Keys(keys))); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
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

// Collections in forms that differ, with the figures that each has to give.
func TestForms(t *testing.T) {
	three := `{"_id":"a","text":"rockets and the moon"}` + "\n" + `{"_id":"b","text":"boats on the sea"}` + "\n" + `{"_id":"c","text":"trains in the hills"}` + "\n"
	long := strings.Repeat("k", 300)
	for name, c := range map[string]struct {
		corpus, queries, qrels string
		language               string
		want                   report
		told                   string
	}{
		"TREC judgements": {corpus: three, queries: `{"_id":"1","text":"rockets "}`, qrels: "1 0 a 1\n1 0 b 0\n", want: report{Documents: 3, NDCG: 1, Recall: 1, MRR: 1}},
		"TREC with tabs, headings and CRLF": {corpus: strings.ReplaceAll(three, "\n", "\r\n"), queries: "{\"_id\":\"1\",\"text\":\"rockets \"}\r\n",
			qrels: "query\titer\tdoc\trel\r\n1\tQ0\ta\t1\r\n", want: report{Documents: 3, NDCG: 1, Recall: 1, MRR: 1}},
		"headings behind a blank line, tabs at the ends": {corpus: three, queries: `{"_id":1,"text":"sea "}`, qrels: "\nquery-id\tcorpus-id\tscore\t\n1\tb\t3\t\n",
			want: report{Documents: 3, NDCG: 1, Recall: 1, MRR: 1}},
		"no headings, a judgement taken back, an unjudged query, a query without relevant documents, a lost query": {corpus: three,
			queries: `{"_id":"1","text":"rockets sea "}` + "\n" + `{"_id":"2","text":"boats "}` + "\n" + `{"_id":"3","text":"hills "}`,
			qrels:   "1\ta\t1\n1\tb\t2\n1\ta\t0\n3\tc\t-2\n9\ta\t1\n", want: report{Documents: 3, NDCG: 1 / math.Log2(3), Recall: 1, MRR: 0.5}, told: "1 queries have judgements but no relevant document"},
		"relevant documents that are not there": {corpus: three, queries: `{"_id":"1","text":"rockets "}`, qrels: "1\ta\t1\n1\tzz\t1\n",
			want: report{Documents: 3, NDCG: 1 / (1 + 1/math.Log2(3)), Recall: 0.5, MRR: 1}, told: "1 relevant documents are not in the corpus"},
		"an id that comes twice": {corpus: three + `{"_id":"a","text":"balloons in the sky"}`, queries: `{"_id":"1","text":"balloons "}` + "\n" + `{"_id":"1","text":"sea "}`, qrels: "1\ta\t1\n",
			want: report{Documents: 3, NDCG: 1, Recall: 1, MRR: 1}, told: "1 documents that come twice"},
		"a blank question": {corpus: three, queries: `{"_id":"1","text":" "}` + "\n" + `{"_id":"2","text":"sea "}`, qrels: "1\ta\t1\n2\tb\t1\n", want: report{Documents: 3, NDCG: 0.5, Recall: 0.5, MRR: 0.5}},
		"ids with spaces, case and great length; texts that are lists, numbers or missing": {
			corpus:  `{"_id":" A 1 ","text":["rockets","moon"]}` + "\n" + `{"_id":"a 1","title":1984,"text":null}` + "\n" + `{"_id":"` + long + `","text":"sea"}` + "\n" + `{"_id":"` + long + `2"}`,
			queries: `{"_id":"1","text":"rockets "}` + "\n" + `{"_id":2,"text":"1984"}` + "\n" + `{"_id":"` + long + `","text":"sea "}`,
			qrels:   "1\tA 1\t1\n2\ta 1\t1\n" + long + "\t" + long + "\t1\n", want: report{Documents: 4, NDCG: 1, Recall: 1, MRR: 1}},
		"a line of three megabytes": {corpus: three + `{"_id":"d","text":"` + strings.Repeat("words of no importance go on. ", 100_000) + `At last a zeppelin."}`,
			queries: `{"_id":"1","text":"zeppelin "}`, qrels: "1\td\t1\n", want: report{Documents: 4, NDCG: 1, Recall: 1, MRR: 1}},
		"German": {corpus: `{"_id":"a","text":"Die Regierungen der Länder haben gestern über die neuen Häuser in den Städten beraten."}` + "\n" + `{"_id":"b","text":"Der Wald ist im Winter sehr still, und der Schnee liegt auf allen Wegen."}`,
			queries: `{"_id":"1","text":"Haus in der Stadt "}`, qrels: "1\ta\t1\n", want: report{Documents: 2, NDCG: 1, Recall: 1, MRR: 1}},
		"Japanese": {corpus: `{"_id":"a","text":"日本の首都は東京です。人口が多い都市です。"}` + "\n" + `{"_id":"b","text":"猫は魚が好きです。庭で眠っています。"}`,
			queries: `{"_id":"1","text":"東京の人口"}`, qrels: "1\ta\t1\n", want: report{Documents: 2, NDCG: 1, Recall: 1, MRR: 1}},
		"a language that is told": {corpus: `{"_id":"a","text":"Häuser"}`, queries: `{"_id":"1","text":"Haus "}`, qrels: "1\ta\t1\n", language: "de", want: report{Documents: 1, NDCG: 1, Recall: 1, MRR: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := collectionIn(t, map[string]string{"corpus.jsonl": "\ufeff" + c.corpus, "queries.jsonl": "\ufeff" + c.queries, "qrels.tsv": "\ufeff" + c.qrels})
			args := []string{"-db", databasetest.DSN(t, database.SQLite), "-data", dir}
			if c.language != "" {
				args = append(args, "-language", c.language)
			}
			got, told := evaluated(t, args...)
			got.DocumentsPerSecond, got.P50, got.P95 = 0, 0, 0
			if d := cmp.Diff(c.want, got, cmpopts.EquateApprox(0, 1e-9)); d != "" || !strings.Contains(told, c.told) {
				t.Errorf("(-want +got):\n%s told %q", d, told)
			}
		})
	}
}

// The language is that of all texts together, or else of most of them.
func TestTell(t *testing.T) {
	german := "Die Regierungen der Länder haben gestern über die neuen Häuser in den Städten beraten.|Der Wald ist im Winter sehr still, und der Schnee liegt auf allen Wegen.|Wir haben heute keine Zeit, weil die Kinder früh nach Hause kommen."
	for name, c := range map[string]struct{ texts, want string }{
		"German":                               {german, "de"},
		"German with code":                     {german + "|func main() { x := map[string]int{}; for k, v := range x { fmt.Println(k, v) } }", "de"},
		"German, and Dutch that makes it blur": {german + "|De regeringen van de landen hebben gisteren over de nieuwe huizen in de steden gesproken.|Het bos is in de winter erg stil en de sneeuw ligt op alle wegen.", "de"},
		"no language at all":                   {"0x7f3a 0x00ff|+1 555 0100", "en"},
		"nothing":                              {"", "en"},
	} {
		var corpus strings.Builder
		for i, text := range strings.Split(c.texts, "|") {
			fmt.Fprintf(&corpus, "{\"_id\":%d,\"text\":%q}\n", i, text)
		}
		col := &collection{corpus: filepath.Join(collectionIn(t, map[string]string{"corpus.jsonl": corpus.String()}), "corpus.jsonl")}
		if err := col.tell(); err != nil || col.language != c.want {
			t.Errorf("%s: %q, %v", name, col.language, err)
		}
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
		{[]string{"-data", without("queries.jsonl", "")}, 2, "queries.jsonl"},
		{[]string{"-data", good, "-language", "German!"}, 2, "-language"},
		{[]string{"-db", db, "-data", without("corpus.jsonl", `[{"_id": "1"}]`)}, 1, "an object with _id"},
		{[]string{"-db", db, "-data", without("corpus.jsonl", `{"_id": "1", "text": {"en": "x"}}`)}, 1, "a title or text"},
		{[]string{"-db", db, "-data", without("corpus.jsonl", "\n\r\n")}, 1, "no document"},
		{[]string{"-data", without("queries.jsonl", "{\"_id\": 7, \"text\": \"x\"}\n{oops")}, 1, "line 2"},
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
