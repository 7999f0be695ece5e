package benchmarks

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/mapping"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search"
)

// An engine indexes texts in batches and finds the best ten of them.
type engine interface {
	index(b *testing.B, batches [][]text)
	find(b *testing.B, question string) int // the number of hits
}

func must(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// curatore is this module, through its public API: chunks, filters and facets
// included.
type curatore struct {
	db       *database.DB
	scope    content.Scope
	indexer  *search.Indexer
	searcher *search.Searcher
	query    search.Query // besides the text
}

func newCuratore(b testing.TB, kind string) *curatore {
	return newCuratoreOn(b, databasetest.Open(b, kind))
}

func newCuratoreOn(b testing.TB, db *database.DB) *curatore {
	fields := []content.FieldSpec{
		{Name: "key", Kind: content.String, Roles: content.Key},
		{Name: "name", Kind: content.String, Roles: content.Title},
		{Name: "status", Kind: content.String, Roles: content.Facet},
		{Name: "amount", Kind: content.Int, Roles: content.Filterable},
	}
	var types []*content.Type
	for i := range 4 {
		types = append(types, content.DefineDynamic(content.Spec[content.Dynamic]{Name: fmt.Sprintf("type_%d", i), Label: "Type", Group: "desk"}, fields...))
	}
	registry, err := content.NewRegistry(types...)
	must(b, err)
	authority := content.NewAuthority()
	must(b, db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES ('o', 'o', ?)", tx.Dialect().Time(time.Now()))
		return err
	}))
	config := search.Config{DB: db, Authority: authority, Registry: registry}
	return &curatore{db: db, scope: authority.Mint("o", "benchmark"), indexer: search.NewIndexer(config), searcher: search.NewSearcher(config),
		query: search.Query{Limit: 10, Facets: []string{}, Highlight: search.Highlight{Off: true}}}
}

// index does as the import engine does: one batch is prepared while the one
// before it is being stored, and on Postgres merges go on beside both.
func (e *curatore) index(b *testing.B, batches [][]text) {
	ctx := context.Background()
	prepared := make(chan *search.Batch, 1)
	go func() {
		defer close(prepared)
		n := 0
		for _, batch := range batches {
			docs := make([]content.Document, len(batch))
			for i, t := range batch {
				n++
				docs[i] = content.Document{ID: fmt.Sprintf("%08d-0000-7000-8000-000000000000", n), Type: fmt.Sprintf("type_%d", n%4), Group: "desk",
					Title: t.title, Text: t.body, UpdatedAt: time.Unix(int64(n), 0),
					Metadata: map[string]any{"desk": map[string]any{"status": fmt.Sprintf("status %d", n%7), "amount": int64(n * 7919 % 100_000)}}}
			}
			p, err := e.indexer.Prepare(ctx, docs)
			if err != nil {
				b.Error(err)
				return
			}
			prepared <- p
		}
	}()
	merger := search.Merger{Beside: e.db.Dialect().Name() == database.Postgres, Merge: func(ctx context.Context) error { return e.indexer.Merge(ctx, e.scope) }}
	defer merger.Stop()
	for p := range prepared {
		var counts search.Counts
		must(b, e.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			counts, err = e.indexer.PutBatch(ctx, tx, e.scope, p)
			return err
		}))
		merger.Indexed(ctx, counts.Chunks)
	}
	must(b, merger.Finish(ctx))
}

func (e *curatore) find(b *testing.B, question string) int {
	q := e.query
	q.Text = question
	res, err := e.searcher.Search(context.Background(), e.scope, q)
	must(b, err)
	return len(res.Hits)
}

// fts5 is the full-text search of SQLite: words joined by OR, bm25 with the
// title twice.
type fts5 struct{ db *sql.DB }

func newFTS5(b *testing.B) *fts5 {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "fts5.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=mmap_size(268435456)")
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	_, err = db.Exec("CREATE VIRTUAL TABLE d USING fts5(title, body, tokenize = 'porter unicode61')")
	must(b, err)
	return &fts5{db}
}

func (e *fts5) index(b *testing.B, batches [][]text) {
	for _, batch := range batches {
		must(b, e.insert(batch))
	}
}

func (e *fts5) insert(batch []text) error {
	tx, err := e.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.Prepare("INSERT INTO d (title, body) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, t := range batch {
		if _, err := insert.Exec(t.title, t.body); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (e *fts5) find(b *testing.B, question string) int {
	words := strings.Fields(strings.Trim(question, " ?"))
	for i := range words {
		words[i] = `"` + words[i] + `"`
	}
	rows, err := e.db.Query("SELECT rowid FROM d WHERE d MATCH ? ORDER BY bm25(d, 2.0, 1.0) LIMIT 10", strings.Join(words, " OR "))
	must(b, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	must(b, rows.Err())
	return n
}

// bleve2 is bleve with BM25 and its analyzer for English.
type bleve2 struct{ index_ bleve.Index }

func newBleve(b testing.TB) *bleve2 {
	m := bleve.NewIndexMapping()
	m.ScoringModel = "bm25"
	field := bleve.NewTextFieldMapping()
	field.Analyzer, field.Store, field.IncludeTermVectors, field.DocValues, field.IncludeInAll = "en", false, true, false, false
	doc := mapping.NewDocumentStaticMapping()
	doc.AddFieldMappingsAt("title", field)
	doc.AddFieldMappingsAt("body", field)
	m.DefaultMapping = doc
	index, err := bleve.New(filepath.Join(b.TempDir(), "bleve"), m)
	must(b, err)
	b.Cleanup(func() { must(b, index.Close()) })
	return &bleve2{index}
}

func (e *bleve2) index(b *testing.B, batches [][]text) {
	n := 0
	for _, batch := range batches {
		x := e.index_.NewBatch()
		for _, t := range batch {
			n++
			must(b, x.Index(fmt.Sprint(n), map[string]any{"title": t.title, "body": t.body}))
		}
		must(b, e.index_.Batch(x))
	}
}

func (e *bleve2) find(b *testing.B, question string) int {
	title, body := bleve.NewMatchQuery(question), bleve.NewMatchQuery(question)
	title.SetField("title")
	title.SetBoost(2)
	body.SetField("body")
	res, err := e.index_.Search(bleve.NewSearchRequestOptions(bleve.NewDisjunctionQuery(title, body), 10, 0, false))
	must(b, err)
	return len(res.Hits)
}
