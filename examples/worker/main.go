// Command worker shows a program in two processes: one that stores runs and
// leaves them to others, and one that only works. They share a database and a
// directory of objects, and nothing else.
//
//	worker -database sqlite:worker.db -objects objects work          until it is interrupted
//	worker -database sqlite:worker.db -objects objects import *.ZIP  prints the id of the run
//	worker -database sqlite:worker.db -objects objects show RUN      follows it to its end
//	worker -database sqlite:worker.db -objects objects search WORDS
//	worker -database sqlite:worker.db -objects objects health
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt does not wait for the imports at work
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	database := flags.String("database", "sqlite:worker.db", "sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
	dir := flags.String("objects", "objects", "the directory of objects, the same for all processes")
	tenant := flags.String("organization", "example", "the organization's name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	command := flags.Arg(0)
	switch {
	case !slices.Contains([]string{"work", "import", "show", "search", "health"}, command):
		return fmt.Errorf("%q is no command; use work, import, show, search or health", command)
	case command == "import" && flags.NArg() < 2:
		return errors.New("import takes the files of an export")
	case command == "show" && flags.NArg() != 2:
		return errors.New("show takes the id that import has printed")
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	objects, err := dirblob.Open(*dir, dirblob.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, objects.Close()) }()
	c, err := curatore.Open(ctx, curatore.Config{
		Database: *database, Objects: objects, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		EnqueueOnly: command != "work", Drain: 10 * time.Second,
	}, salesforce.New())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if command == "work" {
		fmt.Fprintln(out, "working")
		<-ctx.Done() // Close lets the imports at work go on for ten seconds
		return nil
	}
	org, err := c.Organization(ctx, *tenant, "example")
	if err != nil {
		return err
	}
	switch command {
	case "import":
		return start(ctx, org, out, flags.Args()[1:])
	case "show":
		return show(ctx, org, out, flags.Arg(1))
	case "search":
		return find(ctx, org, out, strings.Join(flags.Args()[1:], " "))
	}
	return health(ctx, c, out)
}

// start stores files and a run that imports them, and prints its id.
func start(ctx context.Context, org *curatore.Organization, out io.Writer, paths []string) error {
	var files []connectors.File
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		files = append(files, connectors.File{Name: filepath.Base(path), Size: info.Size(), ReaderAt: f})
	}
	imported, err := org.Import(ctx, "salesforce", files...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, imported.ID())
	return err
}

// show prints what a run tells until it ends, and at first why it waits.
func show(ctx context.Context, org *curatore.Organization, out io.Writer, id string) error {
	why, err := org.Why(ctx, id)
	if err != nil {
		return err
	}
	if why.Text != "" {
		fmt.Fprintln(out, "waits:", why.Text)
	}
	for update, err := range org.Follow(ctx, id) {
		if err != nil {
			return err
		}
		for _, e := range update.Events {
			fmt.Fprintf(out, "%s: %s\n", e.Level, e.Message)
		}
		if update.Run.Status.Ended() {
			fmt.Fprintln(out, update.Run.Status)
		}
	}
	return nil
}

func find(ctx context.Context, org *curatore.Organization, out io.Writer, words string) error {
	page, err := org.Search(ctx, search.Query{Text: words})
	if err != nil {
		return err
	}
	for _, hit := range page.Hits {
		fmt.Fprintf(out, "%s: %s\n", hit.Label, hit.Title)
	}
	return nil
}

func health(ctx context.Context, c *curatore.Curator, out io.Writer) error {
	queues, err := c.Health(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		fmt.Fprintf(out, "%s: %d wait, %d at work, %d processes\n", q.Label, q.Pending, q.Running, len(q.Consumers))
	}
	return c.Preflight(ctx)
}
