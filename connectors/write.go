package connectors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// upsert writes the records that are new or changed, and returns the failures
// among them. Those that an earlier batch of this run has written already
// replace what it wrote, and count as duplicates. With unindexed what it writes
// is left to be indexed at the end.
func (im *importing) upsert(ctx context.Context, tx *database.Tx, typ *content.Type, records []*Record, repeated []string, unindexed bool, counts *Counts) ([]Failure, error) {
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
	im.ahead.Store(len(changed) > len(unchanged))
	im.calm.Store(len(changed) == 0)
	failures, err := im.readAll(typ, changed)
	if err != nil {
		return nil, err
	}
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
	b := store.Batch{Instance: im.options.Instance, Rows: fresh, Time: im.time, Version: im.c.spec.Version, Checked: true}
	if len(hashes) > 0 {
		b.Hash = func(row content.Row) []byte { return hashes[row] }
	}
	if im.indexes() && !unindexed {
		b.Index = func(ctx context.Context, documents []content.Document) func(context.Context) ([]string, error) {
			return im.indexDocuments(ctx, tx, documents, counts)
		}
	}
	n, err := im.Store.Upsert(ctx, tx, im.scope, typ, b)
	if err != nil {
		return nil, err
	}
	written := n.Created + n.Updated
	if im.resumed && (im.state.Stream == typ.Name() || im.state.Stream == "") { // else it writes what this run has written before
		n = im.recount(fresh, n)
	}
	b.Rows = replacing
	replaced, err := im.Store.Upsert(ctx, tx, im.scope, typ, b)
	if err != nil {
		return nil, err
	}
	// What is new only now had failed when it came first.
	counts.Created += n.Created + replaced.Created
	counts.Updated += n.Updated
	counts.Unchanged += n.Unchanged
	counts.Duplicates += n.Duplicates + int64(len(replacing)) - replaced.Created
	im.unblock(typ, fresh)
	im.unblock(typ, replacing)
	if written+replaced.Created+replaced.Updated > 0 {
		if err := im.savePosition(ctx, tx, linksState, linksWaiting); err != nil {
			return nil, err
		}
	}
	if err := im.accompany(ctx, tx, typ, fresh, false, unindexed); err != nil {
		return nil, err
	}
	return failures, im.accompany(ctx, tx, typ, replacing, true, unindexed)
}

// recount counts what an attempt that was interrupted had created and changed
// before as created and changed.
func (im *importing) recount(rows []content.Row, n store.Counts) store.Counts {
	recounted := store.Counts{Duplicates: n.Duplicates}
	for _, row := range rows {
		switch rec := content.RecordOf(row); {
		case !rec.UpdatedAt.Equal(im.time):
			recounted.Unchanged++
		case rec.CreatedAt.Equal(im.time):
			recounted.Created++
		default:
			recounted.Updated++
		}
	}
	return recounted
}

// changed separates the records that need not be read, because their fingerprint
// is the one stored. After an interruption, and while tombstones wait, all are
// read: it matters then which records these are.
func (im *importing) changed(ctx context.Context, tx *database.Tx, typ *content.Type, records []*Record) (changed, unchanged []*Record, err error) {
	if im.resumed || len(im.state.Blocked[typ.Name()]) > 0 {
		return records, nil, nil
	}
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
// its Err set. The error is a mistake in the connection.
func (im *importing) readAll(typ *content.Type, records []*Record) ([]Failure, error) {
	half := func(records []*Record) (err error) {
		defer func() { err = errors.Join(err, im.panicked(recover(), "reading "+typ.Name())) }()
		for _, r := range records {
			if err := r.complete(typ); err != nil {
				return err
			}
			if r.Err != nil {
				continue
			}
			if err := im.ownRow(typ, r.Row); err != nil {
				return err
			}
			r.Err = im.checkCompanions(r.Row)
		}
		return nil
	}
	var other sync.WaitGroup
	var second error
	middle := len(records) / 2
	other.Go(func() { second = half(records[middle:]) })
	first := half(records[:middle])
	other.Wait()
	if err := errors.Join(first, second); err != nil {
		return nil, err
	}
	var failures []Failure
	for _, r := range records {
		if r.Err != nil {
			failures = append(failures, failureOf(typ, r, r.Err))
			continue
		}
		for _, v := range r.Values {
			failures = append(failures, failureOfValue(typ, r, v))
		}
	}
	return failures, nil
}

// complete reads a record, unless it is read already, and checks it. What makes
// it fail stands in its Err.
func (r *Record) complete(typ *content.Type) error {
	switch {
	case r.Err != nil: // it was read, when the batch was tried before
		return nil
	case r.Row != nil:
		r.Err = store.Check(typ, r.Row)
		return nil
	case r.ahead == nil:
		r.ahead = r.read(typ)
	}
	read := r.ahead
	r.Row, r.Values, r.Err = read.Row, read.Values, read.Err
	switch {
	case r.Row == nil && r.Err == nil:
		return fmt.Errorf("%w: the stream of %s gave neither a row nor an error for %q", content.ErrInvalid, typ.Name(), r.Key)
	case r.Row == nil:
		r.Raw = read.Raw
		return nil
	}
	if err := held(typ, r.Row); err != nil {
		return err
	}
	if key := typ.KeyOf(r.Row); key != r.Key {
		return fmt.Errorf("%w: the stream of %s gave the key %q, and a row with the key %q", content.ErrInvalid, typ.Name(), r.Key, key)
	}
	r.Raw = content.RecordOf(r.Row).Raw
	return nil
}

// read reads a record and checks its row.
func (r *Record) read(typ *content.Type) *Record {
	read := r.Read()
	if read.Err == nil && typ.Holds(read.Row) {
		read.Err = store.Check(typ, read.Row)
	}
	return &read
}

// readAhead reads the records of a batch while an earlier one is being written.
// It is worth it while most of them turn out to be new or changed.
func (im *importing) readAhead(typ *content.Type, records []Record) {
	if !im.ahead.Load() {
		return
	}
	for i := range records {
		if r := &records[i]; r.Row == nil && r.Read != nil && r.Err == nil && !r.Deleted {
			ahead := r.read(typ)
			r.ahead, r.Read = ahead, func() Record { return *ahead } // which lets go what the source's had held
		}
	}
}

// held reports a row of another type.
func held(typ *content.Type, row content.Row) error {
	if typ.Holds(row) {
		return nil
	}
	return fmt.Errorf("%w: the stream of %s gave a %T that is nil or no row of it", content.ErrInvalid, typ.Name(), row)
}
