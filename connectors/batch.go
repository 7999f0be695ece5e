package connectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// judgedFrom is the number of records from which the failure rate is judged.
const judgedFrom = 100

// batch writes a batch in one transaction: the lease and checkpoint of the run,
// the keys seen, the records, the failures, the position of the stream, or that
// it is read to the end.
func (im *importing) batch(ctx context.Context, s Stream, records []Record, last bool, total int64) error {
	counts := im.result.counts(s.Type.Name())
	before := im.result.clone()
	todo, err := sort(s.Type, records)
	if err != nil {
		return err
	}
	if err := im.ownKeys(s.Type, todo.keys, todo.gone); err != nil {
		return err
	}
	im.state.Batch++
	if at := records[len(records)-1].Position; at != nil {
		im.state.Position = at.String()
	}
	im.progress(records, todo.seen, total)

	var repeated []string
	var failures []Failure
	var unindexed bool
	look := func(ctx context.Context, tx *database.Tx) (err error) {
		if s.Mode == Snapshot || im.state.Part != nil {
			repeated, err = im.sawKeys(ctx, tx, s, todo)
		}
		return err
	}
	apply := func(ctx context.Context, tx *database.Tx) (err error) {
		counts.Seen += todo.seen
		counts.Duplicates += todo.duplicates
		if failures, err = im.upsert(ctx, tx, s.Type, todo.records, repeated, unindexed, counts); err != nil {
			return err
		}
		failures = slices.Concat(todo.failures, failures)
		counts.fail(failures)
		return im.bury(ctx, tx, s.Type, todo.gone)
	}
	write := func(ctx context.Context, tx *database.Tx) error {
		if err := im.lockIndex(ctx, tx); err != nil {
			return err
		}
		if err := look(ctx, tx); err != nil || im.options.DryRun {
			return err
		}
		if err := apply(ctx, tx); err != nil {
			return err
		}
		if s.Mode == Incremental {
			if err := im.savePosition(ctx, tx, s.name(), im.state.Position); err != nil {
				return err
			}
		}
		if err := im.settle(ctx, tx, s.Type, todo.keys, todo.gone); err != nil {
			return err
		}
		im.list(failures)
		im.lose(s.Type, todo.nameless)
		if last {
			im.state.finish(s.name())
		}
		im.task.SetCheckpoint(im.state)
		return im.saveFailures(ctx, tx, failures)
	}
	err = im.task.Commit(ctx, write)
	if index := (*indexError)(nil); errors.As(err, &index) && !fatal(ctx, err) {
		im.restore(before)
		im.task.Warn(jobs.EventIndexing, fmt.Sprintf("a batch of %s could not be indexed, and is tried again at the end: %v", s.Type.Name(), index), nil)
		unindexed = true
		err = im.task.Commit(ctx, write)
	}
	if err == nil && im.options.DryRun {
		err = im.tryOut(ctx, apply)
		im.list(failures)
		im.lose(s.Type, todo.nameless)
	}
	if err != nil {
		im.restore(before)
		return err
	}
	return im.judge(s.Type, counts)
}

// lose counts records that failed and whose key is not known. They may be any of
// those that are stored.
func (im *importing) lose(typ *content.Type, n int64) {
	if n == 0 {
		return
	}
	if im.state.Nameless == nil {
		im.state.Nameless = map[string]int64{}
	}
	im.state.Nameless[typ.Name()] += n
}

// restore takes back what a transaction that failed has counted.
func (im *importing) restore(before Result) {
	im.result.Failures = before.Failures
	for name, counts := range im.result.Streams {
		if old := before.Streams[name]; old != nil {
			*counts = *old
		} else {
			*counts = Counts{}
		}
	}
}

// fail counts failures.
func (c *Counts) fail(failures []Failure) {
	for _, f := range failures {
		if f.Scope == scopeRecord {
			c.Failed++
		} else {
			c.BadValues++
		}
	}
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

// bury deletes records whose tombstones have come. What records below them keep
// is tried again when these have come too.
func (im *importing) bury(ctx context.Context, tx *database.Tx, typ *content.Type, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	ids, err := im.Store.IDsByKey(ctx, tx, im.scope, typ, im.options.Instance, keys)
	if err != nil {
		return err
	}
	blocked, err := im.delete(ctx, tx, typ, slices.Sorted(maps.Values(ids)))
	if len(blocked) > 0 {
		if im.state.Blocked == nil {
			im.state.Blocked = map[string][]string{}
		}
		im.state.Blocked[typ.Name()] = append(im.state.Blocked[typ.Name()], blocked...)
	}
	return err
}

// unblock forgets the tombstones of records that are back.
func (im *importing) unblock(typ *content.Type, rows []content.Row) {
	ids := im.state.Blocked[typ.Name()]
	if len(ids) == 0 {
		return
	}
	im.state.Blocked[typ.Name()] = slices.DeleteFunc(ids, func(id string) bool {
		return slices.ContainsFunc(rows, func(row content.Row) bool { return content.RecordOf(row).ID == id })
	})
}

// progress tells how far the run is behind these records: by what the stream
// says, else by counting.
func (im *importing) progress(records []Record, seen, total int64) {
	if at := records[len(records)-1].Done; at > 0 {
		im.task.Progress(PhaseImporting, im.done+at, total)
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
	for _, f := range im.result.Failures {
		if f.Type == typ.Name() && f.Scope == scopeRecord {
			first = "; the first: " + f.String()
			break
		}
	}
	return fmt.Errorf("%w: %d of the first %d records of %s failed, more than %v%%%s", content.ErrInvalid, n.Failed, n.Seen, typ.Name(), 100*im.c.failureRate(), first)
}
