// Evaluate measures search on a collection with known answers: how good the hits
// are, how fast it indexes, and how fast it answers. The collection has the form
// of BEIR: a folder with corpus.jsonl, queries.jsonl and qrels.tsv.
//
//	go run ./examples/evaluate -db sqlite:evaluate.db -data cranfield
//	go run ./examples/evaluate -db postgres://user@localhost/evaluate -data scifact -json
//	go run ./examples/evaluate -data scifact -mode hybrid -embed-url http://127.0.0.1:8089/v1 -embed-model NAME
//
// The collection is imported into an organization of its own, named after the
// folder, in place of what an earlier evaluation has left there.
//
// It ends with status 0 when all went well, 1 when something failed, and 2 when
// it was called wrongly; then nothing was opened.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	os.Exit(exitStatus(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// A usageError is a mistake on the command line.
type usageError struct{ error }

// exitStatus returns the status for what run returned, and tells it in one line.
func exitStatus(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(stderr, "evaluate: %s\n", strings.Join(strings.Fields(err.Error()), " "))
	if errors.As(err, &usageError{}) {
		return 2
	}
	return 1
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	col, err := openCollection(o.data)
	if err != nil {
		return err
	}
	if col.language = o.language; o.language == "" {
		if err := col.tell(); err != nil {
			return err
		}
	}
	r, err := evaluate(ctx, o, col)
	for _, w := range col.warnings {
		fmt.Fprintf(stderr, "evaluate: %s\n", w)
	}
	if err != nil {
		return err
	}
	return r.write(stdout, o.json)
}

// evaluate imports the collection and asks its questions.
func evaluate(ctx context.Context, o options, col *collection) (r report, err error) {
	config, err := o.config(ctx)
	if err != nil {
		return r, err
	}
	c, err := curatore.Open(ctx, config, connection(col))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	name, err := organizationName(o.data)
	if err != nil {
		return r, err
	}
	if err := c.DeleteOrganization(ctx, name); err != nil && !errors.Is(err, content.ErrNotFound) {
		return r, err
	}
	org, err := c.Organization(ctx, name, "evaluate")
	if err != nil {
		return r, err
	}
	if err := r.index(ctx, org, col); err != nil {
		return r, err
	}
	return r, ask(ctx, org, search.Mode(o.mode), col, &r)
}

// index imports the corpus and measures how long it took to store and to index
// it. The time that a model takes for vectors is its own, and does not count.
func (r *report) index(ctx context.Context, org *curatore.Organization, col *collection) error {
	start := time.Now()
	run, err := org.Import(ctx, connectionName)
	if err != nil {
		return err
	}
	indexed := time.Time{}
	for u, err := range run.Follow(ctx) {
		if err != nil {
			return err
		}
		if indexed.IsZero() && u.Run.Phase == connectors.PhaseEmbedding {
			indexed = time.Now()
		}
	}
	result, err := run.Wait(ctx)
	if err != nil {
		return err
	}
	if indexed.IsZero() {
		indexed = time.Now()
	}
	counts := result.Streams[documentType]
	if counts == nil || counts.Indexed == 0 {
		return fmt.Errorf("%s: no document was indexed", col.corpus)
	}
	for what, n := range map[string]int64{"documents that come twice; the last one counts": counts.Duplicates, "documents cannot be stored": counts.Failed,
		"documents cannot be indexed": counts.IndexFailed, "relevant documents are not in the corpus, and count as not found": int64(len(col.absent))} {
		if n > 0 {
			col.warnings = append(col.warnings, fmt.Sprintf("%d %s", n, what))
		}
	}
	slices.Sort(col.warnings)
	r.Documents = int(counts.Indexed)
	r.DocumentsPerSecond = float64(r.Documents) / indexed.Sub(start).Seconds()
	report, err := org.VerifyIndex(ctx)
	if err == nil && !report.Sound() {
		err = fmt.Errorf("the search index is not complete: %+v", *report)
	}
	return err
}

// organizationName names the organization after the folder: two folders of one
// name must not share it.
func organizationName(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if len(path) > 150 { // of 200 that a name may have
		path = path[len(path)-150:]
	}
	return "evaluate " + strings.ToValidUTF8(path, ""), nil
}
