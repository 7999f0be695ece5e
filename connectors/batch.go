package connectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// judgedFrom is the number of records from which the failure rate is judged.
const judgedFrom = 100

// batch writes a batch in one transaction: the lease and checkpoint of the run,
// the records, the failures, the keys seen, the position of the stream.
func (im *importing) batch(ctx context.Context, s Stream, records []Record, total int64) error {
	counts := im.result.counts(s.Type.Name())
	before, listed := *counts, len(im.result.Failures)
	todo := im.sort(s.Type, records)
	im.state.Batch++
	if at := records[len(records)-1].Position; at != nil {
		im.state.Position = at.String()
	}
	im.progress(records, todo.seen, total)

	var repeated []string
	record := func(ctx context.Context, tx *database.Tx) (err error) {
		if s.Mode == Snapshot {
			repeated, err = im.sawKeys(ctx, tx, s.Type, todo.keys)
		} else if !im.options.DryRun {
			err = im.savePosition(ctx, tx, s.Type.Name(), im.state.Position)
		}
		return errors.Join(err, im.saveFailures(ctx, tx, todo.failures))
	}
	apply := func(ctx context.Context, tx *database.Tx) error {
		*counts = before
		counts.Seen += todo.seen
		counts.Failed += todo.failed
		counts.BadValues += todo.badValues
		counts.Duplicates += todo.duplicates
		if err := im.upsert(ctx, tx, s.Type, todo.rows, repeated, counts); err != nil {
			return err
		}
		ids, err := im.Store.IDsByKey(ctx, tx, im.scope, s.Type, im.options.Instance, todo.gone)
		if err != nil {
			return err
		}
		return im.delete(ctx, tx, s.Type, slices.Sorted(maps.Values(ids)))
	}
	im.list(todo.failures)
	err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := record(ctx, tx); err != nil || im.options.DryRun {
			return err
		}
		if err := apply(ctx, tx); err != nil {
			return err
		}
		im.task.SetCheckpoint(im.state)
		return nil
	})
	if err == nil && im.options.DryRun {
		err = im.tryOut(ctx, apply)
	}
	if err != nil {
		*counts, im.result.Failures = before, im.result.Failures[:listed]
		return err
	}
	return im.judge(s.Type, counts)
}

// errDryRun rolls a transaction back.
var errDryRun = errors.New("dry run")

// tryOut runs a change in a transaction that is rolled back.
func (im *importing) tryOut(ctx context.Context, change func(context.Context, *database.Tx) error) error {
	err := im.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// upsert writes rows. Those that an earlier batch of this run has written
// already replace what it wrote, and count as duplicates.
func (im *importing) upsert(ctx context.Context, tx *database.Tx, typ *content.Type, rows []content.Row, repeated []string, counts *Counts) error {
	fresh := rows
	var again []content.Row
	if len(repeated) > 0 {
		fresh = nil
		for _, row := range rows {
			if slices.Contains(repeated, typ.KeyOf(row)) {
				again = append(again, row)
			} else {
				fresh = append(fresh, row)
			}
		}
	}
	b := store.Batch{Instance: im.options.Instance, Rows: fresh, Time: im.time, Version: im.c.spec.Version}
	n, err := im.Store.Upsert(ctx, tx, im.scope, typ, b)
	if err != nil {
		return err
	}
	counts.Created += n.Created
	counts.Updated += n.Updated
	counts.Unchanged += n.Unchanged
	counts.Duplicates += n.Duplicates + int64(len(again))
	b.Rows = again
	_, err = im.Store.Upsert(ctx, tx, im.scope, typ, b)
	return err
}

// progress tells how far the run is behind these records: by what the stream
// says, else by counting.
func (im *importing) progress(records []Record, seen, total int64) {
	if at := records[len(records)-1].Done; at > 0 {
		im.task.Progress(PhaseImporting, im.state.Done+at, total)
		return
	}
	for _, c := range im.result.Streams {
		seen += c.Seen
	}
	im.task.Progress(PhaseImporting, seen, total)
}

// judge stops a run in which too many records fail: then it is the file or the
// settings that are wrong, not single records.
func (im *importing) judge(typ *content.Type, n *Counts) error {
	if n.Seen < judgedFrom || float64(n.Failed) <= im.c.failureRate()*float64(n.Seen) {
		return nil
	}
	first := ""
	if len(im.result.Failures) > 0 {
		first = "; the first: " + im.result.Failures[0].String()
	}
	return fmt.Errorf("%w: %d of the first %d records of %s failed, more than %v%%%s", content.ErrInvalid, n.Failed, n.Seen, typ.Name(), 100*im.c.failureRate(), first)
}
