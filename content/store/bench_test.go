package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
)

// wide has 40 columns, as a Salesforce account has.
type wide struct {
	content.Record
	Key      string     `db:"key" content:"key"`
	Name     string     `db:"name" content:"title"`
	Kind     *string    `db:"kind" content:"facet"`
	Industry *string    `db:"industry" content:"facet"`
	About    *string    `db:"about" content:"text"`
	Owner    *string    `db:"owner"`
	Phone    *string    `db:"phone"`
	Fax      *string    `db:"fax"`
	Site     *string    `db:"site"`
	Source   *string    `db:"source"`
	Street   *string    `db:"street"`
	City     *string    `db:"city"`
	State    *string    `db:"state"`
	Zip      *string    `db:"zip"`
	Country  *string    `db:"country"`
	Address  *address   `db:"address" content:"metadata"`
	S1       *string    `db:"s1"`
	S2       *string    `db:"s2"`
	S3       *string    `db:"s3"`
	S4       *string    `db:"s4"`
	S5       *string    `db:"s5"`
	S6       *string    `db:"s6"`
	S7       *string    `db:"s7"`
	S8       *string    `db:"s8"`
	S9       *string    `db:"s9"`
	S10      *string    `db:"s10"`
	Staff    *int64     `db:"staff"`
	Floors   *int64     `db:"floors"`
	Level    int        `db:"level"`
	Revenue  *float64   `db:"revenue"`
	Margin   *float64   `db:"margin"`
	Weight   *float64   `db:"weight"`
	Active   *bool      `db:"active"`
	Partner  *bool      `db:"partner"`
	Gone     bool       `db:"gone"`
	Since    *time.Time `db:"since" content:"date"`
	Until    *time.Time `db:"until" content:"date"`
	Created  *time.Time `db:"source_created_at"`
	Changed  *time.Time `db:"source_changed_at"`
	Above    *string    `db:"above"`
}

type address struct {
	Street string `json:"street,omitempty"`
	City   string `json:"city,omitempty"`
}

var wides = content.Define(content.Spec[wide]{Name: "wide", Label: "Wide", Group: "bench"})

// wideRow makes the i-th row; another edition has one other value.
func wideRow(i, edition int) *wide {
	p := func(format string) *string { s := fmt.Sprintf(format, i); return &s }
	n, x, yes := int64(i), float64(i)/7, i%2 == 0
	at := time.Date(2020, 1, 1, 0, 0, i, 0, time.UTC)
	fax := fmt.Sprint("fax ", edition)
	row := &wide{Key: fmt.Sprintf("0015e%013d", i), Name: fmt.Sprintf("Company number %d", i), Kind: p("kind"), Industry: p("industry"),
		About: p("Company %d makes things that other companies need, and sells them where it can."), Owner: p("0055e%013d"), Phone: p("+1 555 %d"), Fax: &fax,
		Site: p("https://company-%d.example.com"), Source: p("web"), Street: p("%d Long Street"), City: p("Springfield %d"), State: p("VA"), Zip: p("%05d"), Country: p("USA"),
		Address: &address{*p("%d Long Street"), "Springfield"}, S1: p("value one of %d"), S2: p("value two of %d"), S3: p("value three of %d"), S4: p("value four of %d"), S5: p("value five of %d"),
		Staff: &n, Revenue: &x, Active: &yes, Since: &at, Created: &at, Changed: &at, Level: i % 10, Partner: &yes}
	*row.Kind, *row.Industry = fmt.Sprint("kind ", i%7), fmt.Sprint("industry ", i%30)
	row.Raw = []byte(strings.Repeat(`{"a":"raw value","n":12345},`, 25))
	return row
}

// bind writes a row's values out by hand, as a program without this package
// would.
func (w *wide) bind(args []any, d database.Dialect, now any) []any {
	at := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return d.Time(*t)
	}
	day := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return t.Format(time.DateOnly)
	}
	return append(args, store.NewID(), "o1", "", now, w.Name, now, nil, nil, []byte("0123456789abcdef"), []byte("0123456789abcdef"),
		w.Key, w.Name, w.Kind, w.Industry, w.About, w.Owner, w.Phone, w.Fax, w.Site, w.Source, w.Street, w.City, w.State, w.Zip, w.Country,
		fmt.Sprintf(`{"street":%q,"city":%q}`, w.Address.Street, w.Address.City), w.S1, w.S2, w.S3, w.S4, w.S5, w.S6, w.S7, w.S8, w.S9, w.S10, w.Staff, w.Floors, w.Level,
		w.Revenue, w.Margin, w.Weight, w.Active, w.Partner, w.Gone, day(w.Since), day(w.Until), at(w.Created), at(w.Changed), w.Above, w.Raw)
}

const wideColumns = "id, organization_id, instance, created_at, title_key, updated_at, deleted_at, indexed_at, row_hash, document_hash, key, name, kind, industry, about, owner, phone, fax, " +
	"site, source, street, city, state, zip, country, address, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, staff, floors, level, revenue, margin, weight, active, partner, gone, since, until, " +
	"source_created_at, source_changed_at, above, raw"

// BenchmarkUpsert stores 100,000 rows of 40 columns in batches of 1,000: new
// rows, the same ones again, and each with one value changed. The ratio is that
// to a loop of multi-row INSERTs into the same table.
func BenchmarkUpsert(b *testing.B) {
	const total, size = 100_000, 1000
	batches := func(edition int) (all [][]content.Row) {
		for i := 0; i < total; i += size {
			rows := make([]content.Row, size)
			for j := range rows {
				rows[j] = wideRow(i+j, edition)
			}
			all = append(all, rows)
		}
		return all
	}
	for _, kind := range []string{database.SQLite, database.Postgres} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				bare := bareInsert(b, databasetest.Open(b, kind), batches(0))
				db := databasetest.Open(b, kind)
				s, scope := openWide(b, db)
				b.StartTimer()
				for i, name := range []string{"new", "same", "changed"} {
					b.StopTimer()
					all := batches(i / 2)
					b.StartTimer()
					began := time.Now()
					for _, rows := range all {
						write(b, db, func(ctx context.Context, tx *database.Tx) error {
							_, err := s.Upsert(ctx, tx, scope, wides, store.Batch{Rows: rows})
							return err
						})
					}
					took := time.Since(began)
					b.ReportMetric(float64(took)/float64(bare), name+"/bare")
					b.ReportMetric(took.Seconds(), name+"-s")
				}
				b.ReportMetric(bare.Seconds(), "bare-s")
			}
		})
	}
}

func openWide(b testing.TB, db *database.DB) (*store.Store, content.Scope) {
	b.Helper()
	registry, err := content.NewRegistry(wides)
	if err != nil {
		b.Fatal(err)
	}
	if err := store.Ensure(context.Background(), db, wides); err != nil {
		b.Fatal(err)
	}
	write(b, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "o1", "one", tx.Dialect().Time(time.Unix(0, 0)))
		return err
	})
	auth := content.NewAuthority()
	return store.New(db, registry, auth), auth.Mint("o1", "me")
}

func bareInsert(b testing.TB, db *database.DB, batches [][]content.Row) time.Duration {
	b.Helper()
	openWide(b, db)
	width := strings.Count(wideColumns, ",") + 1
	most := database.MaxVariables / width
	began := time.Now()
	for _, rows := range batches {
		write(b, db, func(ctx context.Context, tx *database.Tx) error {
			now := tx.Dialect().Time(time.Now())
			for len(rows) > 0 {
				n := min(most, len(rows))
				args := make([]any, 0, n*width)
				for _, row := range rows[:n] {
					args = row.(*wide).bind(args, tx.Dialect(), now)
				}
				if _, err := tx.Exec(ctx, "INSERT INTO wides ("+wideColumns+") VALUES "+database.Rows(n, width), args...); err != nil {
					return err
				}
				rows = rows[n:]
			}
			return nil
		})
	}
	return time.Since(began)
}

func write(t testing.TB, db *database.DB, do func(ctx context.Context, tx *database.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), do); err != nil {
		t.Fatal(err)
	}
}
