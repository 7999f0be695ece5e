package search

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

var chunkColumns = []string{"organization_id", "number", "source_type", "source_id", "source_type_filter", "chunk_index",
	"title", "filename", "url", "content", "content_type", "locations", "metadata", "updated_at", "created_at"}

// insertChunks stores the chunks of documents under consecutive numbers.
func insertChunks(ctx context.Context, tx *database.Tx, organization string, number int64, docs []prepared, now time.Time) error {
	var values []any
	created := tx.Dialect().Time(now)
	for _, d := range docs {
		updated := tx.Dialect().Time(d.UpdatedAt)
		for i, text := range d.chunks {
			values = append(values, organization, number, d.Type, d.ID, d.Group, i,
				d.Title, d.Filename, d.URL, text, d.ContentType, d.locations[i], d.metadata, updated, created)
			number++
		}
	}
	if err := tx.Load(ctx, "search_chunks", chunkColumns, values); err != nil {
		return fmt.Errorf("store chunks: %w", err)
	}
	return nil
}

type removed struct{ documents, chunks int }

// remove deletes the chunks of records: from the table, from the index, and their
// vectors. The
// Writer comes first: with it, no other transaction adds chunks meanwhile.
func (x *Indexer) remove(ctx context.Context, tx *database.Tx, w *inverted.Writer, organization, typeName string, ids []string) (removed, error) {
	var r removed
	query, args := `DELETE FROM search_chunks WHERE organization_id = ? AND source_type = ?
		AND source_id IN (SELECT value FROM json_each(?)) RETURNING number, source_id`, []any{organization, typeName, jsonList(ids)}
	if tx.Dialect().Name() == database.Postgres {
		query, args = `DELETE FROM search_chunks c USING unnest(CAST(? AS TEXT[]) COLLATE "C") AS k(id) -- that of the column, whose index is not used else
			WHERE c.organization_id = ? AND c.source_type = ? AND c.source_id = k.id
			RETURNING c.number, c.source_id`, []any{pq.Array(ids), organization, typeName}
	}
	var numbers []int64
	seen := map[string]bool{}
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var number int64
		var id string
		err := rows.Scan(&number, &id)
		numbers = append(numbers, number)
		seen[id] = true
		return err
	}, query, args...)
	if err != nil {
		return r, fmt.Errorf("delete chunks of %s: %w", typeName, err)
	}
	r.documents, r.chunks = len(seen), len(numbers)
	if _, err := w.Delete(ctx, numbers); err != nil || x.config.Vectors == nil {
		return r, err
	}
	return r, x.config.Vectors.Delete(ctx, tx, organization, numbers)
}

// readChunks returns the chunks with the given numbers as hits, by number, and the
// version of the organization's index that they belong to. Without texts, which
// are most of what there is to read, only those come that tell where in their
// source the words stand.
func readChunks(ctx context.Context, tx *database.Tx, organization string, numbers []int64, texts bool) (byNumber map[int64]hitRow, version int64, err error) {
	if len(numbers) == 0 {
		err := tx.Get(ctx, &version, "SELECT COALESCE(MAX(version), 0) FROM search_indexes WHERE organization_id = ?", organization)
		if err != nil {
			err = fmt.Errorf("read chunks: %w", err)
		}
		return nil, version, err
	}
	among, list := "IN (SELECT value FROM json_each(?))", any(jsonList(numbers))
	if tx.Dialect().Name() == database.Postgres {
		among, list = "= ANY (CAST(? AS BIGINT[]))", pq.Array(numbers)
	}
	text := "CASE WHEN c.locations <> '' THEN c.content ELSE '' END"
	if texts {
		text = "c.content"
	}
	byNumber = make(map[int64]hitRow, len(numbers))
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var number int64
		var h hitRow
		err := rows.Scan(&version, &number, &h.Type, &h.ID, &h.Group, &h.ChunkIndex, &h.Title, &h.Filename, &h.URL, &h.text, &h.ContentType, &h.locations)
		byNumber[number] = h
		return err
	}, `SELECT (SELECT version FROM search_indexes WHERE organization_id = ?), c.number, c.source_type, c.source_id,
			c.source_type_filter, c.chunk_index, c.title, c.filename, c.url, `+text+`, c.content_type, c.locations
		FROM search_chunks c WHERE c.organization_id = ? AND c.number `+among, organization, organization, list)
	if err != nil {
		return nil, 0, fmt.Errorf("read chunks: %w", err)
	}
	for _, n := range numbers {
		if _, ok := byNumber[n]; !ok {
			return nil, 0, fmt.Errorf("chunk %d is in the search index but not in search_chunks", n)
		}
	}
	return byNumber, version, nil
}

// A hitRow is a hit with the text of its chunk.
type hitRow struct {
	Hit
	text, locations string
}

// each runs a query and hands each row to scan.
func each(ctx context.Context, tx *database.Tx, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// jsonList encodes strings or numbers, which cannot fail.
func jsonList[T string | int64](list []T) string {
	data, _ := json.Marshal(list)
	return string(data)
}
