package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Counts tells what an Upsert did with the rows it was given; they add up to
// their number.
type Counts struct {
	Created    int64
	Updated    int64 // restored rows included
	Unchanged  int64 // nothing was written
	Duplicates int64 // the same key again in one call; the last one counts
}

// A Batch is what Upsert writes at once.
type Batch struct {
	Instance string        // of the connection
	Rows     []content.Row // with keys; at most a few thousand
	Time     time.Time     // becomes created_at and updated_at; zero is now
	// Version is mixed into the row hash. A connection that maps the same
	// payload differently raises it, so that all rows are written again.
	Version int
	// Hash gives the row hash in place of the one over the row's values, payload
	// and Version; nil computes it.
	Hash func(content.Row) []byte
	// Checked tells that Check has found nothing wrong with the rows.
	Checked bool
	// Index, when it is not nil, is given what is to be indexed of the batch, and
	// returns at once: what needs no transaction can be done while the records are
	// written. The function that it returns is called behind that, always, in
	// their transaction, and tells which records are not indexed, by id; these stay
	// queued. The others are written as indexed: marked afterwards, a record would
	// cost twice as much.
	Index func(ctx context.Context, documents []content.Document) (finish func(ctx context.Context) (unindexed []string, err error))
}

// Upsert inserts new records, updates changed ones and leaves the others alone,
// by (organization, instance, key). A changed record is queued for indexing
// (its indexed_at becomes NULL) only when what is indexed has changed; a deleted
// one that comes again is restored under its id and always queued. It sets the
// Record of each row (id, times and hashes), and the links whose target is
// stored; the others are left to ResolveLinks.
//
// A row that [Check] refuses is an error that wraps content.ErrInvalid, and so
// is one that belongs to another Type.
func (s *Store) Upsert(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, b Batch) (Counts, error) {
	var n Counts
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return n, err
	}
	if b.Time.IsZero() {
		b.Time = s.Now()
	}
	b.Time = b.Time.UTC().Truncate(time.Microsecond)
	if err := storable(b.Instance, b.Time); err != nil {
		return n, err
	}
	rows, keys, err := lastOfEachKey(p.typ, b.Rows)
	if err != nil {
		return n, err
	}
	n.Duplicates = int64(len(b.Rows) - len(rows))
	if len(rows) == 0 {
		return n, nil
	}
	if err := tx.Lock(ctx, "upsert "+p.table+org+b.Instance); err != nil {
		return n, err
	}
	stored, err := s.existing(ctx, tx, p, org, b.Instance, keys)
	if err != nil {
		return n, err
	}
	d := tx.Dialect()
	h := newHasher(b.Version)
	at := d.Time(b.Time)
	values := make([]any, len(p.imported))
	if err := s.linkRows(ctx, tx, p, org, b.Instance, rows); err != nil {
		return n, err
	}
	var args []any
	var queue indexQueue
	var versions []string // ids of records whose earlier version is kept
	for i, row := range rows {
		if err := p.read(row, values, b.Checked); err != nil {
			return n, err
		}
		rec := content.RecordOf(row)
		rec.OrganizationID, rec.Instance = org, b.Instance
		if b.Hash != nil {
			rec.RowHash = b.Hash(row)
		} else {
			rec.RowHash = h.row(values, rec.Raw)
		}
		old, known := stored[keys[i]]
		if known && !old.deleted && string(old.rowHash) == string(rec.RowHash) {
			rec.ID, rec.CreatedAt, rec.UpdatedAt, rec.DeletedAt, rec.IndexedAt, rec.DocumentHash = old.id, old.createdAt, old.updatedAt, nil, old.indexedAt, old.documentHash
			n.Unchanged++
			continue
		}
		rec.UpdatedAt, rec.DeletedAt, rec.IndexedAt = b.Time, nil, nil
		created := at
		if known {
			if p.typ.History() && !old.updatedAt.Equal(b.Time) { // else this run has written it itself
				versions = append(versions, old.id)
			}
			rec.ID, rec.CreatedAt = old.id, old.createdAt
			created = d.Time(old.createdAt)
			n.Updated++
		} else {
			rec.ID, rec.CreatedAt = s.NewID(), b.Time
			n.Created++
		}
		document := p.typ.Document(row)
		rec.DocumentHash = document.Hash()
		if args == nil {
			args = make([]any, 0, (len(rows)-i)*p.width)
		}
		if known && !old.deleted && string(old.documentHash) == string(rec.DocumentHash) {
			rec.IndexedAt = old.indexedAt
		} else {
			queue.add(document, rec, len(args)+indexedColumn)
		}
		args = p.bind(args, d, row, created, at, values)
	}
	if err := p.keepVersions(ctx, tx, org, b.Time, versions); err != nil {
		return n, err
	}
	fresh := n.Updated == 0 // as the lock keeps it
	if b.Index == nil || len(queue.documents) == 0 {
		return n, p.insert(ctx, tx, args, fresh)
	}
	finish := b.Index(ctx, queue.documents)
	queue.mark(b.Time, at, args)
	err = p.insert(ctx, tx, args, fresh)
	unindexed, indexErr := finish(ctx)
	switch {
	case err != nil:
		return n, err
	case indexErr != nil:
		return n, fmt.Errorf("index %s: %w", p.typ.Name(), indexErr)
	}
	return n, queue.unmark(ctx, tx, p, org, unindexed)
}

// An indexQueue is what is to be indexed of a batch.
type indexQueue struct {
	documents []content.Document
	records   []*content.Record
	places    []int // of indexed_at among the values of the insert
}

func (q *indexQueue) add(d content.Document, rec *content.Record, place int) {
	q.documents, q.records, q.places = append(q.documents, d), append(q.records, rec), append(q.places, place)
}

// mark marks the records as indexed.
func (q *indexQueue) mark(at time.Time, bound any, args []any) {
	for i, rec := range q.records {
		rec.IndexedAt, args[q.places[i]] = &at, bound
	}
}

// unmark puts records back into the queue.
func (q *indexQueue) unmark(ctx context.Context, tx *database.Tx, p *plan, org string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, rec := range q.records {
		if slices.Contains(ids, rec.ID) {
			rec.IndexedAt = nil
		}
	}
	list, err := keyList(tx.Dialect(), ids)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE "+p.table+" SET indexed_at = NULL WHERE organization_id = ? AND id IN "+listed(tx.Dialect()), org, list)
	}
	if err != nil {
		return fmt.Errorf("queue %s: %w", p.typ.Name(), err)
	}
	return nil
}

// enter checks the Scope and finds the plan.
func (s *Store) enter(scope content.Scope, typ *content.Type) (org string, p *plan, err error) {
	if org, err = s.auth.Organization(scope); err != nil {
		return "", nil, err
	}
	p, err = s.plan(typ)
	return org, p, err
}

func lastOfEachKey(typ *content.Type, all []content.Row) (rows []content.Row, keys []string, err error) {
	at := make(map[string]int, len(all))
	rows, keys = make([]content.Row, 0, len(all)), make([]string, 0, len(all))
	for _, row := range all {
		if !typ.Holds(row) {
			return nil, nil, fmt.Errorf("%w row: %T is not one of %s", content.ErrInvalid, row, typ.Name())
		}
		key := typ.KeyOf(row)
		if err := CheckKey(typ, key); err != nil { // before it goes into a look-up
			return nil, nil, err
		}
		if i, again := at[key]; again {
			rows[i] = row
			continue
		}
		at[key] = len(rows)
		rows, keys = append(rows, row), append(keys, key)
	}
	return rows, keys, nil
}

// bind appends the values of a row in the order of the plan's columns.
func (p *plan) bind(args []any, d database.Dialect, row content.Row, created, updated any, values []any) []any {
	rec := content.RecordOf(row)
	args = append(args, rec.ID, rec.OrganizationID, rec.Instance, created, FoldTitle(p.typ.Title(row)), updated, rec.RowHash, rec.DocumentHash, nil)
	for i, f := range p.imported {
		args = append(args, d.Bind(f.Kind, values[i]))
	}
	for _, f := range p.links {
		args = append(args, f.Value(row))
	}
	if rec.Raw == nil {
		return append(args, nil)
	}
	return append(args, rec.Raw)
}
