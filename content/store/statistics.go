package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A measured table is one whose statistics are kept up to date, and the columns
// by which statements walk through it: those of payloads and JSON would take
// most of the time.
type measured struct {
	table, columns string // quoted
}

// measure returns the table of a Type with its columns that have an index.
func measure(typ *content.Type) measured {
	columns := []string{"id", "organization_id", "instance", "title_key", "deleted_at", "indexed_at"}
	for _, f := range typ.Fields() {
		if f.Indexed() || f.Has(content.Key) {
			columns = append(columns, quote(f.Name))
		}
	}
	return measured{quote(typ.Table()), strings.Join(columns, ", ")}
}

// hasStatistics reports whether Postgres knows the keys of a table, and plans
// look-ups among them well. It asks for it now and then until that is so.
func (p *plan) hasStatistics(ctx context.Context, tx *database.Tx) (bool, error) {
	if p.measured.Load() {
		return true, nil
	}
	if p.asked.Add(1)%16 != 1 {
		return false, nil
	}
	var known bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_stats WHERE schemaname = ANY (current_schemas(FALSE)) AND tablename = ? AND attname = ?)", p.typ.Table(), p.typ.Key().Name).Scan(&known)
	if known {
		p.measured.Store(true)
	}
	return known, err
}

// analyze has Postgres look at tables that have grown to more than twice the size
// that it knows, before statements are planned that walk through them. It would
// do so by itself a minute or more later; until then it plans for small tables.
func (s *Store) analyze(ctx context.Context, tables ...measured) error {
	if s.db.Dialect().Name() != database.Postgres {
		return nil
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.table
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		var grown []int
		if err := tx.Select(ctx, &grown, `SELECT DISTINCT n FROM unnest(?::regclass[]) WITH ORDINALITY AS t(wanted, n) JOIN pg_class c ON c.oid = t.wanted
WHERE pg_relation_size(c.oid) / current_setting('block_size')::bigint > 2 * c.relpages + 10 ORDER BY n`, pq.Array(names)); err != nil || len(grown) == 0 {
			return err
		}
		list := make([]string, len(grown))
		for i, n := range grown {
			list[i] = tables[n-1].table + " (" + tables[n-1].columns + ")"
		}
		// A sample of 9,000 rows, where the default of 30,000 takes a second.
		return tx.Run(ctx, "SET LOCAL default_statistics_target = 30; ANALYZE "+strings.Join(list, ", "))
	})
	if err != nil {
		return fmt.Errorf("gather statistics: %w", err)
	}
	return nil
}
