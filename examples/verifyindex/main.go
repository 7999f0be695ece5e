// Verifyindex compares the search index of each organization in a database with
// its records, and prints what it finds for each type.
//
//	go run ./examples/verifyindex -db sqlite:curatore.db
//	make verify-index DSN=postgres://user@localhost/crm
//
// It knows the record types of the built-in connections and looks at those that
// the database has tables of; a program with types of its own calls VerifyIndex
// itself. Nothing is imported, no run is worked on, and no table is added.
// It ends with status 0 when every index is sound, 1 when one is not or something
// failed, and 2 when it was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "verifyindex: %v\n", err)
	}
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: verifyindex -db sqlite:FILE|postgres://USER:PASSWORD@HOST/NAME")

func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet("verifyindex", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	db := flags.String("db", "", "database")
	if err := flags.Parse(args); err != nil || *db == "" || flags.NArg() > 0 {
		return errUsage
	}
	if path, ok := strings.CutPrefix(*db, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return err // and no new database in its place
		}
	}
	present, err := connections(ctx, *db)
	if err != nil {
		return err
	}
	v := &verification{types: map[string]bool{}, unregistered: map[[2]string]int64{}, index: map[string]*curatore.IndexReport{}}
	if len(present) == 0 {
		present = append(present, nil) // there may be chunks of types that nobody knows
	}
	for _, conn := range present {
		if err := v.verify(ctx, *db, conn); err != nil {
			return err
		}
	}
	return v.print(stdout)
}

// connections returns the built-in connections that the database has tables of.
func connections(ctx context.Context, dsn string) (present []*connectors.Connection, err error) {
	db, err := database.Open(ctx, dsn, database.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	query := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if db.Dialect().Name() == database.Postgres {
		query = "SELECT count(*) FROM pg_tables WHERE schemaname = ANY (current_schemas(FALSE)) AND tablename = ?"
	}
	err = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		has := func(t *content.Type) (n int, err error) {
			err = tx.QueryRow(ctx, query, t.Table()).Scan(&n)
			return n, err
		}
		for _, conn := range []*connectors.Connection{salesforce.New(), samgov.New(), sharepoint.New(), upload.New(), web.New()} {
			types := slices.DeleteFunc(conn.Types(), (*content.Type).Shared)
			if len(types) == 0 { // all that it has it shares with others
				types = conn.Types()
			}
			for _, t := range types {
				n, err := has(t)
				if err != nil {
					return err
				}
				if n > 0 {
					present = append(present, conn)
					break
				}
			}
		}
		return nil
	})
	return present, err
}

// A verification is the reports of all organizations and connections, put
// together.
type verification struct {
	lines        []string
	types        map[string]bool // that have been looked at
	unregistered map[[2]string]int64
	index        map[string]*curatore.IndexReport // by organization
	unsound      bool
}

// verify looks at the types of one connection alone, so that nothing is added to
// the database that only several of them together have.
func (v *verification) verify(ctx context.Context, dsn string, conn *connectors.Connection) (err error) {
	var list []*connectors.Connection
	if conn != nil {
		list = append(list, conn)
	}
	c, err := curatore.Open(ctx, curatore.Config{Database: dsn, EnqueueOnly: true, ManualSchema: true}, list...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	names, err := c.Organizations(ctx)
	if err != nil {
		return err
	}
	met := map[string]bool{}
	for _, name := range names {
		org, err := c.Organization(ctx, name, "verifyindex")
		if err != nil {
			return err
		}
		r, err := org.VerifyIndex(ctx)
		if err != nil {
			return err
		}
		for _, t := range r.Types {
			met[t.Type] = true
			if v.types[t.Type] {
				continue // two connections share it
			}
			v.unsound = v.unsound || !(&curatore.IndexReport{Types: []curatore.TypeIndex{t}}).Sound()
			v.lines = append(v.lines, fmt.Sprintf("%s %s: %d records, %d chunks; %d never indexed, %d stale, %d lost, %d chunks without a record, %d incomplete documents, %d chunks that are not found",
				name, t.Type, t.Records, t.Chunks, t.NeverIndexed, t.Stale, t.Lost, t.Orphans, t.Incomplete, t.Unfindable))
		}
		v.index[name] = r // the same with each connection
		for typeName, n := range r.Unregistered {
			v.unregistered[[2]string{name, typeName}] = n
		}
	}
	for t := range met {
		v.types[t] = true
	}
	return nil
}

func (v *verification) print(stdout io.Writer) error {
	for at, n := range v.unregistered {
		if !v.types[at[1]] {
			v.lines = append(v.lines, fmt.Sprintf("%s %s: %d chunks of a type that is not one of the built-in connections'", at[0], at[1], n))
		}
	}
	for name, r := range v.index {
		if r.WithoutRow > 0 {
			v.unsound = true
			v.lines = append(v.lines, fmt.Sprintf("%s: %d chunks of the index have no row", name, r.WithoutRow))
		}
		for _, damage := range r.Damage {
			v.unsound = true
			v.lines = append(v.lines, fmt.Sprintf("%s: %s", name, damage))
		}
	}
	slices.Sort(v.lines)
	for _, line := range v.lines {
		if _, err := fmt.Fprintln(stdout, line); err != nil {
			return err
		}
	}
	if v.unsound {
		return errors.New("the index is not as it should be; Reindex repairs it")
	}
	return nil
}
