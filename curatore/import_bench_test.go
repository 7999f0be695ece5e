package curatore_test

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
)

// benchmarkAccounts is the size of the export that the import benchmarks read.
const benchmarkAccounts = 100_000

// BenchmarkImport compares an import of 100,000 accounts of 40 columns with bare
// loops over the same zip, in the same run: into an empty database without and
// with indexing against a loop that decodes with encoding/csv and fills the same
// table by multi-row INSERT, and again without changes against a loop that
// inflates and decodes. The figures are ratios; the seconds are for orientation.
func BenchmarkImport(b *testing.B) {
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: benchmarkAccounts})
	if err != nil {
		b.Fatal(err)
	}
	part := parts[0]
	for _, kind := range []string{database.SQLite, database.Postgres} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				decode := timed(b, func() error { return bareDecode(part.Data, func([]string) error { return nil }) })
				bare := timed(b, func() error { return bareImport(b, kind, part.Data) })
				plain, again := importTimes(b, kind, part, curatore.Config{NoSearch: true})
				b.ReportMetric(decode.Seconds(), "decode-s")
				b.ReportMetric(bare.Seconds(), "bare-s")
				b.ReportMetric(plain.Seconds(), "import-s")
				b.ReportMetric(plain.Seconds()/bare.Seconds(), "import/bare")
				b.ReportMetric(again.Seconds(), "again-s")
				b.ReportMetric(again.Seconds()/decode.Seconds(), "again/decode")
				indexed, _ := importTimes(b, kind, part, curatore.Config{})
				b.ReportMetric(indexed.Seconds(), "indexed-s")
				b.ReportMetric(indexed.Seconds()/bare.Seconds(), "indexed/bare")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	start := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// importTimes imports an export twice and returns what each time took.
func importTimes(b *testing.B, kind string, part salesforcetest.Part, config curatore.Config) (first, again time.Duration) {
	b.Helper()
	ctx := b.Context()
	config.Database = databasetest.DSN(b, kind)
	c, err := curatore.Open(ctx, config, salesforce.New())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(ctx, "bench", "bench")
	if err != nil {
		b.Fatal(err)
	}
	once := func() error {
		run, err := org.Import(ctx, "salesforce", connectors.File{Name: part.Name, Size: int64(len(part.Data)), ReaderAt: bytes.NewReader(part.Data)})
		if err != nil {
			return err
		}
		_, err = run.Wait(ctx)
		return err
	}
	first = timed(b, once)
	again = timed(b, once)
	n, err := org.List(ctx, "salesforce_account", store.Query{Limit: 1, Total: true})
	if err != nil || n.Total != benchmarkAccounts {
		b.Fatalf("%d accounts, %v", n.Total, err)
	}
	return first, again
}

func bareDecode(data []byte, row func(record []string) error) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	f, err := z.Open("Account.csv")
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	for {
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := row(record); err != nil {
			return err
		}
	}
}

// bareImport is what a program without curatore does at best: decode and insert,
// a thousand rows in a transaction.
func bareImport(b *testing.B, kind string, data []byte) error {
	ctx := context.Background()
	driver, dsn := "postgres", databasetest.Empty(b, kind)
	if kind == database.SQLite {
		driver, dsn = "sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&_pragma=cache_size(-16384)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	text := "TEXT"
	if kind == database.Postgres {
		text = `TEXT COLLATE "C"`
	}
	types := salesforce.New().Types()[:1]
	if _, err := db.ExecContext(ctx, "CREATE TABLE organizations (id "+text+" PRIMARY KEY); INSERT INTO organizations VALUES ('o');"+
		store.Up(database.DialectOf(kind), types...)); err != nil {
		return err
	}
	mapped := []string{"Name", "Type", "Industry", "Phone", "Website", "AnnualRevenue", "NumberOfEmployees", "Description", "OwnerId", "ParentId", "CreatedDate", "LastModifiedDate"}
	columns := []string{"name", "type", "industry", "phone", "website", "annual_revenue", "number_of_employees", "description",
		"owner_salesforce_id", "parent_salesforce_id", "salesforce_created_at", "salesforce_modified_at"}
	head := `INSERT INTO salesforce_accounts (id, organization_id, instance, created_at, title_key, updated_at, row_hash, document_hash, salesforce_id, ` +
		strings.Join(columns, ", ") + `, billing_address, raw) VALUES `
	width := 9 + len(columns) + 2
	const rows = 1000
	statement := func(n int) string {
		if kind == database.SQLite {
			return head + database.Rows(n, width)
		}
		var s strings.Builder
		s.WriteString(head)
		for i := range n {
			if i > 0 {
				s.WriteString(", ")
			}
			for j := range width {
				sep := ", "
				if j == 0 {
					sep = "("
				}
				fmt.Fprintf(&s, "%s$%d", sep, i*width+j+1)
			}
			s.WriteString(")")
		}
		return s.String()
	}
	full, err := db.PrepareContext(ctx, statement(rows))
	if err != nil {
		return err
	}
	defer full.Close()
	var at map[string]int
	var args []any
	flush := func() error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if len(args) == rows*width {
			_, err = tx.StmtContext(ctx, full).ExecContext(ctx, args...) //nolint:sqlclosecheck // ends with its transaction
		} else {
			_, err = tx.ExecContext(ctx, statement(len(args)/width), args...)
		}
		if err != nil {
			return err
		}
		args = args[:0]
		return tx.Commit()
	}
	hash, now := make([]byte, 16), time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
	err = bareDecode(data, func(record []string) error {
		if at == nil {
			at = map[string]int{}
			for i, name := range record {
				at[strings.Clone(name)] = i
			}
			return nil
		}
		name := record[at["Name"]]
		args = append(args, uuid.Must(uuid.NewV7()).String(), "o", "", now, strings.ToLower(name), now, hash, hash, record[at["Id"]])
		for _, c := range mapped {
			if v := record[at[c]]; v == "" {
				args = append(args, nil)
			} else {
				args = append(args, v)
			}
		}
		args = append(args, fmt.Sprintf("{%q:%q,%q:%q}", "city", record[at["BillingCity"]], "state", record[at["BillingState"]]), []byte(strings.Join(record, ",")))
		if len(args) == rows*width {
			return flush()
		}
		return nil
	})
	if err == nil && len(args) > 0 {
		err = flush()
	}
	return err
}
