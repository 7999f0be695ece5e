package connectors

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// indexBatch is how many records one transaction indexes, and mergeEvery how
// many batches go by between merges, which keep the number of segments bounded
// during a long import.
const (
	indexBatch = 2000
	mergeEvery = 20
)

// A prepared batch of records to be indexed.
type prepared struct {
	rows  []content.Row
	batch *search.Batch
	err   error
}

// indexDocuments indexes the documents of a batch in its transaction, and
// returns the ids of the records that are indexed. The others stay queued; the
// end of the run tries them again, and tells.
func (im *importing) indexDocuments(ctx context.Context, tx *database.Tx, documents []content.Document, counts *Counts) (map[string]bool, error) {
	batch, err := im.Index.Prepare(ctx, documents)
	if err != nil {
		return nil, err
	}
	n, err := im.Index.PutBatch(ctx, tx, im.scope, batch)
	if err != nil {
		return nil, err
	}
	indexed := make(map[string]bool, len(documents))
	for _, d := range documents {
		indexed[d.ID] = true
	}
	for _, f := range n.Failed {
		delete(indexed, f.ID)
	}
	counts.Indexed += int64(len(indexed))
	return indexed, nil
}

// mergeSometimes merges the index after some batches.
func (im *importing) mergeSometimes(ctx context.Context) error {
	if im.Index == nil || im.options.DryRun || im.state.Batch%mergeEvery != 0 {
		return nil
	}
	if err := im.Index.Merge(ctx, im.scope); err != nil {
		return fmt.Errorf("merge the index: %w", err)
	}
	return nil
}

// index indexes the records of the connection that still wait for it: those that
// an earlier run left, or could not index. A record that cannot be indexed stays
// queued, is counted, and does not fail the run.
func (im *importing) index(ctx context.Context) error {
	var done, batches int64
	for _, c := range im.result.Streams {
		done += c.Indexed
	}
	im.task.Progress(PhaseIndexing, done, 0)
	for _, typ := range im.c.spec.Types {
		counts := im.result.counts(typ.Name())
		if err := im.prepare(ctx, typ, func(ctx context.Context, p prepared) error {
			failed, err := im.indexRows(ctx, typ, p)
			if err != nil {
				return fmt.Errorf("index %s: %w", typ.Name(), err)
			}
			indexed := int64(len(p.rows) - failed)
			counts.Indexed += indexed
			counts.IndexFailed += int64(failed)
			done += indexed
			im.task.Progress(PhaseIndexing, done, 0)
			if batches++; batches%mergeEvery == 0 {
				return im.Index.Merge(ctx, im.scope)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if done == 0 {
		return nil
	}
	if err := im.Index.Merge(ctx, im.scope); err != nil {
		return fmt.Errorf("merge the index: %w", err)
	}
	im.task.Info(jobs.EventIndexing, fmt.Sprintf("%d records indexed", done), map[string]any{"count": done})
	return nil
}

// prepare reads the queue of a type and gives it on in batches; the next one is
// read and analysed while one is being written.
func (im *importing) prepare(ctx context.Context, typ *content.Type, do func(context.Context, prepared) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan prepared, 1)
	go func() {
		defer close(batches)
		for after := ""; ; {
			p := prepared{}
			p.rows, p.err = im.Store.Pending(ctx, im.scope, typ, after, indexBatch)
			if p.err == nil && len(p.rows) == 0 {
				return
			}
			if p.err == nil {
				after = content.RecordOf(p.rows[len(p.rows)-1]).ID
				documents := make([]content.Document, len(p.rows))
				for i, row := range p.rows {
					documents[i] = typ.Document(row)
				}
				p.batch, p.err = im.Index.Prepare(ctx, documents)
			}
			select {
			case batches <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil {
				return
			}
		}
	}()
	var failure error
	for p := range batches {
		if failure != nil {
			continue // the reader ends
		}
		if failure = p.err; failure == nil {
			failure = do(ctx, p)
		}
		if failure != nil {
			stop()
		}
	}
	if failure == nil {
		failure = context.Cause(ctx)
	}
	return failure
}

// indexRows writes the chunks of a batch and takes it off the queue, in one
// transaction.
func (im *importing) indexRows(ctx context.Context, typ *content.Type, p prepared) (failed int, err error) {
	err = im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := im.Index.PutBatch(ctx, tx, im.scope, p.batch)
		if err != nil {
			return err
		}
		indexed := p.rows
		if failed = len(n.Failed); failed > 0 {
			bad := map[string]bool{}
			for _, f := range n.Failed {
				bad[f.ID] = true
				im.task.Warn(jobs.EventIndexing, fmt.Sprintf("%s %s cannot be indexed and stays queued: %v", typ.Name(), f.ID, f.Err), nil)
			}
			indexed = nil
			for _, row := range p.rows {
				if !bad[content.RecordOf(row).ID] {
					indexed = append(indexed, row)
				}
			}
		}
		return im.Store.SetIndexed(ctx, tx, im.scope, typ, indexed)
	})
	return failed, err
}
