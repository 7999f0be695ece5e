package search

import (
	"context"
	"fmt"
	"sync"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// An Indexer keeps the search index in step with the records. What it changes is
// in the caller's transaction, together with the mark that the records are
// indexed. It is safe for concurrent use; changes of one organization wait for
// each other.
type Indexer struct {
	config   Config
	builders sync.Pool
	turns    sync.Map // of Embed, by organization
}

// NewIndexer returns an Indexer. It does not touch the database.
func NewIndexer(c Config) *Indexer {
	return &Indexer{config: c.withDefaults(), builders: sync.Pool{New: func() any { return new(inverted.Builder) }}}
}

// Counts tells what became of some documents.
type Counts struct {
	Indexed  int       // documents
	Chunks   int       // of these documents
	Replaced int       // chunks of earlier versions of these documents
	Failed   []Failure // documents that cannot be indexed; their earlier versions stay
}

// segmentChunks is the number of chunks after which a batch begins a new
// segment.
const segmentChunks = 4096

// A Batch is documents made ready for [Indexer.PutBatch].
type Batch struct {
	documents []prepared
	segments  []*inverted.Segment
	failed    []Failure
}

// Failed returns the documents that cannot be indexed.
func (b *Batch) Failed() []Failure { return b.failed }

// Prepare does the part of indexing that needs no transaction, which is the
// larger one: while one batch is being stored, another goroutine can prepare the
// next. Of two documents with the same type and id the later one counts. The
// error is that of the context only: documents that cannot be indexed are in the
// batch as failures.
func (x *Indexer) Prepare(ctx context.Context, docs []content.Document) (*Batch, error) {
	b := &Batch{}
	last := map[source]int{}
	for i, d := range docs {
		last[source{d.Type, d.ID}] = i
	}
	for i, d := range docs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if last[source{d.Type, d.ID}] != i {
			continue
		}
		p, err := prepare(d)
		if err != nil {
			b.failed = append(b.failed, Failure{d.Type, d.ID, err})
			continue
		}
		b.documents = append(b.documents, p)
	}
	for from := 0; from < len(b.documents); {
		to, chunks := from, 0
		for to < len(b.documents) && (to == from || chunks+len(b.documents[to].chunks) <= segmentChunks) {
			chunks += len(b.documents[to].chunks)
			to++
		}
		s, err := x.build(b.documents[from:to])
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		b.segments = append(b.segments, s)
		from = to
	}
	return b, nil
}

// source names the record that a chunk comes from.
type source struct{ typeName, id string }

func (x *Indexer) build(docs []prepared) (*inverted.Segment, error) {
	builder := x.builders.Get().(*inverted.Builder)
	defer x.builders.Put(builder)
	list := make([]inverted.Document, len(docs))
	for i, d := range docs {
		list[i] = inverted.Document{Title: d.Title, Language: d.Language, Chunks: d.chunks, Values: d.values}
	}
	return builder.Build(list)
}

// Put indexes documents, in place of their earlier versions. A document that
// cannot be indexed is a failure in the counts and does not stop the others; the
// error is of the database, and nothing is to be kept of the transaction then.
func (x *Indexer) Put(ctx context.Context, tx *database.Tx, scope content.Scope, docs []content.Document) (Counts, error) {
	b, err := x.Prepare(ctx, docs)
	if err != nil {
		return Counts{}, err
	}
	return x.PutBatch(ctx, tx, scope, b)
}

// PutBatch is [Indexer.Put] for prepared documents. A transaction that is tried
// again may be given the same batch again.
func (x *Indexer) PutBatch(ctx context.Context, tx *database.Tx, scope content.Scope, b *Batch) (Counts, error) {
	counts := Counts{Failed: b.failed}
	organization, err := x.config.Authority.Organization(scope)
	if err != nil || len(b.documents) == 0 {
		return counts, err
	}
	w, err := x.config.Index.Writer(ctx, tx, organization)
	if err != nil {
		return counts, err
	}
	byType := map[string][]string{}
	for _, d := range b.documents {
		byType[d.Type] = append(byType[d.Type], d.ID)
	}
	for typeName, ids := range byType {
		removed, err := x.remove(ctx, tx, w, organization, typeName, ids)
		if err != nil {
			return counts, err
		}
		counts.Replaced += removed.chunks
	}
	now, from := x.config.Now(), 0
	for _, s := range b.segments {
		first, err := w.Add(ctx, s)
		if err != nil {
			return counts, err
		}
		to, chunks := from, 0
		for chunks < s.Chunks() {
			chunks += len(b.documents[to].chunks)
			to++
		}
		if err := insertChunks(ctx, tx, organization, first, b.documents[from:to], now); err != nil {
			return counts, err
		}
		counts.Indexed += to - from
		counts.Chunks += chunks
		from = to
	}
	return counts, nil
}

// Delete takes records of one type out of the index, given by id. It returns the
// number of them that were in it; the others are ignored.
func (x *Indexer) Delete(ctx context.Context, tx *database.Tx, scope content.Scope, typeName string, ids []string) (int, error) {
	organization, err := x.config.Authority.Organization(scope)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	w, err := x.config.Index.Writer(ctx, tx, organization)
	if err != nil {
		return 0, err
	}
	removed, err := x.remove(ctx, tx, w, organization, typeName, ids)
	return removed.documents, err
}

// Merge keeps the index of an organization fast: call it after some batches and
// at the end of an import. It works in short transactions of its own, so it must
// not be called inside one; see [inverted.Index.Merge].
func (x *Indexer) Merge(ctx context.Context, scope content.Scope) error {
	organization, err := x.config.Authority.Organization(scope)
	if err != nil {
		return err
	}
	if _, err := x.config.Index.Merge(ctx, x.config.DB, organization); err != nil {
		return fmt.Errorf("merge the search index: %w", err)
	}
	return nil
}
