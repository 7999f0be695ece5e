package curatore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/functions"
)

type book struct {
	content.Record
	Key   string `db:"book_key" content:"key"`
	Title string `db:"title" content:"title"`
}

// library makes a connection with a type of books.
func library(name string, typ *content.Type, books ...string) *connectors.Connection {
	return connectors.New(connectors.Spec[struct{}]{Name: name, Label: "Library", Types: []*content.Type{typ},
		Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
			return connectors.Streams{connectors.Rows(typ, func(context.Context) iter.Seq2[*book, error] {
				return func(yield func(*book, error) bool) {
					for i, b := range books {
						if !yield(&book{Key: fmt.Sprint(i), Title: b}, nil) {
							return
						}
					}
				}
			})}, nil
		}})
}

func bookType(name string) *content.Type {
	return content.Define(content.Spec[book]{Name: name, Label: "Book"})
}

func TestOpenReportsEveryMistakeAtOnce(t *testing.T) {
	type broken struct {
		content.Record
		A string      `db:"a" content:"key"`
		B string      `db:"b" content:"key"`
		C func()      `db:"c"`
		D *string     `db:"d" content:"parent=nobody"`
		E complex128  `db:"e"`
		F string      `db:"select me"`
		G chan string `db:"g" content:"what"`
	}
	wrong := content.Define(content.Spec[broken]{Name: "broken", Label: "Broken", Icon: "unicorn", Color: "octarine", Group: "metadata",
		Children: []content.Child{{Type: "nothing", Relation: "things"}, {Type: "book", Relation: "books"}}})
	bad := functions.Define(functions.Spec{Name: "Bad Name"}, func(context.Context, *functions.Call, struct{}) (string, error) { return "", nil })
	noOpen := connectors.New(connectors.Spec[struct{}]{Name: "Shelf!", Types: []*content.Type{bookType("book")}})
	file := filepath.Join(t.TempDir(), "curatore.db")
	_, err := curatore.Open(t.Context(), curatore.Config{Database: "sqlite:" + file, Types: []*content.Type{wrong, bookType("salesforce_account"), nil}, Functions: []*functions.Function{bad}},
		salesforce.New(), noOpen, salesforce.New(), nil)
	if !errors.Is(err, content.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"connection Shelf!: the name must be", "connection Shelf!: the label is missing", "connection Shelf!: Open is missing",
		"connection salesforce: two connections have this name", "a connection is nil",
		`type broken: two fields have the role "key": a and b`, "type broken: the title is missing",
		"type broken: field C: no database can hold a func()", "type broken: field E: no database can hold a complex128", "type broken: field G: no database can hold a chan string",
		`type broken: field d links to the unknown type "nobody"`, `type broken: column "select me"`,
		`type broken: unknown icon "unicorn"`, `type broken: unknown color "octarine"`, `type broken: group "metadata": this metadata namespace is reserved`,
		`type broken: child relation "things": unknown type "nothing"`, `type broken: child relation "books": no field of book links to broken`,
		"type salesforce_account: two types have this name", "a type is nil",
		`function "Bad Name"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a database was made in spite of the mistakes")
	}
}

func TestOpenFails(t *testing.T) {
	for _, test := range []struct{ dsn, want string }{
		{"", "Config.Database is empty; use sqlite:FILE or postgres://USER@HOST/NAME"},
		{"mysql://x", "use sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"},
		{"sqlite::memory:", "an in-memory SQLite database cannot be shared"},
		{"sqlite:/no/such/folder/x.db", "the folder /no/such/folder does not exist"},
		{"postgres://me:secret@127.0.0.1:1/x", "open curatore: "},
	} {
		_, err := curatore.Open(t.Context(), curatore.Config{Database: test.dsn}, salesforce.New())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", test.dsn, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, database.SQLite)}, salesforce.New()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// With ManualSchema Open refuses a database that lacks something and prints the
// SQL; with that it opens. Built-in tables are made all the same.
func TestManualSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn := databasetest.DSN(t, kind)
		db := databasetest.OpenDSN(t, dsn)
		try := func(typ *content.Type) error {
			c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, ManualSchema: true}, salesforce.New(), library("library", typ, "Dune"))
			if err != nil {
				return err
			}
			run, err := organization(t, c, "acme").Import(t.Context(), "library")
			if err == nil {
				_, err = run.Wait(t.Context())
			}
			return errors.Join(err, c.Close())
		}
		apply := func(err error) {
			t.Helper()
			if !errors.Is(err, content.ErrInvalid) {
				t.Fatal(err)
			}
			head, sql, found := strings.Cut(err.Error(), "run this:\n")
			if !found || !strings.Contains(head, "the database lacks tables, and Config.ManualSchema is set") || strings.Contains(sql, "salesforce") {
				t.Fatal(err)
			}
			if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, sql) }); err != nil {
				t.Fatal(err)
			}
		}
		apply(try(bookType("book")))
		if err := try(bookType("book")); err != nil {
			t.Fatal(err)
		}
		type longer struct {
			book
			Pages *int64 `db:"pages" content:"filter"`
		}
		more := content.Define(content.Spec[longer]{Name: "book", Label: "Book"})
		err := try(more)
		if !strings.Contains(err.Error(), "ADD COLUMN \"pages\"") {
			t.Error(err)
		}
		apply(err)
		c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, ManualSchema: true, Types: []*content.Type{content.Define(content.Spec[longer]{Name: "book", Label: "Book", Group: "library"})}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		page, err := organization(t, c, "acme").List(t.Context(), "book", store.Query{})
		if err != nil || len(page.Items) != 1 || page.Items[0].Title != "Dune" {
			t.Errorf("%v %v", page, err)
		}
	})
}

// A program may call its connections as it likes: also as the folders of the
// migrations are called.
func TestConnectionsNamedAsMigrations(t *testing.T) {
	for _, name := range []string{"core", "salesforce"} {
		c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite)}, library(name, bookType("book"), "Dune"))
		if err != nil {
			t.Fatal(err)
		}
		run, err := organization(t, c, "acme").Import(t.Context(), name)
		if err == nil {
			_, err = run.Wait(t.Context())
		}
		if err := errors.Join(err, c.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two Curators of one process share a database: what one imports the other
// finds, imports of both work side by side, and Scopes do not pass from one to
// the other.
func TestTwoCurators(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn := databasetest.DSN(t, kind)
		one, two := open(t, curatore.Config{Database: dsn}), open(t, curatore.Config{Database: dsn})
		a, b := &depot{t: t, c: one, org: organization(t, one, "acme")}, &depot{t: t, c: two, org: organization(t, two, "acme")}
		var all sync.WaitGroup
		for i, d := range []*depot{a, b, a, b} {
			all.Go(func() {
				if _, _, err := d.load(connectors.Options{}, zipped(accountsCSV(someAccounts(20+i)...))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		a.must(connectors.Options{}, zipped(accountsCSV(append(someAccounts(20), account(30, "Of the first"))...)))
		b.must(connectors.Options{}, zipped(accountsCSV(append(someAccounts(20), account(30, "Of the second"))...)))
		for _, d := range []*depot{a, b} {
			if got := d.found("second"); len(got) != 1 {
				t.Errorf("found %q", got)
			}
			if got := d.found("first"); len(got) != 0 {
				t.Errorf("found %q", got)
			}
		}
		if _, err := one.Organization(t.Context(), "acme", "x"); err != nil {
			t.Error(err)
		}
	})
}

// openEnv makes the test binary one of the processes of
// TestEightProcessesOpenOneDatabase.
const openEnv = "CURATORE_OPEN_TEST_DSN"

const openProcesses = 8

func TestEightProcessesOpenOneDatabase(t *testing.T) {
	if dsn := os.Getenv(openEnv); dsn != "" {
		// Begin at the same time: when the parent closes the pipe.
		if _, err := io.ReadAll(os.Stdin); err != nil {
			t.Fatal(err)
		}
		c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn}, salesforce.New(), library("library", bookType("book"), "Dune", "Emma"))
		if err != nil {
			t.Fatal(err)
		}
		org, err := c.Organization(t.Context(), "acme", "test")
		if err != nil {
			t.Fatal(err)
		}
		run, err := org.Import(t.Context(), "library")
		if err == nil {
			_, err = run.Wait(t.Context())
		}
		// Any of the processes may work on any of the runs, so none leaves early.
		for done := 0; err == nil && done < openProcesses; time.Sleep(10 * time.Millisecond) {
			var page jobs.Page
			page, err = org.Runs(t.Context(), jobs.Query{Statuses: []jobs.Status{jobs.Completed, jobs.Failed}})
			done = len(page.Runs)
		}
		if err := errors.Join(err, c.Close()); err != nil {
			t.Fatal(err)
		}
		return
	}
	onBoth(t, func(t *testing.T, kind string) {
		dsn := databasetest.Empty(t, kind)
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		var processes []*exec.Cmd
		var outputs []*strings.Builder
		start, begin, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		for range openProcesses {
			p, out := exec.CommandContext(t.Context(), program, "-test.run=^TestEightProcessesOpenOneDatabase$"), &strings.Builder{}
			p.Env, p.Stdin, p.Stdout, p.Stderr = append(os.Environ(), openEnv+"="+dsn), start, out, out
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			processes, outputs = append(processes, p), append(outputs, out)
		}
		if err := errors.Join(start.Close(), begin.Close()); err != nil {
			t.Fatal(err)
		}
		for i, p := range processes {
			if err := p.Wait(); err != nil {
				t.Errorf("%v\n%s", err, outputs[i])
			}
		}
		d := &depot{t: t, db: databasetest.OpenDSN(t, dsn)}
		if got := d.rows("SELECT count(*) FROM organizations"); got[0] != "1" {
			t.Errorf("%s organizations", got[0])
		}
		if got := d.rows("SELECT count(*), count(deleted_at) FROM books"); got[0] != "2 | 0" {
			t.Errorf("books and deleted ones: %s", got[0])
		}
		if got := d.rows("SELECT status, count(*) FROM runs GROUP BY status"); len(got) != 1 || got[0] != "completed | 8" {
			t.Errorf("runs: %q", got)
		}
	})
}
