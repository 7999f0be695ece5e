package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/openaiembed"
)

// options are the command line.
type options struct {
	db, data, mode       string
	embedURL, embedModel string
	language             string
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
	flags.StringVar(&o.embedURL, "embed-url", "", "`address` of an OpenAI-compatible endpoint, such as http://127.0.0.1:8089/v1; the key is in OPENAI_API_KEY")
	flags.StringVar(&o.embedModel, "embed-model", "", "`name` of the embedding model")
	flags.StringVar(&o.language, "language", "", "`tag` of the documents' language, such as de; without it their texts tell")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, "usage: evaluate -data DIR [-db DSN] [-mode keyword|vector|hybrid] [-embed-url URL -embed-model NAME] [-language TAG] [-json]\n")
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, usageError{fmt.Errorf("%w; -h shows the flags", err)}
	}
	return o, o.check(flags.Args())
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func (o options) check(rest []string) error {
	modes := []string{string(search.ModeKeyword), string(search.ModeVector), string(search.ModeHybrid)}
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
	case o.language != "" && !languageTag.MatchString(o.language):
		return usageError{fmt.Errorf("-language is %q; it must be a tag such as en, de or pt-BR", o.language)}
	case o.mode != modes[0] && o.embedModel == "":
		return usageError{fmt.Errorf("-mode %s needs -embed-model, and -embed-url unless it is one of OpenAI's", o.mode)}
	}
	return nil
}

// config returns how the database is opened. In keyword mode no model is asked,
// so that what is measured is words alone.
func (o options) config(ctx context.Context) (curatore.Config, error) {
	c := curatore.Config{Database: o.db}
	if o.mode == string(search.ModeKeyword) {
		return c, nil
	}
	e, err := openaiembed.New(ctx, openaiembed.Config{BaseURL: o.embedURL, Model: o.embedModel, Key: os.Getenv("OPENAI_API_KEY")})
	if err != nil {
		return c, err
	}
	c.Embedder = e
	return c, nil
}
