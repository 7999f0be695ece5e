// Package vectorrows is the SQL over vectors that reads the same on both
// databases.
//
// The keepers of vectors differ in the column that holds a vector and in how the
// nearest are found. Which chunks have one, how many there are, and which are to
// go is asked of the same tables in the same words, which stand here once.
package vectorrows

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// A State is what is known of an organization's vectors of one model.
type State struct {
	ID      string // of their history; the version counts from 1 in it
	Version int64
	Vectors int
}

// Read returns the state; the zero State when there never were vectors.
func Read(ctx context.Context, tx *database.Tx, organization string, model vectors.Model) (State, error) {
	var s State
	err := tx.QueryRow(ctx, "SELECT id, version, vectors FROM search_vector_models WHERE organization_id = ? AND model = ?",
		organization, model.Key()).Scan(&s.ID, &s.Version, &s.Vectors)
	if errors.Is(err, sql.ErrNoRows) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("vectors: read the state of model %q: %w", model.Name, err)
	}
	return s, nil
}

// Change counts a change that adds so many vectors, or takes them off, and
// returns its version.
func Change(ctx context.Context, tx *database.Tx, organization, key string, added int) (version int64, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return 0, fmt.Errorf("vectors: make an id: %w", err)
	}
	err = tx.QueryRow(ctx, `INSERT INTO search_vector_models (organization_id, model, id, version, vectors) VALUES (?, ?, ?, 1, ?)
		ON CONFLICT (organization_id, model) DO UPDATE SET version = search_vector_models.version + 1, vectors = search_vector_models.vectors + excluded.vectors
		RETURNING version`, organization, key, id.String(), added).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("vectors: count a change: %w", err)
	}
	return version, nil
}

// Keys returns the models of which an organization has vectors, as they stand in
// the tables.
func Keys(ctx context.Context, tx *database.Tx, organization string) ([]string, error) {
	var keys []string
	err := tx.Select(ctx, &keys, "SELECT model FROM search_vector_models WHERE organization_id = ? AND vectors > 0 ORDER BY model", organization)
	if err != nil {
		return nil, fmt.Errorf("vectors: read models: %w", err)
	}
	return keys, nil
}

// Stats returns how many vectors an organization has, model by model.
func Stats(ctx context.Context, tx *database.Tx, organization string) ([]vectors.Stats, error) {
	var rows []struct {
		Model   string
		Vectors int
	}
	err := tx.Select(ctx, &rows, "SELECT model, vectors FROM search_vector_models WHERE organization_id = ? AND vectors > 0 ORDER BY model", organization)
	if err != nil {
		return nil, fmt.Errorf("vectors: count: %w", err)
	}
	list := make([]vectors.Stats, len(rows))
	for i, r := range rows {
		list[i].Vectors = r.Vectors
		if list[i].Model, err = vectors.ParseKey(r.Model); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Missing returns the numbers of chunks above one that have no vector of a
// model, ascending.
func Missing(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, after int64, limit int) ([]int64, error) {
	if err := model.Check(); err != nil {
		return nil, err
	}
	if limit < 0 {
		return nil, fmt.Errorf("%w vectors: limit %d of missing ones; use 0 or more", content.ErrInvalid, limit)
	}
	numbers := []int64{}
	err := tx.Select(ctx, &numbers, `SELECT c.number FROM search_chunks c WHERE c.organization_id = ? AND c.number > ?
		AND NOT EXISTS (SELECT 1 FROM search_vectors v WHERE v.organization_id = c.organization_id AND v.model = ? AND v.chunk = c.number)
		ORDER BY c.number LIMIT ?`, organization, after, model.Key(), limit)
	if err != nil {
		return nil, fmt.Errorf("vectors: look for missing ones: %w", err)
	}
	return numbers, nil
}

// Lock holds off other changes of an organization's chunks and vectors until the
// end of the transaction, as a change of its keyword index does. Where nothing is
// indexed there is nothing to hold off.
func Lock(ctx context.Context, tx *database.Tx, organization string) error {
	if tx.Dialect().Name() == database.SQLite {
		return nil // a write transaction is alone
	}
	if _, err := tx.Exec(ctx, "SELECT 1 FROM search_indexes WHERE organization_id = ? FOR UPDATE", organization); err != nil {
		return fmt.Errorf("vectors: begin a change: %w", err)
	}
	return nil
}

// Prepare makes vectors ready to be stored: checked, of length 1, in order of
// their chunks, one for each chunk, of which the last one counts. Those of chunks
// that are gone are left out. The caller has the lock.
func Prepare(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, list []vectors.Vector) ([]vectors.Vector, error) {
	units := make(map[int64][]float32, len(list))
	for _, v := range list {
		unit, err := model.Unit(v.Values)
		if err != nil {
			return nil, fmt.Errorf("chunk %d: %w", v.Chunk, err)
		}
		units[v.Chunk] = unit
	}
	if len(units) == 0 {
		return nil, nil
	}
	in, arg := List(tx, slices.Sorted(maps.Keys(units)))
	var numbers []int64
	err := tx.Select(ctx, &numbers, "SELECT number FROM search_chunks WHERE organization_id = ? AND number IN ("+in+") ORDER BY number", organization, arg)
	if err != nil {
		return nil, fmt.Errorf("vectors: look for chunks: %w", err)
	}
	ready := make([]vectors.Vector, len(numbers))
	for i, n := range numbers {
		ready[i] = vectors.Vector{Chunk: n, Values: units[n]}
	}
	return ready, nil
}

// Delete deletes vectors of one model and returns the numbers of those that were
// there, in no order.
func Delete(ctx context.Context, tx *database.Tx, organization, key string, chunks []int64) ([]int64, error) {
	if len(chunks) == 0 {
		return nil, nil
	}
	in, arg := List(tx, chunks)
	var deleted []int64
	err := tx.Select(ctx, &deleted, "DELETE FROM search_vectors WHERE organization_id = ? AND model = ? AND chunk IN ("+in+") RETURNING chunk", organization, key, arg)
	if err != nil {
		return nil, fmt.Errorf("vectors: delete: %w", err)
	}
	return deleted, nil
}

// Orphans deletes the vectors of one model whose chunks are gone, and returns
// their numbers.
func Orphans(ctx context.Context, tx *database.Tx, organization, key string) ([]int64, error) {
	var deleted []int64
	err := tx.Select(ctx, &deleted, `DELETE FROM search_vectors WHERE organization_id = ? AND model = ?
		AND NOT EXISTS (SELECT 1 FROM search_chunks c WHERE c.organization_id = search_vectors.organization_id AND c.number = search_vectors.chunk)
		RETURNING chunk`, organization, key)
	if err != nil {
		return nil, fmt.Errorf("vectors: delete those without a chunk: %w", err)
	}
	return deleted, nil
}

// Drop deletes all vectors of a model, and that there were any.
func Drop(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, tables ...string) error {
	for _, table := range append(tables, "search_embeddings", "search_vector_models") {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE organization_id = ? AND model = ?", organization, model.Key()); err != nil {
			return fmt.Errorf("vectors: drop model %q: %w", model.Name, err)
		}
	}
	return nil
}

// List stands for a list of numbers behind IN: one value, so that the statement
// is prepared once whatever the length.
func List(tx *database.Tx, numbers []int64) (text string, arg any) {
	if tx.Dialect().Name() == database.Postgres {
		return "SELECT unnest(CAST(? AS BIGINT[]))", pq.Array(numbers)
	}
	data, _ := json.Marshal(numbers) // numbers always encode
	return "SELECT value FROM json_each(?)", string(data)
}
