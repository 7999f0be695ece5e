// Quickstart imports a Salesforce weekly export, searches it, and calls the
// functions that a language model would call. Without arguments it does so with
// a sample, in a new SQLite file.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -db sqlite:crm.db -q "cloud migration" WE_*_1.ZIP WE_*_2.ZIP
//	go run ./examples/quickstart -db postgres://user@localhost/crm -json
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

	"golang.org/x/term"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/examples/quickstart/sample"
	"github.com/curatore/curatore-go/search"
)

// The exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

// options are the command line.
type options struct {
	db, org, query string
	limit          int
	force, dryRun  bool
	json           bool
	files          []string
}

// errUsage marks an error as one of the command line.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "quickstart: %s\n", oneLine(err))
		os.Exit(exitUsage)
	}
	fmt.Fprintf(os.Stderr, "quickstart: %s\n", oneLine(err))
	os.Exit(exitFailed)
}

// oneLine writes an error without line breaks.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), errUsage.Error()+": ")), " ")
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var usage strings.Builder
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(&usage)
	flags.Usage = func() {
		fmt.Fprintf(&usage, "usage: quickstart [-db DSN] [-org NAME] [-q QUERY] [-limit N] [-force] [-dry-run] [-json] [EXPORT.ZIP ...]\n")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.db, "db", "sqlite:curatore.db", "`DSN`: sqlite:FILE or postgres://USER@HOST/NAME")
	flags.StringVar(&o.org, "org", "acme", "`name` of the organization that the data belongs to")
	flags.StringVar(&o.query, "q", "", "`query` to search for (default \"cloud migration\" without files; \"\" shows the newest)")
	flags.IntVar(&o.limit, "limit", 5, "number of hits, 1 to 100")
	flags.BoolVar(&o.force, "force", false, "delete what the export lacks in spite of missing parts or of how much it is")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what an import would do and change nothing")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(stderr, usage.String())
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("%w: %w; -h shows the flags", errUsage, err)
	}
	if o.limit < 1 || o.limit > search.MaxLimit {
		return o, fmt.Errorf("%w: -limit is %d; it must be 1 to %d", errUsage, o.limit, search.MaxLimit)
	}
	if o.files = flags.Args(); len(o.files) == 0 {
		given := false
		flags.Visit(func(f *flag.Flag) { given = given || f.Name == "q" })
		if !given {
			o.query = "cloud migration"
		}
	}
	for _, f := range o.files {
		if strings.HasPrefix(f, "-") {
			return o, fmt.Errorf("%w: %s stands behind a file; flags come first", errUsage, f)
		}
	}
	return o, nil
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	files, closeFiles, err := connectors.OpenFiles(o.files...)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	defer func() { err = errors.Join(err, closeFiles()) }()

	c, err := curatore.Open(ctx, curatore.Config{Database: o.db}, salesforce.New())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	org, err := c.Organization(ctx, o.org, "quickstart")
	if err != nil {
		return err
	}
	if len(files) == 0 {
		if files, err = sampleIfEmpty(ctx, org); err != nil {
			return err
		}
	}
	out := newOutput(o, stdout, stderr)
	report := report{}
	if len(files) > 0 {
		report.imported, err = importFiles(ctx, org, o, files, out)
		if err != nil {
			return errors.Join(out.failed(report), err)
		}
	}
	if report.found, err = org.Search(ctx, search.Query{Text: o.query, Limit: o.limit}); err != nil {
		return err
	}
	return out.show(ctx, org, report)
}

// sampleIfEmpty returns the sample export when the organization has no records.
func sampleIfEmpty(ctx context.Context, org *curatore.Organization) ([]connectors.File, error) {
	for _, t := range org.Types() {
		page, err := org.List(ctx, t.Name(), curatore.ListQuery{Limit: 1})
		if err != nil || len(page.Items) > 0 {
			return nil, err
		}
	}
	entries, err := sample.Files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var files []connectors.File
	for _, e := range entries {
		f, err := sample.Files.Open(e.Name())
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		files = append(files, connectors.File{Name: e.Name(), Size: info.Size(), ReaderAt: f.(io.ReaderAt)})
	}
	return files, nil
}

// imported is an import that has ended.
type imported struct {
	run    jobs.Run
	result *connectors.Result
}

// importFiles imports an export and shows its progress.
func importFiles(ctx context.Context, org *curatore.Organization, o options, files []connectors.File, out *output) (*imported, error) {
	started, err := org.ImportWith(ctx, "salesforce", connectors.Options{Force: o.force, DryRun: o.dryRun}, files...)
	if err != nil {
		return nil, err
	}
	// When the program is interrupted the import is cancelled; what remains is
	// to wait until it says so.
	ctx = context.WithoutCancel(ctx)
	for update, err := range started.Follow(ctx) {
		if err != nil {
			return nil, err
		}
		out.progress(update)
	}
	result, failure := started.Wait(ctx)
	run, err := org.Run(ctx, started.ID())
	if err != nil {
		return nil, errors.Join(failure, err)
	}
	if result == nil {
		result = &connectors.Result{}
	}
	return &imported{run, result}, failure
}

// isTerminal reports whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
