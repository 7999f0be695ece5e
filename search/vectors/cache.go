package vectors

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
)

// A Cache keeps vectors by model and text, so that a text that comes again, in
// another document or after a change elsewhere in its own, is not embedded again.
// Every organization has its own: how long an answer takes must not tell what
// another one has stored. The zero value is ready to use.
type Cache struct{}

// A Hash is the name of a text in the [Cache].
type Hash [sha256.Size]byte

// HashOf returns the hash of a text, as it is given to the model.
func HashOf(text string) Hash { return sha256.Sum256([]byte(text)) }

// A Cached is what a model made of a text.
type Cached struct {
	Hash   Hash
	Values []float32
}

// cacheRows is the number of rows in one statement.
const cacheRows = 64

// Get returns the vectors of texts, as they were put. Texts that are not in the
// cache are not in the result.
func (Cache) Get(ctx context.Context, tx *database.Tx, organization string, model Model, hashes []Hash) (map[Hash][]float32, error) {
	if err := model.Check(); err != nil {
		return nil, err
	}
	found := make(map[Hash][]float32, len(hashes))
	if len(hashes) == 0 {
		return found, nil
	}
	names := make([]string, len(hashes))
	for i, h := range hashes {
		names[i] = hex.EncodeToString(h[:])
	}
	query, list := `SELECT e.hash, e.data FROM json_each(?) AS k CROSS JOIN search_embeddings e
		WHERE e.organization_id = ? AND e.model = ? AND e.hash = unhex(k.value)`, any(nil)
	if tx.Dialect().Name() == database.Postgres {
		query = `SELECT e.hash, e.data FROM unnest(CAST(? AS TEXT[])) AS k(value) CROSS JOIN search_embeddings e
		WHERE e.organization_id = ? AND e.model = ? AND e.hash = decode(k.value, 'hex')`
		list = pq.Array(names)
	} else {
		data, _ := json.Marshal(names) // strings always encode
		list = string(data)
	}
	rows, err := tx.Query(ctx, query, list, organization, model.Key())
	if err != nil {
		return nil, fmt.Errorf("vectors: read the cache: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, data []byte
		if err := rows.Scan(&name, &data); err != nil {
			return nil, fmt.Errorf("vectors: read the cache: %w", err)
		}
		values := make([]float32, model.Dimension)
		if err := Unpack(data, values); err != nil {
			return nil, fmt.Errorf("vectors: the cache, text %x: %w", name, err)
		}
		found[Hash(name)] = values
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("vectors: read the cache: %w", err)
	}
	return found, nil
}

// Put keeps the vectors of texts. What is there already stays as it is. Vectors
// that could not be stored for a chunk are refused here too.
func (Cache) Put(ctx context.Context, tx *database.Tx, organization string, model Model, list []Cached, now time.Time) error {
	if err := model.Check(); err != nil {
		return err
	}
	created, key := tx.Dialect().Time(now), model.Key()
	var values []any
	for _, c := range list {
		if _, err := model.Unit(c.Values); err != nil {
			return err
		}
		values = append(values, organization, key, c.Hash[:], Pack(c.Values), created)
	}
	const width = 5
	for _, size := range []int{cacheRows, 8, 1} {
		for ; len(values) >= size*width; values = values[size*width:] {
			_, err := tx.Exec(ctx, `INSERT INTO search_embeddings (organization_id, model, hash, data, created_at) VALUES `+
				database.Rows(size, width)+` ON CONFLICT DO NOTHING`, values[:size*width]...)
			if err != nil {
				return fmt.Errorf("vectors: write the cache: %w", err)
			}
		}
	}
	return nil
}

// Forget removes what an organization has in the cache from before a time, of
// all models, and returns the number of vectors removed.
func (Cache) Forget(ctx context.Context, tx *database.Tx, organization string, before time.Time) (int, error) {
	n, err := tx.Exec(ctx, "DELETE FROM search_embeddings WHERE organization_id = ? AND created_at < ?", organization, tx.Dialect().Time(before))
	if err != nil {
		return 0, fmt.Errorf("vectors: empty the cache: %w", err)
	}
	return int(n), nil
}
