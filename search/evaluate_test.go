//go:build !race

package search_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
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

// A collection is documents, and questions of which it is known which documents
// answer them.
type collection struct {
	docs      []content.Document
	questions []entry
	relevant  map[string]map[string]bool // by question and document
}

// An entry is a line of corpus.jsonl or queries.jsonl.
type entry struct {
	ID    string `json:"_id"`
	Title string
	Text  string
}

func (c *collection) add(e entry) {
	c.docs = append(c.docs, content.Document{ID: e.ID, Type: "asset", Group: "assets", Title: e.Title, Text: e.Text})
}

// The Cranfield collection: 1,400 abstracts, 225 questions, and which abstracts
// answer which. Other engines reach .30 (Postgres ts_rank), .373 (bleve), .382
// (FTS5 with OR).
func TestCranfield(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "cranfield")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the collection is not at %s", dir)
	}
	c := &collection{questions: readLines[entry](t, filepath.Join(dir, "queries.jsonl")), relevant: readJudgements(t, filepath.Join(dir, "qrels.tsv"))}
	for _, e := range readLines[entry](t, filepath.Join(dir, "corpus.jsonl")) {
		c.add(e)
	}
	c.evaluate(t, 0.385, 0.73)
}

// The documentation of Go's standard library: the first sentence about something
// has to find the others, which came with the compiler that runs this.
func TestDocumentation(t *testing.T) {
	standardLibrary(t).evaluate(t, 0.5, 0.88)
}

// evaluate measures search by words, which must reach least, and holds that search
// by both is never more than .005 worse than its better arm: with vectors that mean
// nothing, also at the weight of a model that is trusted, and with those of a weak
// model. Both databases must rank alike.
func (c *collection) evaluate(t *testing.T, leastNDCG, leastRecall float64) {
	var rankings []string
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		f := newHybrid(t, db)
		org := f.Organization("acme")
		for batch := range slices.Chunk(c.docs, 500) {
			f.Put(org, batch...)
		}
		ndcg, recall, ranking := c.measure(f, org, search.ModeKeyword)
		t.Logf("%d documents; words: nDCG@10 %.4f, recall@100 %.4f", len(c.docs), ndcg, recall)
		if ndcg < leastNDCG || recall < leastRecall {
			t.Errorf("nDCG@10 %.4f, recall@100 %.4f; want at least %v and %v", ndcg, recall, leastNDCG, leastRecall)
		}
		rankings = append(rankings, ranking)
		for _, m := range []*model{{name: "random", random: true}, {name: "spelling", weak: true}} {
			f.model = m
			f.open(nil)
			f.embed(org)
			near, _, _ := c.measure(f, org, search.ModeVector)
			for _, weight := range []float64{0, 0.5} {
				if weight > 0 && !m.random {
					continue
				}
				f.open(func(c *search.Config) { c.VectorWeight = weight })
				both, _, _ := c.measure(f, org, search.ModeHybrid)
				t.Logf("%s, weight %v: vectors %.4f, both %.4f", m.name, weight, near, both)
				if both < max(near, ndcg)-0.005 {
					t.Errorf("%s, weight %v: %.4f is worse than its better arm, %.4f or %.4f", m.name, weight, both, near, ndcg)
				}
			}
		}
	})
	if len(rankings) == 2 && rankings[0] != rankings[1] {
		t.Error("the two databases rank differently")
	}
}

// measure asks all questions.
func (c *collection) measure(f *hybrid, org content.Scope, mode search.Mode) (ndcg, recall float64, ranking string) {
	var asked float64
	var order strings.Builder
	for _, q := range c.questions {
		judged := c.relevant[q.ID]
		if len(judged) == 0 {
			continue
		}
		asked++
		hits := f.Search(org, search.Query{Text: q.Text, Mode: mode, Limit: 100, Facets: []string{}, Highlight: search.Highlight{Off: true}}).Hits
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
	return ndcg / asked, recall / asked, order.String()
}

// standardLibrary is what some packages say about what they export.
func standardLibrary(t *testing.T) *collection {
	t.Helper()
	c := &collection{relevant: map[string]map[string]bool{}}
	add := func(pkg, name, text string) {
		first := new(doc.Package).Synopsis(text)
		_, rest, _ := strings.Cut(strings.Join(strings.Fields(text), " "), first)
		about := strings.TrimPrefix(first, name[strings.LastIndex(name, ".")+1:]+" ")
		if len(rest) < 150 || len(strings.Fields(about)) < 5 {
			return
		}
		id := pkg + "." + name
		c.add(entry{ID: id, Text: rest})
		if len(c.docs)%3 == 0 { // the others are in the way
			c.questions = append(c.questions, entry{ID: id, Text: about})
			c.relevant[id] = map[string]bool{id: true}
		}
	}
	for _, pkg := range []string{"bufio", "bytes", "compress/gzip", "context", "crypto/tls", "database/sql", "encoding/json", "encoding/xml", "errors", "flag", "fmt", "go/ast", "html/template",
		"image", "io", "io/fs", "log", "math/big", "math/rand", "mime/multipart", "net", "net/http", "net/url", "os", "os/exec", "path/filepath", "reflect", "regexp", "runtime", "sort", "strconv", "strings", "sync", "testing", "text/template", "time"} {
		files := token.NewFileSet()
		dir := filepath.Join(build.Default.GOROOT, "src", pkg)
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s has no Go files, %v", dir, err)
		}
		var parsed []*ast.File
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				f, err := parser.ParseFile(files, name, nil, parser.ParseComments)
				if err != nil {
					t.Fatal(err)
				}
				parsed = append(parsed, f)
			}
		}
		p, err := doc.NewFromFiles(files, parsed, pkg)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		for _, f := range p.Funcs {
			texts[f.Name] = f.Doc
		}
		for _, x := range p.Types {
			texts[x.Name] = x.Doc
			for _, f := range slices.Concat(x.Funcs, x.Methods) {
				texts[strings.TrimPrefix(f.Recv+"."+f.Name, ".")] = f.Doc
			}
		}
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			add(pkg, name, texts[name])
		}
	}
	return c
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
