package pgvec

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// maxIndexed is the largest dimension that an HNSW index takes in 16 bits a value.
// Models with more are compared exactly.
const maxIndexed = 4000

// The parameters of the indexes are pgvector's defaults: larger ones build for
// longer and gain little above 95 % recall.
const (
	connections    = 16
	construction   = 64
	elementBytes   = 2*connections*8 + 200 // of an element in a build, besides its values
	buildLock      = 0x766563746f7273      // of the one who builds, in all processes
	maxBuildMemory = 1 << 30
)

// indexName returns the name of a model's index.
func indexName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("%s%x", indexPrefix, sum[:8])
}

const indexPrefix = "search_vectors_hnsw_"

// Maintain builds the HNSW indexes of the models that have become large enough,
// over the vectors of all organizations, and drops those of models that are hardly
// used any more. Call it after a load, and now and then: it costs two queries when
// nothing is due, and rows are indexed several times faster together than one by
// one. Searches are right without it, only slower.
//
// Writes go on while an index is built, which begins when the transactions that
// are in progress have ended: never call it inside one. When somebody else is
// building, Maintain returns at once.
func (x *Index) Maintain(ctx context.Context, db *database.DB) (err error) {
	conn, err := db.SQL().Conn(ctx)
	if err != nil {
		return fmt.Errorf("maintain vectors: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	m := &maintenance{conn: conn, above: x.indexAbove}
	if err := m.read(ctx); err != nil || len(m.build)+len(m.drop) == 0 {
		return err
	}
	var alone bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(buildLock)).Scan(&alone); err != nil || !alone {
		return err
	}
	defer func() {
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(buildLock))
		err = errors.Join(err, unlock)
	}()
	if err := m.read(ctx); err != nil { // somebody may have been faster
		return err
	}
	return m.run(ctx)
}

// A maintenance is what is to be done to the indexes.
type maintenance struct {
	conn  *sql.Conn
	above int
	drop  []string // names
	build []buildPlan
}

type buildPlan struct {
	model   vectors.Model
	vectors int64
}

// read compares the indexes that there are with those that there should be.
func (m *maintenance) read(ctx context.Context) error {
	m.drop, m.build = nil, nil
	models := map[string]buildPlan{}
	err := rows(ctx, m.conn, func(r *sql.Rows) error {
		var key string
		var n int64
		if err := r.Scan(&key, &n); err != nil {
			return err
		}
		model, err := vectors.ParseKey(key)
		models[key] = buildPlan{model, n}
		return err
	}, "SELECT model, sum(vectors) FROM search_vector_models GROUP BY model")
	if err != nil {
		return fmt.Errorf("maintain vectors: count: %w", err)
	}
	indexed := map[string]bool{} // by name, whether it can be used
	err = rows(ctx, m.conn, func(r *sql.Rows) error {
		var name string
		var valid bool
		err := r.Scan(&name, &valid)
		indexed[name] = valid
		return err
	}, `SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass('search_vectors') AND c.relname LIKE '`+indexPrefix+`%'`)
	if err != nil {
		return fmt.Errorf("maintain vectors: read indexes: %w", err)
	}
	for key, p := range models {
		name := indexName(key)
		valid, there := indexed[name]
		delete(indexed, name)
		switch {
		case p.model.Dimension > maxIndexed:
		case there && (!valid || p.vectors < int64(m.above/4)): // a build that was cut short, or one that is too large by now
			m.drop = append(m.drop, name)
		}
		if p.vectors >= int64(m.above) && !valid && p.model.Dimension <= maxIndexed {
			m.build = append(m.build, p)
		}
	}
	for name := range indexed { // of models that nobody has
		m.drop = append(m.drop, name)
	}
	return nil
}

func (m *maintenance) run(ctx context.Context) error {
	for _, name := range m.drop {
		if _, err := m.conn.ExecContext(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+name); err != nil {
			return fmt.Errorf("maintain vectors: drop the index %s: %w", name, err)
		}
	}
	for _, p := range m.build {
		if err := m.create(ctx, p); err != nil {
			return fmt.Errorf("maintain vectors: build the index of model %q: %w", p.model.Name, err)
		}
	}
	if len(m.build) > 0 {
		if _, err := m.conn.ExecContext(ctx, "ANALYZE search_vectors (organization_id, model, chunk)"); err != nil {
			return fmt.Errorf("maintain vectors: gather statistics: %w", err)
		}
	}
	return nil
}

// create builds an index. Its graph should fit into the memory for maintenance,
// or building takes several times as long.
func (m *maintenance) create(ctx context.Context, p buildPlan) (err error) {
	need := min(p.vectors*int64(2*p.model.Dimension+elementBytes)*5/4, maxBuildMemory)
	_, err = m.conn.ExecContext(ctx, `SELECT set_config('maintenance_work_mem', greatest(setting::bigint, $1 / 1024)::text, false)
		FROM pg_settings WHERE name = 'maintenance_work_mem'`, need)
	if err != nil {
		return err
	}
	defer func() {
		_, reset := m.conn.ExecContext(context.WithoutCancel(ctx), "RESET maintenance_work_mem")
		err = errors.Join(err, reset)
	}()
	key := p.model.Key()
	_, err = m.conn.ExecContext(ctx, fmt.Sprintf(`CREATE INDEX CONCURRENTLY IF NOT EXISTS %s ON search_vectors
		USING hnsw ((embedding::halfvec(%d)) halfvec_ip_ops) WITH (m = %d, ef_construction = %d) WHERE model = %s`,
		indexName(key), p.model.Dimension, connections, construction, pq.QuoteLiteral(key)))
	return err
}

// rows runs a query and hands each row to do.
func rows(ctx context.Context, conn *sql.Conn, do func(*sql.Rows) error, query string) error {
	list, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer list.Close()
	for list.Next() {
		if err := do(list); err != nil {
			return err
		}
	}
	return list.Err()
}
