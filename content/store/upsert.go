package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"slices"
	"time"

	"github.com/lib/pq"

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
}

// Upsert inserts new records, updates changed ones and leaves the others alone,
// by (organization, instance, key). A changed record is queued for indexing
// (its indexed_at becomes NULL) only when what is indexed has changed; a deleted
// one that comes again is restored under its id and always queued. It sets the
// Record of each row: id, times and hashes.
//
// A key that is empty, longer than 255 bytes or not UTF-8, and an indexed value
// longer than 1 kB, is an error that wraps content.ErrInvalid: [Check] finds it
// beforehand.
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
	rows, keys := lastOfEachKey(p.typ, b.Rows)
	n.Duplicates = int64(len(b.Rows) - len(rows))
	if len(rows) == 0 {
		return n, nil
	}
	if err := tx.Lock(ctx, "upsert "+p.table+org+b.Instance); err != nil {
		return n, err
	}
	stored, err := s.existing(ctx, tx, p, org, b.Instance, keys)
	if err != nil {
		return n, fmt.Errorf("look up %s: %w", p.typ.Name(), err)
	}
	var write []content.Row
	h := newHasher(b.Version)
	for i, row := range rows {
		rec := content.RecordOf(row)
		rec.RowHash = h.row(p, row)
		old, known := stored[keys[i]]
		if known && !old.deleted && string(old.rowHash) == string(rec.RowHash) {
			rec.ID = old.id
			n.Unchanged++
			continue
		}
		rec.OrganizationID, rec.Instance, rec.UpdatedAt = org, b.Instance, b.Time
		rec.DeletedAt, rec.IndexedAt = nil, nil
		if known {
			rec.ID, rec.CreatedAt = old.id, old.createdAt
			n.Updated++
		} else {
			rec.ID, rec.CreatedAt = s.NewID(), b.Time
			n.Created++
		}
		rec.DocumentHash = p.typ.Document(row).Hash()
		if known && !old.deleted && string(old.documentHash) == string(rec.DocumentHash) {
			rec.IndexedAt = old.indexedAt
		}
		write = append(write, row)
	}
	if err := s.insert(ctx, tx, p, write); err != nil {
		return n, fmt.Errorf("write %s: %w", p.typ.Name(), err)
	}
	return n, nil
}

// Check reports why a row cannot be stored, or nil.
func Check(typ *content.Type, row content.Row) error {
	key := typ.KeyOf(row)
	switch {
	case key == "":
		return fmt.Errorf("%w: the key %s is empty", content.ErrInvalid, typ.Key().Name)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: the key %s has %d bytes, at most %d are kept: %.40q…", content.ErrInvalid, typ.Key().Name, len(key), MaxKey, key)
	}
	for _, f := range typ.Fields() {
		s, ok := f.Value(row).(string)
		if !ok {
			continue
		}
		if (f.Indexed() || f.Sortable()) && !f.Has(content.Title) && len(s) > MaxValue {
			return fmt.Errorf("%w: %s has %d bytes; a field to filter or sort by takes at most %d", content.ErrInvalid, f.Name, len(s), MaxValue)
		}
		if at := badText(s); at >= 0 {
			return fmt.Errorf("%w: %s has a byte that no database takes as text at position %d", content.ErrInvalid, f.Name, at)
		}
	}
	return nil
}

// badText returns the position of a NUL or of invalid UTF-8, or -1.
func badText(s string) int {
	for i, r := range s {
		if r == 0 || (r == '\uFFFD' && len(s) > i && s[i] != 0xEF) {
			return i
		}
	}
	return -1
}

// enter checks the Scope and finds the plan.
func (s *Store) enter(scope content.Scope, typ *content.Type) (org string, p *plan, err error) {
	if org, err = s.auth.Organization(scope); err != nil {
		return "", nil, err
	}
	p, err = s.plan(typ)
	return org, p, err
}

func lastOfEachKey(typ *content.Type, all []content.Row) (rows []content.Row, keys []string) {
	at := make(map[string]int, len(all))
	for _, row := range all {
		key := typ.KeyOf(row)
		if i, again := at[key]; again {
			rows[i] = row
			continue
		}
		at[key] = len(rows)
		rows, keys = append(rows, row), append(keys, key)
	}
	return rows, keys
}

type storedRow struct {
	id                    string
	createdAt             time.Time
	indexedAt             *time.Time
	deleted               bool
	rowHash, documentHash []byte
}

// existing returns what is stored under keys.
func (s *Store) existing(ctx context.Context, tx *database.Tx, p *plan, org, instance string, keys []string) (map[string]storedRow, error) {
	key := quote(p.typ.Key().Name)
	columns := key + ", id, created_at, indexed_at, deleted_at IS NOT NULL, row_hash, document_hash"
	query := "SELECT " + columns + " FROM " + p.table + " WHERE organization_id = ? AND instance = ? AND " + key + " IN " + listed(tx.Dialect())
	list, err := keyList(tx.Dialect(), keys)
	if err != nil {
		return nil, err
	}
	if tx.Dialect().Name() == database.Postgres {
		// A join with the list: "= ANY" compares each row with each key.
		query = "SELECT t." + columns + " FROM " + p.table + " t JOIN unnest(?::text[]) AS k(wanted) ON t.organization_id = ? AND t.instance = ? AND t." + key + ` = k.wanted COLLATE "C"`
	}
	args := []any{org, instance, list}
	if tx.Dialect().Name() == database.Postgres {
		args = []any{list, org, instance}
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stored := map[string]storedRow{}
	for rows.Next() {
		var k string
		var r storedRow
		if err := rows.Scan(&k, &r.id, database.ScanTime(&r.createdAt), database.ScanNullTime(&r.indexedAt), &r.deleted, &r.rowHash, &r.documentHash); err != nil {
			return nil, err
		}
		stored[k] = r
	}
	return stored, rows.Err()
}

// keyList binds many keys as one value, so that the statement stays the same.
func keyList(d database.Dialect, keys []string) (any, error) {
	if d.Name() == database.Postgres {
		return pq.Array(keys), nil
	}
	b, err := json.Marshal(keys)
	return string(b), err
}

// listed is the sub-query that unpacks a [keyList].
func listed(d database.Dialect) string {
	if d.Name() == database.Postgres {
		return "(SELECT unnest(?::text[]))"
	}
	return "(SELECT value FROM json_each(?))"
}

// insert writes rows in statements of a few sizes, so that few are prepared.
func (s *Store) insert(ctx context.Context, tx *database.Tx, p *plan, rows []content.Row) error {
	d := tx.Dialect()
	most := database.MaxVariables / p.width
	for len(rows) > 0 {
		n := 1
		for _, size := range []int{most, 100, 10} {
			if size <= most && len(rows) >= size {
				n = size
				break
			}
		}
		args := make([]any, 0, n*p.width)
		for _, row := range rows[:n] {
			args = p.bind(args, d, row)
		}
		if _, err := tx.Exec(ctx, p.insert+database.Rows(n, p.width)+p.conflict, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// bind appends the values of a row in the order of the plan's columns.
func (p *plan) bind(args []any, d database.Dialect, row content.Row) []any {
	rec := content.RecordOf(row)
	var indexed any
	if rec.IndexedAt != nil {
		indexed = d.Time(*rec.IndexedAt)
	}
	args = append(args, rec.ID, rec.OrganizationID, rec.Instance, d.Time(rec.CreatedAt), FoldTitle(p.typ.Title(row)),
		d.Time(rec.UpdatedAt), nil, indexed, rec.RowHash, rec.DocumentHash)
	for _, f := range p.imported {
		args = append(args, d.Bind(f.Kind, f.Value(row)))
	}
	if rec.Raw == nil {
		return append(args, nil)
	}
	return append(args, rec.Raw)
}

// A hasher computes row hashes: over the typed values, since what a database
// gives back may be formatted anew, the payload, and the version of the mapping.
type hasher struct {
	h       hash.Hash
	version int
	scratch []byte
}

func newHasher(version int) *hasher { return &hasher{h: sha256.New(), version: version} }

// hashSize is enough to make an accidental equality impossible in practice.
const hashSize = 16

func (h *hasher) row(p *plan, row content.Row) []byte {
	b := binary.AppendVarint(h.scratch[:0], int64(h.version))
	for _, f := range p.imported {
		switch v := f.Value(row).(type) {
		case nil:
			b = append(b, 0)
		case string:
			b = binary.AppendUvarint(append(b, 1), uint64(len(v)))
			b = append(b, v...)
		case int64:
			b = binary.AppendVarint(append(b, 2), v)
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, 3), math.Float64bits(v))
		case bool:
			if v {
				b = append(b, 4)
			} else {
				b = append(b, 5)
			}
		case time.Time:
			b = binary.AppendVarint(append(b, 6), v.UnixMicro())
		case json.RawMessage:
			b = binary.AppendUvarint(append(b, 7), uint64(len(v)))
			b = append(b, v...)
		}
	}
	h.scratch = b
	h.h.Reset()
	h.h.Write(b)
	h.h.Write(content.RecordOf(row).Raw)
	return slices.Clone(h.h.Sum(nil)[:hashSize])
}
