// Quickstart imports a Salesforce weekly export, searches it, and calls the
// functions that a language model would call. Without arguments it does so with
// a sample, in a new SQLite file.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -db sqlite:crm.db -q "cloud migration" WE_*_1.ZIP WE_*_2.ZIP
//	go run ./examples/quickstart -db postgres://user@localhost/crm -json
//
// It ends with status 0 when all went well, 1 when something failed, and 2 when
// it was called wrongly; then nothing was opened.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/examples/quickstart/sample"
	"github.com/curatore/curatore-go/functions"
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
	fmt.Fprintf(stderr, "quickstart: %s\n", oneLine(err.Error()))
	if errors.As(err, &usageError{}) {
		return 2
	}
	return 1
}

// A report is what the program has done; what it did not come to is nil.
type report struct {
	run       *jobs.Run // of the import
	result    *connectors.Result
	found     *search.Result
	functions []*functions.Function
	calls     []call
}

// A call is one call of a function.
type call struct {
	name         string
	args, result json.RawMessage
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	out := newOutput(o, stdout, stderr)
	var r report
	var files []connectors.File
	closeFiles := func() error { return nil }
	if err == nil {
		if files, closeFiles, err = connectors.OpenFiles(o.files...); err != nil {
			err = usageError{err}
		}
	}
	if err != nil {
		return errors.Join(err, out.report(r))
	}
	err = r.fill(ctx, o, files, out)
	return errors.Join(err, out.report(r), closeFiles())
}

// fill opens the database and does everything.
func (r *report) fill(ctx context.Context, o options, files []connectors.File, out *output) (err error) {
	c, err := curatore.Open(ctx, curatore.Config{Database: o.db}, salesforce.New())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	org, err := c.Organization(ctx, o.org, "quickstart")
	if err != nil {
		return err
	}
	r.functions = org.Functions().List()

	switch stored, err := firstRecord(ctx, org); {
	case err != nil:
		return err
	case len(files) > 0:
		out.line("Importing %s", names(files))
	case stored != nil:
		out.line("%q holds records already: nothing is imported", org.Name())
	default:
		if files, err = sampleFiles(); err != nil {
			return err
		}
		out.line("Importing the sample: %s", names(files))
	}
	if len(files) > 0 {
		if err := r.importFiles(ctx, org, o, files, out); err != nil {
			return err
		}
	}
	if r.found, err = org.Search(ctx, search.Query{Text: o.query, Limit: o.limit}); err != nil {
		return err
	}
	if o.json {
		return nil
	}
	return r.callFunctions(ctx, org, o)
}

// firstRecord returns a record of the organization, or nil when it has none.
func firstRecord(ctx context.Context, org *curatore.Organization) (*content.Item, error) {
	for _, t := range org.Types() {
		page, err := org.List(ctx, t.Name(), curatore.ListQuery{Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(page.Items) > 0 {
			return &page.Items[0], nil
		}
	}
	return nil, nil
}

// sampleFiles returns the export that the program carries.
func sampleFiles() (files []connectors.File, err error) {
	entries, err := sample.Files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		data, err := sample.Files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, connectors.File{Name: e.Name(), Size: int64(len(data)), ReaderAt: strings.NewReader(string(data))})
	}
	return files, nil
}

func names(files []connectors.File) string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.Name
	}
	return strings.Join(list, ", ")
}

// importFiles imports an export and shows its progress. When ctx is cancelled
// so is the import; what remains is to wait until it says so.
func (r *report) importFiles(ctx context.Context, org *curatore.Organization, o options, files []connectors.File, out *output) error {
	started, err := org.ImportWith(ctx, "salesforce", connectors.Options{Force: o.force, DryRun: o.dryRun}, files...)
	if err != nil {
		return err
	}
	// Left alone, the import would go on when the database is opened again.
	stop := context.AfterFunc(ctx, func() {
		_ = started.Cancel(context.WithoutCancel(ctx), "interrupted") // or it has ended
	})
	defer stop()
	ctx = context.WithoutCancel(ctx)
	for update, err := range started.Follow(ctx) {
		if err != nil {
			return err
		}
		out.progress(update)
	}
	result, failure := started.Wait(ctx)
	if result == nil {
		return failure
	}
	ended, err := org.Run(ctx, started.ID())
	if err != nil {
		return errors.Join(failure, err)
	}
	r.run, r.result = &ended, result
	if failure != nil {
		return errors.New(ended.Error)
	}
	return nil
}

// callFunctions calls three functions as a model would: about what was searched
// for, or else about some record.
func (r *report) callFunctions(ctx context.Context, org *curatore.Organization, o options) error {
	var typ, id, title string
	if len(r.found.Hits) > 0 {
		h := r.found.Hits[0]
		typ, id, title = h.Type, h.ID, h.Title
	} else if record, err := firstRecord(ctx, org); err != nil || record == nil {
		return err
	} else {
		typ, id, title = record.Type, record.ID, record.Title
	}
	query := []rune(cmp.Or(o.query, title))
	for _, c := range []struct {
		name string
		args any
	}{
		{"search", map[string]any{"query": string(query[:min(len(query), 500)]), "limit": 1}},
		{"query_model", json.RawMessage(`{"model":"salesforce_opportunity","select":["name","stage_name","amount"],"order":[{"field":"amount","desc":true}],"limit":3}`)},
		{"get", map[string]any{"type": typ, "id": id}},
	} {
		args, err := json.Marshal(c.args)
		if err != nil {
			return err
		}
		result, err := org.Functions().Call(ctx, c.name, args)
		if err != nil {
			return fmt.Errorf("call %s: %w", c.name, err)
		}
		text, err := result.JSON()
		if err != nil {
			return err
		}
		r.calls = append(r.calls, call{c.name, args, text})
	}
	return nil
}
