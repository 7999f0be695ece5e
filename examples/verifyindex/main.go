// Verifyindex compares the search index of each organization in a database with
// its records, and prints what it finds for each type.
//
//	go run ./examples/verifyindex -db sqlite:curatore.db
//	make verify-index DSN=postgres://user@localhost/crm
//
// It knows the record types of the built-in connections; a program with types of
// its own calls VerifyIndex itself. Nothing is imported and no run is worked on.
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
	"strings"
	"syscall"

	"github.com/curatore/curatore-go/connectors/salesforce"
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
	c, err := curatore.Open(ctx, curatore.Config{Database: *db, EnqueueOnly: true}, salesforce.New())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	names, err := c.Organizations(ctx)
	if err != nil {
		return err
	}
	sound := true
	for _, name := range names {
		org, err := c.Organization(ctx, name, "verifyindex")
		if err != nil {
			return err
		}
		r, err := org.VerifyIndex(ctx)
		if err != nil {
			return err
		}
		sound = sound && r.Sound()
		for _, t := range r.Types {
			fmt.Fprintf(stdout, "%s %s: %d records, %d chunks; %d never indexed, %d stale, %d lost, %d chunks without a record, %d incomplete documents\n",
				name, t.Type, t.Records, t.Chunks, t.NeverIndexed, t.Stale, t.Lost, t.Orphans, t.Incomplete)
		}
		for typeName, n := range r.Unregistered {
			fmt.Fprintf(stdout, "%s %s: %d chunks of a type that is not registered here\n", name, typeName, n)
		}
	}
	if !sound {
		return errors.New("the index is not as it should be; Reindex repairs it")
	}
	return nil
}
