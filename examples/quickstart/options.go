package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/curatore/curatore-go/search"
)

// options are the command line.
type options struct {
	db, org, query string
	limit          int
	force, dryRun  bool
	json           bool
	files          []string
}

// parse reads the command line. Its error is a usageError, or flag.ErrHelp when
// it has written what was asked for.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // a mistake is told in one line
	flags.StringVar(&o.db, "db", "sqlite:curatore.db", "database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
	flags.StringVar(&o.org, "org", "acme", "`name` of the organization that the data belongs to")
	flags.StringVar(&o.query, "q", "", "`query` to search for; \"\" shows the newest (default \"cloud migration\" without files)")
	flags.IntVar(&o.limit, "limit", 5, "`number` of hits to show, 1 to 100")
	flags.BoolVar(&o.force, "force", false, "delete what the export lacks even if parts are missing or it is more than half")
	flags.BoolVar(&o.dryRun, "dry-run", false, "tell what an import would do and change no records")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, "usage: quickstart [-db DSN] [-org NAME] [-q QUERY] [-limit N] [-force] [-dry-run] [-json] [EXPORT.ZIP ...]\n"+
			"Give all parts of an export at once. Without files it imports a sample where there are no records yet.\n")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, usageError{fmt.Errorf("%w; -h shows the flags", err)}
	}
	queried := false
	flags.Visit(func(f *flag.Flag) { queried = queried || f.Name == "q" })
	if o.files = flags.Args(); len(o.files) == 0 && !queried {
		o.query = "cloud migration"
	}
	return o, o.check()
}

func (o options) check() error {
	scheme, _, _ := strings.Cut(o.db, ":")
	if scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql" {
		shown := o.db
		if i := strings.IndexAny(shown, ":=@ "); i >= 0 { // a password may stand behind
			shown = shown[:i+1] + "…"
		}
		return usageError{fmt.Errorf("-db is %q; it must be sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME", shown)}
	}
	if n := len(strings.TrimSpace(o.org)); n < 1 || n > 200 {
		return usageError{fmt.Errorf("-org has %d bytes; it must have 1 to 200", n)}
	}
	if !utf8.ValidString(o.org) || strings.ContainsFunc(o.org, unicode.IsControl) {
		return usageError{fmt.Errorf("-org is %q; it must be text on one line", o.org)}
	}
	if o.limit < 1 || o.limit > search.MaxLimit {
		return usageError{fmt.Errorf("-limit is %d; it must be 1 to %d", o.limit, search.MaxLimit)}
	}
	for _, f := range o.files {
		if strings.HasPrefix(f, "-") {
			return usageError{fmt.Errorf("%s stands behind a file; flags come first", f)}
		}
	}
	return nil
}
