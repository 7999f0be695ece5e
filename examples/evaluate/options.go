package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// options are the command line.
type options struct {
	db, data, mode       string
	embedURL, embedModel string
	json                 bool
}

// parse reads the command line. Its error is a usageError, or flag.ErrHelp when
// it has written what was asked for.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // a mistake is told in one line
	flags.StringVar(&o.db, "db", "sqlite:evaluate.db", "database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
	flags.StringVar(&o.data, "data", "", "`folder` with corpus.jsonl, queries.jsonl and qrels.tsv")
	flags.StringVar(&o.mode, "mode", "keyword", "keyword, vector or hybrid")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, "usage: evaluate -data DIR [-db DSN] [-mode MODE] [-json]\n")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, usageError{fmt.Errorf("%w; -h shows the flags", err)}
	}
	return o, o.check(flags.Args())
}

func (o options) check(rest []string) error {
	modes := []string{string(search.ModeKeyword)}
	scheme, _, _ := strings.Cut(o.db, ":")
	switch {
	case len(rest) > 0:
		return usageError{fmt.Errorf("%q stands behind the flags; the folder is given with -data", rest[0])}
	case o.data == "":
		return usageError{errors.New("-data is missing: the folder of the collection")}
	case scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql":
		return usageError{fmt.Errorf("-db is %q; it must be sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME", o.db)}
	case !slices.Contains(modes, o.mode):
		return usageError{fmt.Errorf("-mode is %q; it must be one of %s", o.mode, strings.Join(modes, ", "))}
	}
	return nil
}

// config returns how the database is opened.
func (o options) config() (curatore.Config, error) {
	return curatore.Config{Database: o.db}, nil
}
