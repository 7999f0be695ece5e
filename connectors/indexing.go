package connectors

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// indexBatch is how many records one transaction indexes at the end of a run.
const indexBatch = 2000

// indexAttempts is how often a batch is prepared anew because another import
// changes its records meanwhile. What is left then stays queued.
const indexAttempts = 5

// A prepared batch of records to be indexed.
type prepared struct {
	after string        // the id before them
	rows  []content.Row // as they were read
	batch *search.Batch
	gone  map[string][]string // records that are not to be found
	fail  []search.Failure    // those that no document could be made of
	err   error               // why there is no batch
}

// indexes reports whether this import indexes what it writes.
func (im *importing) indexes() bool {
	return im.Index != nil && !im.IndexLater && !im.options.DryRun
}

// lockIndex makes transactions that change the index of an organization follow
// each other from their beginning. The index has a lock of its own, but some
// transactions come to it before they lock records, and some after.
func (im *importing) lockIndex(ctx context.Context, tx *database.Tx) error {
	if im.Index == nil || im.options.DryRun {
		return nil
	}
	return tx.Lock(ctx, "index "+im.organization)
}

// An indexError is why a batch could not be indexed.
type indexError struct{ err error }

func (e *indexError) Error() string { return e.err.Error() }
func (e *indexError) Unwrap() error { return e.err }

// indexDocuments prepares the documents of a batch while its records are being
// written; what it returns indexes them in their transaction, and tells which
// could not be. These stay queued; the end of the run tries them again, and
// tells.
func (im *importing) indexDocuments(ctx context.Context, tx *database.Tx, documents []content.Document, counts *Counts) func(context.Context) ([]string, error) {
	documents, later := im.withTheirText(documents)
	documents, unlisted := split(documents)
	var batch *search.Batch
	var failure error
	var preparing sync.WaitGroup
	preparing.Go(func() {
		defer func() { failure = errors.Join(failure, im.panicked(recover(), "indexing")) }()
		batch, failure = im.Index.Prepare(ctx, documents)
	})
	return func(ctx context.Context) (unindexed []string, err error) {
		defer func() {
			if err = errors.Join(err, im.panicked(recover(), "indexing")); err != nil {
				err = &indexError{err}
			}
		}()
		if preparing.Wait(); failure != nil {
			return nil, failure
		}
		n, err := im.Index.PutBatch(ctx, tx, im.scope, batch)
		if err != nil {
			return nil, err
		}
		if err := im.unlist(ctx, tx, unlisted); err != nil {
			return nil, err
		}
		indexed := int64(len(documents) - len(n.Failed))
		counts.Indexed += indexed
		im.unmerged += n.Chunks
		unindexed = later
		for _, f := range n.Failed {
			unindexed = append(unindexed, f.ID)
		}
		return unindexed, nil
	}
}

// split sets aside, as ids by type, the records that are not to be found.
func split(documents []content.Document) (listed []content.Document, unlisted map[string][]string) {
	if !slices.ContainsFunc(documents, func(d content.Document) bool { return d.Unlisted }) {
		return documents, nil
	}
	unlisted = map[string][]string{}
	for _, d := range documents {
		if d.Unlisted {
			unlisted[d.Type] = append(unlisted[d.Type], d.ID)
		} else {
			listed = append(listed, d)
		}
	}
	return listed, unlisted
}

// unlist takes out of the index what was found before.
func (im *importing) unlist(ctx context.Context, tx *database.Tx, ids map[string][]string) error {
	for name, ids := range ids {
		if _, err := im.Index.Delete(ctx, tx, im.scope, name, ids); err != nil {
			return err
		}
	}
	return nil
}

// mergeSometimes begins to merge the index after some batches. It is called when
// a batch is committed.
func (im *importing) mergeSometimes(ctx context.Context) {
	im.merger.Indexed(ctx, im.unmerged)
	im.unmerged = 0
}

// index indexes the records of the connection that still wait for it: those that
// an earlier run left, or could not index. A record that cannot be indexed stays
// queued, is counted, and does not fail the run.
func (im *importing) index(ctx context.Context) error {
	if !im.indexes() {
		return nil
	}
	var done, failures int64
	for _, c := range im.result.Streams {
		done += c.Indexed
		c.IndexFailed = 0 // of an attempt that was interrupted; these are tried again
	}
	im.task.Progress(PhaseIndexing, done, 0)
	outer := ctx
	for _, typ := range im.c.spec.Types {
		if err := im.prepareAll(ctx, typ, func(ctx context.Context, p prepared) error {
			failed, err := im.indexRows(ctx, typ, p)
			if err != nil {
				return fmt.Errorf("index %s: %w", typ.Name(), err)
			}
			indexed := int64(len(p.rows) - failed)
			im.result.counts(typ.Name()).IndexFailed += int64(failed)
			done, failures = done+indexed, failures+int64(failed)
			im.task.Progress(PhaseIndexing, done, 0)
			im.mergeSometimes(outer)
			return nil
		}); err != nil {
			return err
		}
	}
	if done+failures == 0 {
		return nil
	}
	if err := im.merge(ctx); err != nil {
		return err
	}
	message := fmt.Sprintf("%d records indexed", done)
	if done == 1 {
		message = "1 record indexed"
	}
	if failures > 0 {
		message += fmt.Sprintf(", %d stay queued", failures)
	}
	im.task.Info(jobs.EventIndexing, message, map[string]any{"count": done, "failed": failures})
	return nil
}

// mergeIndex is one merge, also beside the batches.
func (im *importing) mergeIndex(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, im.panicked(recover(), "merging")) }()
	return im.Index.Merge(ctx, im.scope)
}

// merge keeps the index fast. A later import makes up for a merge that failed.
func (im *importing) merge(ctx context.Context) error {
	err := im.merger.Finish(ctx)
	if err == nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	im.task.Warn(jobs.EventIndexing, fmt.Sprintf("the index could not be merged: %v", err), nil)
	return nil
}

// prepareAll reads the queue of a type and gives it on in batches; the next one
// is read and analysed while one is being written.
func (im *importing) prepareAll(ctx context.Context, typ *content.Type, do func(context.Context, prepared) error) error {
	outer := ctx
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type item struct {
		p   prepared
		err error
	}
	batches := make(chan item, 1)
	go func() {
		defer close(batches)
		for after := ""; ; {
			p, err := im.prepare(ctx, typ, after, "")
			if err == nil && len(p.rows) == 0 {
				return
			}
			select {
			case batches <- item{p, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			after = content.RecordOf(p.rows[len(p.rows)-1]).ID
		}
	}()
	var failure error
	for b := range batches {
		if failure != nil {
			continue // the reader ends
		}
		if failure = b.err; failure == nil {
			failure = do(ctx, b.p)
		}
		if failure != nil {
			stop()
		}
	}
	if failure == nil {
		failure = context.Cause(outer)
	}
	return failure
}

// prepare reads the queue behind an id, up to another one, and makes a batch of
// it. Its error is one of the database or the context.
func (im *importing) prepare(ctx context.Context, typ *content.Type, after, last string) (p prepared, err error) {
	p.after = after
	if p.rows, err = im.Store.Pending(ctx, im.scope, typ, after, indexBatch); err != nil {
		return p, err
	}
	if last != "" {
		p.rows = slices.DeleteFunc(p.rows, func(row content.Row) bool { return content.RecordOf(row).ID > last })
	}
	if len(p.rows) == 0 {
		return p, nil
	}
	documents := make([]content.Document, 0, len(p.rows))
	for _, row := range p.rows {
		d, err := im.documentOf(ctx, typ, row)
		if err != nil {
			p.fail = append(p.fail, search.Failure{Type: typ.Name(), ID: content.RecordOf(row).ID, Err: err})
			continue
		}
		documents = append(documents, d)
	}
	defer func() {
		if v := recover(); v != nil {
			p.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	documents, p.gone = split(documents)
	if p.batch, p.err = im.Index.Prepare(ctx, documents); p.err == nil {
		p.fail = append(p.fail, p.batch.Failed()...)
	}
	return p, context.Cause(ctx)
}

// documentOf calls the type's function, which is the program's own, and adds a
// text that stands in an object.
func (im *importing) documentOf(ctx context.Context, typ *content.Type, row content.Row) (d content.Document, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its Document panicked: %v", v)
		}
	}()
	d = typ.Document(row)
	if !im.textElsewhere(typ) {
		return d, nil
	}
	text, err := im.Text(ctx, im.scope, typ, row)
	d.Text = strings.TrimSpace(d.Text + "\n\n" + text)
	return d, err
}

// textElsewhere reports whether a type's text stands in an object, which is read
// when no transaction is open.
func (im *importing) textElsewhere(typ *content.Type) bool {
	source, _ := typ.TextSource()
	return source == content.TextObject && im.Text != nil
}

// withTheirText sets aside, as ids, the documents whose text stands elsewhere:
// their records stay queued until the end of the run.
func (im *importing) withTheirText(documents []content.Document) (ready []content.Document, later []string) {
	if im.Text == nil {
		return documents, nil
	}
	for _, d := range documents {
		if typ, known := im.Store.Registry().Type(d.Type); known && im.textElsewhere(typ) {
			later = append(later, d.ID)
		} else {
			ready = append(ready, d)
		}
	}
	return ready, later
}

// indexRows writes the chunks of a batch and takes it off the queue, in one
// transaction. It returns how many records stay queued.
func (im *importing) indexRows(ctx context.Context, typ *content.Type, p prepared) (failed int, err error) {
	all := len(p.rows)
	last := content.RecordOf(p.rows[all-1]).ID
	for attempt := 1; ; attempt++ {
		if err = p.err; err == nil {
			err = im.commitIndexed(ctx, typ, p)
		}
		if err == nil {
			for _, f := range p.fail {
				if im.warned++; im.warned > maxListed {
					break
				}
				im.task.Warn(jobs.EventIndexing, fmt.Sprintf("%s %s cannot be indexed and stays queued: %v", f.Type, f.ID, f.Err), nil)
			}
			return len(p.fail), nil
		}
		if fatal(ctx, err) {
			return all, err
		}
		if !errors.Is(err, content.ErrConflict) || attempt == indexAttempts {
			im.task.Warn(jobs.EventIndexing, fmt.Sprintf("%d records of %s could not be indexed and stay queued: %v", all, typ.Name(), err), nil)
			return all, nil
		}
		if p, err = im.prepare(ctx, typ, p.after, last); err != nil {
			return all, err
		}
		if len(p.rows) == 0 { // another import has done it
			return 0, nil
		}
	}
}

func (im *importing) commitIndexed(ctx context.Context, typ *content.Type, p prepared) error {
	rows := p.rows
	if len(p.fail) > 0 {
		rows = slices.DeleteFunc(slices.Clone(rows), func(row content.Row) bool {
			return slices.ContainsFunc(p.fail, func(f search.Failure) bool { return f.ID == content.RecordOf(row).ID })
		})
	}
	before := im.result.clone()
	err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := im.lockIndex(ctx, tx); err != nil {
			return err
		}
		if err := im.Store.SetAllIndexed(ctx, tx, im.scope, typ, rows); err != nil {
			return err
		}
		n, err := im.Index.PutBatch(ctx, tx, im.scope, p.batch)
		if err != nil {
			return err
		}
		if err := im.unlist(ctx, tx, p.gone); err != nil {
			return err
		}
		if err := im.Store.SetUnlisted(ctx, tx, im.scope, typ, p.gone[typ.Name()]); err != nil {
			return err
		}
		im.unmerged += n.Chunks
		im.result.counts(typ.Name()).Indexed += int64(len(rows))
		im.task.SetCheckpoint(im.state)
		return nil
	})
	if err != nil {
		im.restore(before)
	}
	return err
}

// fatal reports whether an error ends the run, and is not one of the index.
func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, content.ErrSuperseded) || errors.Is(err, jobs.ErrCancelled)
}
