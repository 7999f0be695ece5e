package connectors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// judgedFrom is the number of records from which the failure rate is judged.
const judgedFrom = 100

// batch writes a batch in one transaction: the lease and checkpoint of the run,
// the keys seen, the records, the failures, the position of the stream.
func (im *importing) batch(ctx context.Context, s Stream, records []Record, total int64) error {
	counts := im.result.counts(s.Type.Name())
	before, listed := *counts, len(im.result.Failures)
	todo := sort(s.Type, records)
	im.state.Batch++
	if at := records[len(records)-1].Position; at != nil {
		im.state.Position = at.String()
	}
	im.progress(records, todo.seen, total)

	var repeated []string
	var failures []Failure
	look := func(ctx context.Context, tx *database.Tx) (err error) {
		if s.Mode == Snapshot {
			repeated, err = im.sawKeys(ctx, tx, s.Type, todo.keys)
		}
		return err
	}
	apply := func(ctx context.Context, tx *database.Tx) (err error) {
		*counts = before
		counts.Seen += todo.seen
		counts.Duplicates += todo.duplicates
		if failures, err = im.upsert(ctx, tx, s.Type, todo.records, repeated, counts); err != nil {
			return err
		}
		failures = slices.Concat(todo.failures, failures)
		for _, f := range failures {
			if f.Scope == "record" {
				counts.Failed++
			} else {
				counts.BadValues++
			}
		}
		ids, err := im.Store.IDsByKey(ctx, tx, im.scope, s.Type, im.options.Instance, todo.gone)
		if err != nil {
			return err
		}
		return im.delete(ctx, tx, s.Type, slices.Sorted(maps.Values(ids)))
	}
	err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := look(ctx, tx); err != nil || im.options.DryRun {
			return err
		}
		if err := apply(ctx, tx); err != nil {
			return err
		}
		if s.Mode == Incremental {
			if err := im.savePosition(ctx, tx, s.Type.Name(), im.state.Position); err != nil {
				return err
			}
		}
		im.list(failures)
		im.task.SetCheckpoint(im.state)
		return im.saveFailures(ctx, tx, failures)
	})
	if err == nil && im.options.DryRun {
		err = im.tryOut(ctx, apply)
		im.list(failures)
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

// upsert writes the records that are new or changed, and returns the failures
// among them. Those that an earlier batch of this run has written already
// replace what it wrote, and count as duplicates.
func (im *importing) upsert(ctx context.Context, tx *database.Tx, typ *content.Type, records []*Record, repeated []string, counts *Counts) ([]Failure, error) {
	again := make(map[string]bool, len(repeated))
	for _, key := range repeated {
		again[key] = true
	}
	changed, unchanged, err := im.changed(ctx, tx, typ, records)
	if err != nil {
		return nil, err
	}
	for _, r := range unchanged {
		if again[r.Key] {
			counts.Duplicates++
		} else {
			counts.Unchanged++
		}
	}
	failures := readAll(typ, changed)
	var fresh, replacing []content.Row
	hashes := make(map[content.Row][]byte, len(changed))
	for _, r := range changed {
		if r.Err != nil {
			continue
		}
		if r.Fingerprint != nil {
			hashes[r.Row] = im.rowHash(r.Fingerprint, r.Values)
		}
		if again[r.Key] {
			replacing = append(replacing, r.Row)
		} else {
			fresh = append(fresh, r.Row)
		}
	}
	b := store.Batch{Instance: im.options.Instance, Rows: fresh, Time: im.time, Version: im.c.spec.Version}
	if len(hashes) > 0 {
		b.Hash = func(row content.Row) []byte { return hashes[row] }
	}
	if im.Index != nil && !im.options.DryRun {
		b.Index = func(ctx context.Context, documents []content.Document) (map[string]bool, error) {
			return im.indexDocuments(ctx, tx, documents, counts)
		}
	}
	n, err := im.Store.Upsert(ctx, tx, im.scope, typ, b)
	if err != nil {
		return nil, err
	}
	counts.Created += n.Created
	counts.Updated += n.Updated
	counts.Unchanged += n.Unchanged
	counts.Duplicates += n.Duplicates + int64(len(replacing))
	b.Rows = replacing
	_, err = im.Store.Upsert(ctx, tx, im.scope, typ, b)
	return failures, err
}

// changed separates the records that need not be read, because their fingerprint
// is the one stored.
func (im *importing) changed(ctx context.Context, tx *database.Tx, typ *content.Type, records []*Record) (changed, unchanged []*Record, err error) {
	var keys []string
	for _, r := range records {
		if r.Fingerprint != nil && r.Row == nil {
			keys = append(keys, r.Key)
		}
	}
	stored, err := im.Store.RowHashes(ctx, tx, im.scope, typ, im.options.Instance, keys)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range records {
		if r.Row == nil && r.Fingerprint != nil && bytes.Equal(stored[r.Key], im.rowHash(r.Fingerprint, nil)) {
			unchanged = append(unchanged, r)
		} else {
			changed = append(changed, r)
		}
	}
	return changed, unchanged, nil
}

// rowHash is the row hash of a record with a fingerprint. A record with values
// that could not be read has another one, so that it is read, and its bad values
// told, in every import.
func (im *importing) rowHash(fingerprint []byte, bad []BadValue) []byte {
	b := binary.AppendVarint(make([]byte, 0, 48), int64(im.c.spec.Version))
	b = binary.AppendVarint(b, int64(len(bad)))
	sum := sha256.Sum256(append(b, fingerprint...))
	return sum[:16]
}

// readAll reads the records that have not been read yet and checks all, on both
// halves of a batch at once, and returns what failed. A record that fails has
// its Err set.
func readAll(typ *content.Type, records []*Record) []Failure {
	half := func(records []*Record) {
		for _, r := range records {
			if r.Row == nil {
				read := r.Read()
				r.Row, r.Values, r.Err = read.Row, read.Values, read.Err
				if r.Row != nil {
					r.Raw = content.RecordOf(r.Row).Raw
				} else if r.Err == nil {
					r.Err = errors.New("reading gave neither a row nor an error")
				}
			}
			if r.Err == nil {
				r.Err = store.Check(typ, r.Row)
			}
		}
	}
	var other sync.WaitGroup
	middle := len(records) / 2
	other.Go(func() { half(records[middle:]) })
	half(records[:middle])
	other.Wait()
	var failures []Failure
	for _, r := range records {
		if r.Err != nil {
			failures = append(failures, failureOf(typ, r, r.Err))
			continue
		}
		for _, v := range r.Values {
			f := failureOf(typ, r, v.Err)
			f.Scope, f.Column, f.Value, f.raw = "field", v.Column, v.Value, nil
			failures = append(failures, f)
		}
	}
	return failures
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
