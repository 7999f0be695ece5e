// Mcp serves a curatore database to clients of the Model Context Protocol, such
// as desktop programs and editors: over stdin and stdout, or over HTTP with keys.
//
//	go run ./examples/mcp -db sqlite:curatore.db
//	go run ./examples/mcp -db postgres://user@localhost/crm -org acme -http :8080
//
// Over stdio nothing but the protocol is written to stdout. Over HTTP it listens
// on this machine alone unless the address names a host, and each client needs a
// key: one that is good for twelve hours is made and told on stderr, and -key
// NAME makes one that lasts, prints it, and ends.
//
// What a model wants to change waits until a person agrees: the client asks them,
// or, where it cannot, they run the program with -approve beside it.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/keys"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		stop()
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	db, org, http, key string
	approve            bool
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("mcp", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.db, "db", "sqlite:curatore.db", "database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
	flags.StringVar(&o.org, "org", "acme", "`name` of the organization whose data is served")
	flags.StringVar(&o.http, "http", "", "`address` to serve HTTP on, such as :8080, in place of stdin and stdout")
	flags.StringVar(&o.key, "key", "", "make a key for the principal of this `name`, print it, and end")
	flags.BoolVar(&o.approve, "approve", false, "show what waits for a person, ask for each whether it may be done, and end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; -h shows them", flags.Arg(0))
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c, err := curatore.Open(ctx, curatore.Config{Database: o.db, Logger: log}, salesforce.New())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	org, err := c.Organization(ctx, o.org, "mcp")
	if err != nil {
		return err
	}
	config := mcpserver.Config{Version: "0.1.0", Logger: log, Approval: "run this server's program once more in a terminal, with the same -db and -org and with -approve"}
	switch {
	case o.approve:
		return approve(ctx, org.Functions(), stdin, stdout)
	case o.key != "":
		text, _, err := org.CreateKey(ctx, keys.Request{Principal: o.key, Label: "made by examples/mcp", Scopes: []string{keys.Read, keys.Write}})
		if err == nil {
			_, err = fmt.Fprintln(stdout, text)
		}
		return err
	case o.http != "":
		return serveHTTP(ctx, c, org, o.http, config, stderr)
	}
	return mcpserver.Stdio(ctx, org.Functions(), config)
}

// approve asks for each change that waits whether it may be done.
func approve(ctx context.Context, fns functions.Bound, stdin io.Reader, stdout io.Writer) error {
	waiting, err := fns.Waiting(ctx)
	if err != nil {
		return err
	}
	if len(waiting) == 0 {
		_, err := fmt.Fprintln(stdout, "Nothing waits.")
		return err
	}
	typed := make(chan string)
	go func() { // a read of a terminal does not end with the context
		defer close(typed)
		for lines := bufio.NewScanner(stdin); lines.Scan(); {
			select {
			case typed <- strings.TrimSpace(lines.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	for _, w := range waiting {
		fmt.Fprintf(stdout, "%s: %s wants %s\nMay it be done? Type yes, or no to forget it: ", w.ID, w.Principal, &w)
		var answer string
		select {
		case answer = <-typed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if answer != "yes" && answer != "no" {
			continue // it goes on waiting
		}
		if err := fns.Decide(ctx, w.ID, answer == "yes"); err != nil {
			return err
		}
		if answer == "yes" {
			fmt.Fprintln(stdout, "Tell the model to call it again.")
		}
	}
	return nil
}

// serveHTTP serves every organization of the database to who has a key of it.
func serveHTTP(ctx context.Context, c *curatore.Curator, org *curatore.Organization, address string, config mcpserver.Config, stderr io.Writer) error {
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Config: config, Authenticate: func(ctx context.Context, key string) (functions.Bound, error) {
		org, _, err := c.OrganizationByKey(ctx, key)
		if err != nil {
			return functions.Bound{}, err
		}
		return org.Functions(), nil
	}})
	if err != nil {
		return err
	}
	listener, err := mcpserver.Listen(ctx, address)
	if err != nil {
		return err
	}
	text, _, err := org.CreateKey(ctx, keys.Request{Principal: "mcp", Label: "made when examples/mcp began", Scopes: []string{keys.Read, keys.Write}, ValidFor: 12 * time.Hour})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(stderr, "serving http://%s/ with the key %s\n", listener.Addr(), text)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(wait); err != nil {
			stopped <- server.Close() // streams that stay open
			return
		}
		stopped <- nil
	})
	err = server.Serve(listener)
	if !stop() {
		err = <-stopped
	}
	return err
}
