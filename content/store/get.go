package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// scan reads the columns of plan.selected into a new row.
func (p *plan) scan(d database.Dialect, scan scanner) (content.Row, error) {
	row := p.typ.New()
	rec := content.RecordOf(row)
	fields := p.typ.Fields()
	raw := make([]any, len(fields))
	var titleKey string
	dest := append(make([]any, 0, len(fields)+11), &rec.ID, &rec.OrganizationID, &rec.Instance, database.ScanTime(&rec.CreatedAt), &titleKey,
		database.ScanTime(&rec.UpdatedAt), database.ScanNullTime(&rec.DeletedAt), database.ScanNullTime(&rec.IndexedAt), &rec.RowHash, &rec.DocumentHash)
	for i := range raw {
		dest = append(dest, &raw[i])
	}
	if err := scan(append(dest, &rec.Raw)...); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.typ.Name(), err)
	}
	for i, f := range fields {
		v, err := d.Value(f.Kind, raw[i])
		if err != nil {
			return nil, fmt.Errorf("read %s.%s: %w", p.typ.Name(), f.Name, err)
		}
		f.Set(row, v)
	}
	return row, nil
}

// Get returns a record by id; content.ErrNotFound when there is none in this
// organization.
func (s *Store) Get(ctx context.Context, scope content.Scope, typ *content.Type, id string) (content.Row, error) {
	return s.one(ctx, scope, typ, "id = ?", id)
}

// GetByKey returns a record by its external key; with several instances of a
// connection, the one of that instance.
func (s *Store) GetByKey(ctx context.Context, scope content.Scope, typ *content.Type, instance, key string) (content.Row, error) {
	return s.one(ctx, scope, typ, "instance = ? AND "+quote(typ.Key().Name)+" = ?", instance, key)
}

func (s *Store) one(ctx context.Context, scope content.Scope, typ *content.Type, condition string, args ...any) (content.Row, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	missing := fmt.Errorf("%w: %s %.80q", content.ErrNotFound, p.typ.Label(""), args[len(args)-1])
	for _, arg := range args {
		if badText(arg.(string)) >= 0 {
			return nil, missing
		}
	}
	var row content.Row
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		w := live(tx.Dialect(), org)
		w.add(condition, args...)
		rows, err := tx.Query(ctx, "SELECT "+p.selected+" FROM "+p.table+" WHERE "+w.String(), w.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			return errors.Join(rows.Err(), sql.ErrNoRows)
		}
		row, err = p.scan(tx.Dialect(), rows.Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, missing
	}
	return row, err
}

// Pending returns records that wait to be indexed, ordered by id, from behind
// an id ("" is the beginning).
func (s *Store) Pending(ctx context.Context, scope content.Scope, typ *content.Type, after string, limit int) ([]content.Row, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	var found []content.Row
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		w := live(tx.Dialect(), org)
		w.add("indexed_at IS NULL")
		w.add("id > ?", after)
		rows, err := tx.Query(ctx, "SELECT "+p.selected+" FROM "+p.table+" WHERE "+w.String()+" ORDER BY id LIMIT ?", append(w.args, limit)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := p.scan(tx.Dialect(), rows.Scan)
			if err != nil {
				return err
			}
			found = append(found, row)
		}
		return rows.Err()
	})
	return found, err
}

// SetIndexed marks records as indexed, in the transaction of their chunks. A
// record that was changed since it was read (its document hash differs) stays
// queued.
func (s *Store) SetIndexed(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, rows []content.Row) error {
	_, err := s.setIndexed(ctx, tx, scope, typ, rows, "")
	return err
}

// SetAllIndexed is SetIndexed for all of the records or none of them: when one
// has been changed, deleted or indexed since it was read, the error wraps
// content.ErrConflict, and the transaction is to be rolled back. Call it before
// the chunks are written, so that nobody changes the records meanwhile.
func (s *Store) SetAllIndexed(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, rows []content.Row) error {
	n, err := s.setIndexed(ctx, tx, scope, typ, rows, " AND deleted_at IS NULL AND indexed_at IS NULL")
	if err == nil && n < int64(len(rows)) {
		return fmt.Errorf("%w: %d of %d records of %s were changed while they were prepared for the index", content.ErrConflict, int64(len(rows))-n, len(rows), typ.Name())
	}
	return err
}

// SetUnlisted notes that search does not find records (content.Document.Unlisted), in
// the transaction that takes them out of the index.
func (s *Store) SetUnlisted(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) error {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	list, err := keyList(tx.Dialect(), ids)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE "+p.table+" SET document_hash = ? WHERE organization_id = ? AND id"+oneOf(tx.Dialect()), content.UnlistedHash(), org, list)
	}
	if err != nil {
		return fmt.Errorf("mark %s as unlisted: %w", p.typ.Name(), err)
	}
	return nil
}

func (s *Store) setIndexed(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, rows []content.Row, condition string) (changed int64, err error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, err
	}
	now := tx.Dialect().Time(s.Now())
	if tx.Dialect().Name() == database.Postgres {
		ids, hashes := make([]string, len(rows)), make([][]byte, len(rows))
		for i, row := range rows {
			ids[i], hashes[i] = content.RecordOf(row).ID, content.RecordOf(row).DocumentHash
		}
		changed, err = tx.Exec(ctx, "UPDATE "+p.table+` t SET indexed_at = ? FROM unnest(?::text[] COLLATE "C", ?::bytea[]) AS done(id, hash) WHERE t.organization_id = ? AND t.id = done.id AND t.document_hash = done.hash`+condition,
			now, pq.Array(ids), pq.ByteaArray(hashes), org)
	} else { // see setLinks
		for _, row := range rows {
			rec := content.RecordOf(row)
			var n int64
			if n, err = tx.Exec(ctx, "UPDATE "+p.table+" SET indexed_at = ? WHERE organization_id = ? AND id = ? AND document_hash = ?"+condition, now, org, rec.ID, rec.DocumentHash); err != nil {
				break
			}
			changed += n
		}
	}
	if err != nil {
		return changed, fmt.Errorf("mark %s as indexed: %w", p.typ.Name(), err)
	}
	return changed, nil
}
