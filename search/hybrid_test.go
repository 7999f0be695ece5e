package search_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/searchtest"
	"github.com/curatore/curatore-go/search/vectors"
)

// A model embeds texts by the concepts of their words: words that mean the same
// have the same direction, all others their own.
type model struct {
	name   string
	random bool // vectors have nothing to do with what the texts mean
	weak   bool // vectors know how texts are spelled, which is about as good as a small sentence model

	mu    sync.Mutex
	texts []string // that it was given
	fail  func(texts []string) error
	wrong func(list [][]float32) [][]float32
	older map[string]*model // models that it can reach
}

const (
	dimension = 64
	spellings = 512 // of a weak model
)

var concepts = strings.NewReplacer("automobile", "car", "vehicle", "car", "physician", "doctor", "medic", "doctor", "purchase", "buy")

func (m *model) Model() vectors.Model {
	if m.weak {
		return vectors.Model{Name: m.name, Dimension: spellings}
	}
	return vectors.Model{Name: m.name, Dimension: dimension}
}

func (m *model) WithModel(other vectors.Model) (search.Embedder, error) {
	if o := m.older[other.Name]; o != nil {
		return o, nil
	}
	return nil, errors.New("it is gone")
}

func (m *model) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if m.fail != nil {
		if err := m.fail(texts); err != nil {
			return nil, err
		}
	}
	m.texts = append(m.texts, texts...)
	var list [][]float32
	for _, t := range texts {
		list = append(list, m.vector(t))
	}
	if m.wrong != nil {
		list = m.wrong(list)
	}
	return list, nil
}

func (m *model) vector(text string) []float32 {
	if m.weak {
		return spelling(text)
	}
	sum := make([]float32, dimension)
	sum[0] = 0.01
	if m.random {
		text = strings.Join(strings.Fields(text), "-")
	}
	for _, word := range strings.Fields(concepts.Replace(strings.ToLower(text))) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(m.name + strings.Trim(word, ".,")))
		rnd := rand.New(rand.NewPCG(h.Sum64(), 1))
		for i := range sum {
			sum[i] += float32(rnd.NormFloat64())
		}
	}
	return sum
}

// spelling counts the sequences of three letters in a text.
func spelling(text string) []float32 {
	counts := make([]float32, spellings)
	letters := " " + strings.ToLower(text) + " "
	for i := range len(letters) - 2 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(letters[i : i+3]))
		counts[h.Sum64()%spellings]++
	}
	return counts
}

// A hybrid is a Fixture with vectors.
type hybrid struct {
	*searchtest.Fixture
	model   *model
	vectors search.Vectors
}

func newHybrid(t testing.TB, db *database.DB) *hybrid {
	t.Helper()
	h := &hybrid{Fixture: searchtest.New(t, db), model: &model{name: "concepts"}}
	h.vectors = search.Vectors(flatvec.New(flatvec.Options{}))
	if db.Dialect().Name() == database.Postgres {
		h.vectors = pgvec.New(pgvec.Options{})
	}
	if err := h.vectors.Prepare(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	h.open(nil)
	return h
}

func (h *hybrid) open(change func(*search.Config)) {
	c := search.Config{DB: h.DB, Authority: h.Authority, Registry: h.Registry, Index: h.Index, Vectors: h.vectors, Embedder: h.model, Labels: map[string]string{"crm": "Customers"}}
	if change != nil {
		change(&c)
	}
	h.Indexer, h.Searcher = search.NewIndexer(c), search.NewSearcher(c)
}

func (h *hybrid) embed(scope content.Scope) search.Embedded {
	h.T.Helper()
	n, err := h.Indexer.Embed(context.Background(), scope, nil)
	if err != nil {
		h.T.Fatal(err)
	}
	return n
}

// stored returns the number of vectors of each model.
func (h *hybrid) stored(scope content.Scope) map[string]int {
	h.T.Helper()
	found := map[string]int{}
	err := h.DB.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		organization, err := h.Authority.Organization(scope)
		if err != nil {
			return err
		}
		stats, err := h.vectors.Stats(ctx, tx, organization)
		for _, s := range stats {
			found[s.Model.Name] = s.Vectors
		}
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	return found
}

func onBoth(t *testing.T, test func(t *testing.T, h *hybrid)) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) { test(t, newHybrid(t, db)) })
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

var modes = []search.Mode{search.ModeKeyword, search.ModeVector, search.ModeHybrid}

func TestHybridFindsOtherWords(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		docs := []content.Document{searchtest.Doc(1, "Fleet", "automobile garage"), searchtest.Doc(2, "Clinic", "the physician is in"), searchtest.Doc(3, "Rental", "car rental in town")}
		for i := range 60 {
			docs = append(docs, searchtest.Doc(100+i, fmt.Sprintf("Number %d", i), fmt.Sprintf("filler%d padding%d stuffing%d", i, i*7, i*13)))
		}
		h.Put(org, docs...)
		h.embed(org)
		diff(t, "words alone", []string{"doc003"}, h.IDs(org, search.Query{Text: "car ", Mode: search.ModeKeyword}))
		got := h.IDs(org, search.Query{Text: "car "})
		if len(got) < 2 || got[0] != "doc003" || !slices.Contains(got[:2], "doc001") {
			t.Errorf("both: %v", got)
		}
		diff(t, "nearest", "doc002", h.IDs(org, search.Query{Text: "doctor", Mode: search.ModeVector})[0])
		diff(t, "a phrase has to be there", []string{}, h.IDs(org, search.Query{Text: `"car in the garage"`}))
		none := h.Search(org, search.Query{Text: "car ", MinScore: 0.999, Mode: search.ModeVector})
		diff(t, "nothing is good", []int{0, 0}, []int{none.Total, len(none.Hits)})

		res := h.Search(org, search.Query{Text: "car ", Explain: true, Passages: 2})
		e := res.Hits[0].Explanation
		if e == nil || len(e.Arms) != 2 || e.Arms[0].Arm != search.ModeKeyword || e.Arms[0].Rank != 1 || e.Arms[0].Raw <= 0 || e.Arms[1].Normalized <= 0 || len(e.Terms) == 0 || e.Terms[0].Text != "car" {
			t.Fatalf("explanation %+v", e)
		}
		sum := 0.0
		for _, a := range e.Arms {
			sum += a.Normalized * a.Weight
		}
		if math.Abs(sum-res.Hits[0].Score) > 1e-9 {
			t.Errorf("the parts are %v, the score %v", sum, res.Hits[0].Score)
		}
		diff(t, "passage", "car rental in town", res.Hits[0].Passages[0].Text)
		diff(t, "group label", "Customers", res.Facets["group"][0].Label)
	})
}

// A text is embedded once, what is deleted loses its vector, and an interruption
// is made up for.
func TestEmbedding(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org, other := h.Organization("acme"), h.Organization("other")
		var docs []content.Document
		for i := range 600 {
			docs = append(docs, searchtest.Doc(i, "Same title", fmt.Sprintf("text number %d", i%400)))
		}
		h.Put(org, docs...)
		h.Put(other, searchtest.Doc(1, "Same title", "text number 1"))
		calls := 0
		down := errors.New("the endpoint is down")
		h.model.fail = func([]string) error {
			if calls++; calls == 2 {
				return down
			}
			return nil
		}
		n, err := h.Indexer.Embed(t.Context(), org, nil)
		if !errors.Is(err, down) || n.Chunks == 0 || n.Chunks >= 600 {
			t.Fatalf("interrupted: %+v, %v", n, err)
		}
		done := 0
		rest, err := h.Indexer.Embed(t.Context(), org, func(n int) { done = n })
		if err != nil || rest.Chunks+n.Chunks != 600 || done != rest.Chunks {
			t.Errorf("resumed: %+v and %+v, %d told, %v", n, rest, done, err)
		}
		if len(h.model.texts) != 400 {
			t.Errorf("%d texts were embedded, of 400", len(h.model.texts))
		}
		diff(t, "stored", map[string]int{"concepts": 600}, h.stored(org))
		diff(t, "nothing left", search.Embedded{Model: "concepts/64"}, h.embed(org))
		diff(t, "each organization has its own cache", 1, h.embed(other).Texts)

		h.Delete(org, "crm_account", "doc000", "doc001")
		h.Put(org, searchtest.Doc(2, "Same title", "text number 3"))
		diff(t, "what goes loses its vector", map[string]int{"concepts": 597}, h.stored(org))
		diff(t, "known text", search.Embedded{Chunks: 1, Model: "concepts/64"}, h.embed(org))
		h.Delete(org, "crm_account", "doc002")
		diff(t, "the other keeps its own", map[string]int{"concepts": 1}, h.stored(other))
	})
}

// One bad text, or a model that answers nonsense, spoils nothing else.
func TestEmbeddingOfBadTexts(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		var docs []content.Document
		for i := range 40 {
			docs = append(docs, searchtest.Doc(i, "Title", fmt.Sprintf("text %d", i)))
		}
		docs[7].Text = "poison"
		docs = append(docs, searchtest.Doc(50, "", ""))
		h.Put(org, docs...)
		h.model.fail = func(texts []string) error {
			if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "poison") }) {
				return fmt.Errorf("%w: too long", content.ErrInvalid)
			}
			if slices.Contains(texts, "") {
				t.Error("an empty text")
			}
			return nil
		}
		diff(t, "refused", search.Embedded{Chunks: 40, Texts: 40, Failed: 1, Model: "concepts/64"}, h.embed(org))
		h.model.fail = nil
		for name, wrong := range map[string]func([][]float32) [][]float32{
			"fewer vectors":   func(list [][]float32) [][]float32 { return list[1:] },
			"wrong dimension": func(list [][]float32) [][]float32 { return append([][]float32{{1, 2}}, list[1:]...) },
		} {
			h.model.wrong = wrong
			if n, err := h.Indexer.Embed(t.Context(), org, nil); err == nil || n.Chunks != 0 {
				t.Errorf("%s: %+v, %v", name, n, err)
			}
		}
		h.model.wrong = func(list [][]float32) [][]float32 {
			for i := range list {
				list[i] = slices.Repeat([]float32{float32(math.NaN())}, dimension)
			}
			return list
		}
		if n, err := h.Indexer.Embed(t.Context(), org, nil); err != nil || n.Chunks != 0 || n.Failed != 1 {
			t.Errorf("NaN: %+v, %v", n, err)
		}
		res := h.Search(org, search.Query{Text: "text"})
		if !res.Degraded || res.Total != 39 {
			t.Errorf("a query that became NaN: %d, %v", res.Total, res.DegradedReason)
		}
	})
}

// When the embedder fails, words answer, and say so.
func TestDegraded(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		h.Put(org, randomDocuments(rand.New(rand.NewPCG(9, 1)), 60)...)
		h.embed(org)
		q := search.Query{Text: "cloud migration ", Limit: 5}
		first := h.Search(org, q)
		h.open(nil) // forgets the query
		words := q
		words.Mode = search.ModeKeyword
		want := h.Search(org, words)
		h.model.fail = func([]string) error { return errors.New("no route to host") }
		for _, mode := range []search.Mode{"", search.ModeHybrid, search.ModeVector} {
			q.Mode = mode
			got := h.Search(org, q)
			diff(t, "hits", want.Hits, got.Hits)
			if !got.Degraded || !strings.Contains(got.DegradedReason, "no route to host") {
				t.Errorf("%q: degraded %v: %s", mode, got.Degraded, got.DegradedReason)
			}
			h.model.fail = nil
			next := q
			next.Cursor = got.NextCursor
			second := h.Search(org, next)
			if !second.Degraded || second.Hits[0].Score > got.Hits[4].Score {
				t.Errorf("%q: the second page is of other evidence", mode)
			}
			h.open(nil)
			h.model.fail = func([]string) error { return errors.New("no route to host") }
		}
		q.Mode, q.Cursor = "", first.NextCursor
		if _, err := h.Searcher.Search(t.Context(), org, q); !errors.Is(err, content.ErrBusy) {
			t.Errorf("a page behind one with vectors: %v", err)
		}
		h.open(func(c *search.Config) { c.Embedder, c.Vectors = nil, nil })
		q.Cursor = ""
		if res := h.Search(org, q); res.Degraded {
			t.Errorf("no embedder at all is no failure: %s", res.DegradedReason)
		}
		q.Mode = search.ModeHybrid
		if res := h.Search(org, q); !res.Degraded {
			t.Error("hybrid was asked for")
		}
	})
}

func TestSortHistogramOther(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		var docs []content.Document
		for i := range 30 {
			docs = append(docs, searchtest.With(searchtest.Doc(i, "Title", "cloud"), "crm_account", "crm", map[string]any{"employees": int64(i * 7 % 30), "industry": fmt.Sprint("i", i%10)}))
		}
		h.Put(org, docs...)
		h.embed(org)
		var pages []string
		q := search.Query{Text: "cloud ", Sort: search.Sort{Field: "crm.employees", Descending: true}, Limit: 7, Facets: []string{"crm.industry"}, FacetLimit: 4}
		for {
			res := h.Search(org, q)
			for _, x := range res.Hits {
				pages = append(pages, x.ID)
			}
			diff(t, "facets and other", []int{4, 18, 30}, []int{len(res.Facets["crm.industry"]), res.Other["crm.industry"], res.Total})
			if q.Cursor = res.NextCursor; q.Cursor == "" {
				break
			}
		}
		var want []string
		for e := 29; e >= 0; e-- {
			for i := range 30 {
				if i*7%30 == e {
					want = append(want, fmt.Sprintf("doc%03d", i))
				}
			}
		}
		diff(t, "sorted", want, pages)
	})
}

func TestSimilarAndSuggest(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org, other := h.Organization("acme"), h.Organization("other")
		h.Put(org,
			searchtest.Doc(1, "Cloud migration", "moving servers to the cloud with terraform"),
			searchtest.Doc(2, "Servers", "terraform moves servers into a cloud"),
			searchtest.Doc(3, "Lunch", "sandwiches and soup"),
			searchtest.Doc(4, "Dinner", "soup and servers"),
			searchtest.Doc(5, "More", "nothing at all"), searchtest.Doc(6, "Six", "six"), searchtest.Doc(7, "Seven", "seven"))
		h.Put(other, searchtest.Doc(1, "Secret", "cloudburst terraform"))
		res, err := h.Searcher.Similar(t.Context(), org, "crm_account", "doc001", search.Query{Limit: 1})
		if err != nil || len(res.Hits) != 1 || res.Hits[0].ID != "doc002" || res.NextCursor == "" {
			t.Fatalf("%+v, %v", res, err)
		}
		rest, err := h.Searcher.Similar(t.Context(), org, "crm_account", "doc001", search.Query{Cursor: res.NextCursor})
		if err != nil || len(rest.Hits) != res.Total-1 || slices.ContainsFunc(rest.Hits, func(x search.Hit) bool { return x.ID == "doc001" || x.ID == "doc002" }) {
			t.Errorf("next page: %+v, %v", rest, err)
		}
		for name, id := range map[string]string{"unknown": "doc099", "NUL": "\x00"} {
			if _, err := h.Searcher.Similar(t.Context(), org, "crm_account", id, search.Query{}); !errors.Is(err, content.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := h.Searcher.Similar(t.Context(), org, "crm_account", "doc001", search.Query{Text: "x"}); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("with a text: %v", err)
		}
		few, same := h.Organization("few"), h.Organization("same")
		h.Put(few, searchtest.Doc(1, "Lunch", "soup from the kitchen"), searchtest.Doc(2, "Cloud", "terraform and servers"), searchtest.Doc(3, "Clouds", "servers by terraform"))
		for i := range 30 {
			h.Put(same, searchtest.Doc(i, "Cloud", "terraform and servers"))
		}
		for scope, want := range map[content.Scope]int{few: 1, same: 29} {
			if res, err := h.Searcher.Similar(t.Context(), scope, "crm_account", "doc002", search.Query{}); err != nil || res.Total != want {
				t.Errorf("among few, or among many that are the same: %+v, %v", res, err)
			}
		}
		list, err := h.Searcher.Suggest(t.Context(), org, search.SuggestQuery{Text: "moving clo"})
		if err != nil || len(list) != 1 || list[0].Text != "moving cloud" || list[0].Count != 2 {
			t.Errorf("suggestions %+v, %v", list, err)
		}
		for _, text := range []string{"", " ", "cloud ", "\x00\xff", strings.Repeat("x", 10_000), `"`, "北"} {
			if _, err := h.Searcher.Suggest(t.Context(), org, search.SuggestQuery{Text: text}); err != nil {
				t.Errorf("%.20q: %v", text, err)
			}
		}
	})
}
