package curatore

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// An IndexReport tells how far the search index of an organization agrees with
// its records.
type IndexReport struct {
	Types []TypeIndex `json:"types"` // in the order of the registry
	// Unregistered is the number of chunks, by type name, of types that this
	// program does not know. They are not found.
	Unregistered map[string]int64 `json:"unregistered,omitempty"`
	// WithoutVector is the number of chunks that have no vector of the Embedder's
	// model; 0 without one.
	WithoutVector int64 `json:"without_vector"`
	// WithoutRow is the number of chunks in the keyword index that have no row in
	// search_chunks; searches that come upon one fail.
	WithoutRow int64 `json:"without_row"`
	// Damage says what of the keyword index cannot be read; searches that need it
	// fail.
	Damage []string `json:"damage,omitempty"`
}

// A TypeIndex tells how far the search index agrees with the records of a type.
type TypeIndex struct {
	Type    string `json:"type"`
	Records int64  `json:"records"` // live ones
	Chunks  int64  `json:"chunks"`

	NeverIndexed int64 `json:"never_indexed"` // records that wait, and are not in the index
	Stale        int64 `json:"stale"`         // records that wait, and are in the index as they were before
	Lost         int64 `json:"lost"`          // records that count as indexed, and are not in the index
	Orphans      int64 `json:"orphans"`       // chunks without a live record
	Incomplete   int64 `json:"incomplete"`    // documents that lack one of their chunks
	Unfindable   int64 `json:"unfindable"`    // chunks that are not in the keyword index
}

// Sound reports whether the index is as it should be. Records that wait are not
// wrong while an import is at work, or with Config.NoSearch.
func (r *IndexReport) Sound() bool {
	for _, t := range r.Types {
		if t.NeverIndexed+t.Stale+t.Lost+t.Orphans+t.Incomplete+t.Unfindable > 0 {
			return false
		}
	}
	return r.WithoutVector+r.WithoutRow == 0 && len(r.Damage) == 0
}

// VerifyIndex compares the search index with the records, type by type, in one
// state of the database. It reads all keys, and no texts. [Organization.Reindex] of
// all types repairs what it finds.
func (o *Organization) VerifyIndex(ctx context.Context) (*IndexReport, error) {
	c := o.c
	organization, err := c.auth.Organization(o.scope)
	if err != nil {
		return nil, err
	}
	r := &IndexReport{Types: []TypeIndex{}}
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		compared, err := c.indexer.Compare(ctx, tx, o.scope)
		if err != nil {
			return err
		}
		r.WithoutRow = compared.WithoutRow
		for _, d := range compared.Damage {
			r.Damage = append(r.Damage, d.Err.Error())
		}
		known := map[string]bool{}
		for _, t := range c.registry.Types() {
			known[t.Name()] = true
			x, err := verifyType(ctx, tx, organization, t)
			if err != nil {
				return fmt.Errorf("%s: %w", t.Name(), err)
			}
			x.Unfindable = compared.Unfindable[t.Name()]
			r.Types = append(r.Types, x)
		}
		rows, err := tx.Query(ctx, "SELECT source_type, count(*) FROM search_chunks WHERE organization_id = ? GROUP BY source_type", organization)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var n int64
			if err := rows.Scan(&name, &n); err != nil {
				return err
			}
			if !known[name] {
				if r.Unregistered == nil {
					r.Unregistered = map[string]int64{}
				}
				r.Unregistered[name] = n
			}
		}
		return rows.Err()
	})
	if err == nil && c.config.Embedder != nil {
		r.WithoutVector, err = c.withoutVector(ctx, organization)
	}
	if err != nil {
		return nil, fmt.Errorf("verify the search index: %w", err)
	}
	return r, nil
}

func verifyType(ctx context.Context, tx *database.Tx, organization string, t *content.Type) (TypeIndex, error) {
	x := TypeIndex{Type: t.Name()}
	table := `"` + t.Table() + `"`
	first := " EXISTS (SELECT 1 FROM search_chunks c WHERE c.organization_id = t.organization_id AND c.source_type = ? AND c.source_id = t.id)"
	where := " FROM " + table + " t WHERE t.organization_id = ? AND t.deleted_at IS NULL"
	for _, count := range []struct {
		into  *int64
		query string
		args  []any
	}{
		{&x.Records, "SELECT count(*)" + where, []any{organization}},
		{&x.Chunks, "SELECT count(*) FROM search_chunks WHERE organization_id = ? AND source_type = ?", []any{organization, t.Name()}},
		{&x.NeverIndexed, "SELECT count(*)" + where + " AND t.indexed_at IS NULL AND NOT" + first, []any{organization, t.Name()}},
		{&x.Stale, "SELECT count(*)" + where + " AND t.indexed_at IS NULL AND" + first, []any{organization, t.Name()}},
		{&x.Lost, "SELECT count(*)" + where + " AND t.indexed_at IS NOT NULL AND t.document_hash <> ? AND NOT" + first, []any{organization, content.UnlistedHash(), t.Name()}},
		{&x.Orphans, "SELECT count(*) FROM search_chunks c WHERE c.organization_id = ? AND c.source_type = ? AND NOT EXISTS (SELECT 1 FROM " + table +
			" t WHERE t.organization_id = c.organization_id AND t.id = c.source_id AND t.deleted_at IS NULL)", []any{organization, t.Name()}},
		{&x.Incomplete, "SELECT count(*) FROM (SELECT source_id FROM search_chunks WHERE organization_id = ? AND source_type = ? GROUP BY source_id HAVING count(*) <> max(chunk_index) + 1) d",
			[]any{organization, t.Name()}},
	} {
		if err := tx.QueryRow(ctx, count.query, count.args...).Scan(count.into); err != nil {
			return x, err
		}
	}
	return x, nil
}

// withoutVector counts the chunks that have no vector of the model in use.
func (c *Curator) withoutVector(ctx context.Context, organization string) (n int64, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		for after := int64(0); ; {
			list, err := c.vectors.Missing(ctx, tx, organization, c.config.Embedder.Model(), after, 10_000)
			if err != nil || len(list) == 0 {
				return err
			}
			n += int64(len(list))
			after = list[len(list)-1]
		}
	})
	return n, err
}

// orphanBatch is how many documents without a record are taken out of the index
// in one transaction.
const orphanBatch = 500

// dropOrphans takes out of the index what has no live record.
func (c *Curator) dropOrphans(ctx context.Context, task *jobs.Task, t *content.Type) error {
	organization, err := c.auth.Organization(task.Scope())
	if err != nil {
		return err
	}
	for {
		var ids []string
		err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			ids = nil
			if err := tx.Lock(ctx, "index "+organization); err != nil {
				return err
			}
			err := tx.Select(ctx, &ids, `SELECT DISTINCT c.source_id FROM search_chunks c WHERE c.organization_id = ? AND c.source_type = ? AND NOT EXISTS (SELECT 1 FROM "`+t.Table()+
				`" t WHERE t.organization_id = c.organization_id AND t.id = c.source_id AND t.deleted_at IS NULL) LIMIT ?`, organization, t.Name(), orphanBatch)
			if err != nil || len(ids) == 0 {
				return err
			}
			_, err = c.imports.Index.Delete(ctx, tx, task.Scope(), t.Name(), ids)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
	}
}
