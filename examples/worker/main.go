// Command worker shows a program in two processes: one that stores runs and
// leaves them to others, and one that only works. They share a database and a
// directory of objects, and nothing else.
//
//	worker -database sqlite:worker.db -objects objects work          until it is interrupted
//	worker -database sqlite:worker.db -objects objects import *.ZIP  prints the id of the run
//	worker -database sqlite:worker.db -objects objects runs          those that wait or are at work
//	worker -database sqlite:worker.db -objects objects show RUN      follows it to its end
//	worker -database sqlite:worker.db -objects objects list TYPE     such as salesforce_account
//	worker -database sqlite:worker.db -objects objects search WORDS
//	worker -database sqlite:worker.db -objects objects health
//
// Each brings the tables of the database up to date before anything else; with
// migrate that is all.
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
	"github.com/curatore/curatore-go/curatore/jobs"
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
	case !slices.Contains([]string{"work", "import", "runs", "show", "list", "search", "health", "migrate"}, command):
		return fmt.Errorf("%q is no command; use work, import, runs, show, list, search, health or migrate", command)
	case command == "import" && flags.NArg() < 2:
		return errors.New("import takes the files of an export")
	case command == "show" && flags.NArg() != 2:
		return errors.New("show takes the id that import has printed")
	case command == "list" && flags.NArg() != 2:
		return errors.New("list takes a type, such as salesforce_account")
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
	switch command {
	case "migrate":
		return nil
	case "work":
		fmt.Fprintln(out, "working")
		<-ctx.Done() // Close lets the imports at work go on for ten seconds
		return nil
	case "health":
		return health(ctx, c, out)
	}
	org, err := c.Organization(ctx, *tenant, "example")
	if err != nil {
		return err
	}
	switch command {
	case "import":
		return start(ctx, org, out, flags.Args()[1:])
	case "runs":
		return runs(ctx, org, out)
	case "show":
		return show(ctx, org, out, flags.Arg(1))
	case "list":
		return list(ctx, org, out, flags.Arg(1))
	}
	return find(ctx, org, out, strings.Join(flags.Args()[1:], " "))
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

// runs prints what waits and what is at work.
func runs(ctx context.Context, org *curatore.Organization, out io.Writer) error {
	page, err := org.Runs(ctx, jobs.Query{Active: true})
	if err != nil {
		return err
	}
	for _, r := range page.Runs {
		fmt.Fprintf(out, "%s %s: %s\n", r.ID, r.Status, r.Label)
	}
	return nil
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

func list(ctx context.Context, org *curatore.Organization, out io.Writer, typeName string) error {
	page, err := org.List(ctx, typeName, curatore.ListQuery{Total: true})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		fmt.Fprintln(out, item.Title)
	}
	fmt.Fprintf(out, "%d of %d\n", len(page.Items), page.Total)
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
