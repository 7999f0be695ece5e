// Agent is a chat in the terminal with a model that answers from a curatore
// database. What it calls, and what comes back, is shown; before a function
// changes something, it asks.
//
//	export OPENAI_API_KEY=...
//	go run ./examples/agent -db sqlite:curatore.db
//	go run ./examples/agent -url http://localhost:11434/v1 -model qwen3 -q "Which opportunities close this month?"
//
// It works with any endpoint in the OpenAI wire format.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"

	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/openaitools"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Getenv("OPENAI_API_KEY"), os.Stdin, os.Stdout, os.Stderr)
	if ctx.Err() != nil {
		os.Exit(130) // as a shell says it of an interrupted program
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "agent:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, key string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.SetOutput(stderr)
	db := flags.String("db", "sqlite:curatore.db", "database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
	name := flags.String("org", "acme", "`name` of the organization whose data is asked")
	url := flags.String("url", "https://api.openai.com/v1", "`address` of the endpoint")
	model := flags.String("model", "gpt-4.1-mini", "`name` of the model")
	question := flags.String("q", "", "one `question` to answer, in place of a chat")
	strict := flags.Bool("strict", false, "send schemas in the strict form, for endpoints that know it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := curatore.Open(ctx, curatore.Config{Database: *db}, salesforce.New())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	org, err := c.Organization(ctx, *name, "agent")
	if err != nil {
		return err
	}
	config := openai.DefaultConfig(key)
	config.BaseURL = *url
	chat := &chat{in: lines(ctx, stdin), out: printable{stdout}}
	chat.agent = openaitools.Agent{Client: openaitools.NewClient(config), Model: *model, Functions: org.Functions(),
		Strict: *strict, Stream: true, Confirm: chat.confirm, OnEvent: chat.show}
	if *question != "" {
		return chat.ask(ctx, *question)
	}
	for {
		text, err := chat.prompt(ctx, "\nyou: ")
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case text == "":
			continue
		}
		if err := chat.ask(ctx, text); err != nil {
			if ctx.Err() != nil {
				return err
			}
			fmt.Fprintln(stderr, "agent:", err) // and go on
		}
	}
}

// A chat is a conversation in the terminal.
type chat struct {
	agent   openaitools.Agent
	in      <-chan line
	out     io.Writer
	history []openai.ChatCompletionMessage
}

// printable leaves out what moves the cursor or recolours the terminal: models
// repeat what others wrote.
type printable struct{ to io.Writer }

func (p printable) Write(text []byte) (int, error) {
	kept := bytes.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if _, err := p.to.Write(kept); err != nil {
		return 0, err
	}
	return len(text), nil
}

// A line is what was typed, or why there is no more.
type line struct {
	text string
	err  error
}

// lines reads what is typed beside all else: a read of a terminal does not end with
// the context.
func lines(ctx context.Context, in io.Reader) <-chan line {
	typed := make(chan line)
	go func() {
		for scanner := bufio.NewScanner(in); ; {
			next := line{err: io.EOF}
			if scanner.Scan() {
				next = line{text: strings.TrimSpace(scanner.Text())}
			} else if scanner.Err() != nil {
				next.err = scanner.Err()
			}
			select {
			case typed <- next:
			case <-ctx.Done():
				return
			}
		}
	}()
	return typed
}

// prompt asks for a line.
func (c *chat) prompt(ctx context.Context, text string) (string, error) {
	fmt.Fprint(c.out, text)
	select {
	case l := <-c.in:
		return l.text, l.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// ask answers a question and names the records that the answer rests on.
func (c *chat) ask(ctx context.Context, question string) error {
	answer, err := c.agent.Run(ctx, question, c.history...)
	if err != nil {
		return err
	}
	c.history = answer.Messages
	fmt.Fprintln(c.out)
	if answer.Refusal != "" {
		fmt.Fprintln(c.out, "refused:", answer.Refusal)
	}
	if answer.Stop != openaitools.StopAnswer && answer.Stop != openaitools.StopRefusal {
		fmt.Fprintln(c.out, "stopped:", answer.Stop)
	}
	for _, source := range answer.Citations {
		fmt.Fprintf(c.out, "  %s %s %s\n", source, source.Title, source.URL)
	}
	for _, name := range answer.Invented {
		fmt.Fprintf(c.out, "  %s was not among what the functions returned\n", name)
	}
	return nil
}

// show writes what happens on the way to an answer.
func (c *chat) show(e openaitools.Event) {
	switch e.Kind {
	case openaitools.EventText:
		fmt.Fprint(c.out, e.Text)
	case openaitools.EventRestart:
		fmt.Fprintln(c.out, "\n(once more)")
	case openaitools.EventRetry:
		fmt.Fprintf(c.out, "\n(retry %d in %s: %v)\n", e.Retry, e.Pause, e.Err)
	case openaitools.EventCall:
		fmt.Fprintf(c.out, "\n-> %s %s\n", e.Call.Function.Name, e.Call.Function.Arguments)
	case openaitools.EventResult:
		if e.Err != nil {
			fmt.Fprintf(c.out, "<- %s: %v\n", e.Call.Function.Name, e.Err)
			return
		}
		fmt.Fprintf(c.out, "<- %s: %s (%d bytes)\n", e.Call.Function.Name, e.Result.Message, len(e.Result.Data))
	}
}

// confirm asks before a function changes something.
func (c *chat) confirm(ctx context.Context, asked *functions.Confirmation) (bool, error) {
	text, err := c.prompt(ctx, fmt.Sprintf("\n%s\nMay it do that? Type yes: ", asked))
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return text == "yes", err
}
