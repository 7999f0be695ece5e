package benchmarks

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/functions"
)

// BenchmarkQueryModel reads 1,000 records with six columns, ten pages of 100,
// through the function and, by turns, as ten bare queries of sqlx that scan into
// maps. What the function adds is validation, cursors and the JSON of a result.
func BenchmarkQueryModel(b *testing.B) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		b.Run(kind, func(b *testing.B) { queryModel(b, kind) })
	}
}

const records, page = 1000, 100

func queryModel(b *testing.B, kind string) {
	registry, err := content.NewRegistry(content.DefineDynamic(content.Spec[content.Dynamic]{Name: "deal", Label: "Deal", Group: "g", Text: content.TextNone},
		content.FieldSpec{Name: "key", Kind: content.String, Roles: content.Key | content.Title, Required: true},
		content.FieldSpec{Name: "stage", Kind: content.String, Roles: content.Facet},
		content.FieldSpec{Name: "amount", Kind: content.Float, Roles: content.Sortable},
		content.FieldSpec{Name: "number", Kind: content.Int, Roles: content.Filterable},
		content.FieldSpec{Name: "closed", Kind: content.Date, Roles: content.Filterable}))
	if err != nil {
		b.Fatal(err)
	}
	typ := registry.Types()[0]
	db := databasetest.Open(b, kind)
	if err := store.Ensure(b.Context(), db, typ); err != nil {
		b.Fatal(err)
	}
	authority := content.NewAuthority()
	scope, rows := authority.Mint("org", "bench"), store.New(db, registry, authority)
	err = db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "org", "org", tx.Dialect().Time(time.Now())); err != nil {
			return err
		}
		var batch []content.Row
		for i := range records {
			row := typ.New().(*content.Dynamic)
			row.Values = []any{fmt.Sprintf("key %04d", i), "stage " + fmt.Sprint(i%7), float64(i) * 1.5, int64(i), time.Date(2026, 1, 1+i%28, 0, 0, 0, 0, time.UTC)}
			batch = append(batch, row)
		}
		_, err := rows.Upsert(ctx, tx, scope, typ, store.Batch{Rows: batch})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	e, err := functions.NewEngine(functions.Config{}, functions.Builtins(functions.Sources{Registry: registry, Records: rows})...)
	if err != nil {
		b.Fatal(err)
	}
	fns := e.Bind(scope)
	driver := "sqlite"
	if kind == database.Postgres {
		driver = "postgres"
	}
	bare := sqlx.NewDb(db.SQL(), driver)
	query := bare.Rebind("SELECT id, key, stage, amount, number, closed FROM deals WHERE organization_id = ? AND deleted_at IS NULL AND (title_key, id) > (?, ?) ORDER BY title_key, id LIMIT ?")
	var called, direct time.Duration
	for b.Loop() {
		start := time.Now()
		cursor, n := "", 0
		for {
			result, err := fns.Call(b.Context(), "query_model", fmt.Appendf(nil, `{"model":"deal","select":["id","key","stage","amount","number","closed"],"limit":%d%s}`, page, cursor))
			if err != nil {
				b.Fatal(err)
			}
			n += page
			if result.Metadata.NextCursor == "" {
				break
			}
			cursor = fmt.Sprintf(`,"cursor":%q`, result.Metadata.NextCursor)
		}
		called += time.Since(start)
		start = time.Now()
		key, id := "", ""
		read := 0
		for range records / page {
			found, err := bare.QueryxContext(b.Context(), query, "org", key, id, page) //nolint:sqlclosecheck // closed below, as fast as a bare loop can
			if err != nil {
				b.Fatal(err)
			}
			for found.Next() {
				row := map[string]any{}
				if err := found.MapScan(row); err != nil {
					b.Fatal(err)
				}
				key, id = text(row["key"]), text(row["id"])
				read++
			}
			if err := found.Err(); err != nil {
				b.Fatal(err)
			}
			if err := found.Close(); err != nil {
				b.Fatal(err)
			}
		}
		direct += time.Since(start)
		if n != records || read != records {
			b.Fatal(n, read)
		}
	}
	b.ReportMetric(float64(called.Microseconds())/float64(b.N), "call-µs/op")
	b.ReportMetric(float64(direct.Microseconds())/float64(b.N), "sqlx-µs/op")
	b.ReportMetric(float64(called)/float64(direct), "ratio")
}

// text reads what a driver returns for a text.
func text(v any) string {
	if raw, ok := v.([]byte); ok {
		return string(raw)
	}
	return fmt.Sprint(v)
}
