package connectortest

import (
	"context"
	"sync/atomic"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/vectors"
)

func (x *suite) counts() {
	seen := int64(0)
	for name, c := range x.undisturbed.result.Streams {
		seen += c.Seen
		if c.Seen != c.Created+c.Updated+c.Unchanged+c.Duplicates+c.Failed {
			x.t.Errorf("%s: the counts do not add up to seen: %+v", name, *c)
		}
	}
	if seen == 0 {
		x.t.Error("the source has no records, so nothing is tested")
	}
}

func (x *suite) again() {
	x.round(nil)
	model := &counting{}
	x.Engine.Index = x.embedding(model)
	defer func() { x.Engine.Index = search.NewIndexer(x.search) }()
	x.must(x.Task(), x.files(), x.Options) // has embedded what is there
	before, puts, texts := x.rows(), x.objects.puts.Load(), model.texts.Load()
	result := x.must(x.Task(), x.files(), x.Options)
	for name, c := range result.Streams {
		if c.Created+c.Updated+c.Deleted+c.Indexed > 0 {
			x.t.Errorf("%s: the same import again has changed something: %+v", name, *c)
		}
	}
	if diff := cmp.Diff(before, x.rows()); diff != "" {
		x.t.Error("the same import again has written:", diff)
	}
	if n := x.objects.puts.Load() - puts; n > 0 {
		x.t.Errorf("the same import again has stored %d objects", n)
	}
	if n := model.texts.Load() - texts; n > 0 || texts == 0 {
		x.t.Errorf("the same import again had %d texts embedded, after %d", n, texts)
	}
}

// counting is a model that counts the texts that it is given.
type counting struct{ texts atomic.Int64 }

func (*counting) Model() vectors.Model { return vectors.Model{Name: "counting", Dimension: 4} }

func (c *counting) Embed(_ context.Context, texts []string) ([][]float32, error) {
	c.texts.Add(int64(len(texts)))
	all := make([][]float32, len(texts))
	for i, t := range texts {
		all[i] = []float32{1, float32(len(t) % 7), float32(len(t) % 3), 1}
	}
	return all, nil
}

// embedding makes an indexer that has chunks embedded.
func (w *Workshop) embedding(model search.Embedder) *search.Indexer {
	w.t.Helper()
	config := w.search
	config.Embedder, config.Vectors = model, flatvec.New(flatvec.Options{})
	if w.DB.Dialect().Name() == database.Postgres {
		config.Vectors = pgvec.New(pgvec.Options{})
	}
	if err := config.Vectors.Prepare(context.Background(), w.DB); err != nil {
		w.t.Fatal(err)
	}
	return search.NewIndexer(config)
}
