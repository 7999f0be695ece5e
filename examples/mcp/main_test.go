package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore"
)

// serves names the variable that makes the test binary the program itself.
const serves = "CURATORE_TEST_MCP"

func TestMain(m *testing.M) {
	if os.Getenv(serves) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// filled returns a database with an imported export for the organization acme.
func filled(t *testing.T) (dsn string) {
	t.Helper()
	dsn = "sqlite:" + filepath.Join(t.TempDir(), "c.db")
	c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 5, Contacts: 5})
	if err != nil {
		t.Fatal(err)
	}
	var files []connectors.File
	for _, p := range parts {
		files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: bytes.NewReader(p.Data)})
	}
	run, err := org.Import(t.Context(), "salesforce", files...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return dsn
}

func program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), serves+"=yes")
	return cmd
}

// use connects and does what a desktop client does first.
func use(t *testing.T, transport mcp.Transport) {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) < 8 {
		t.Fatalf("%v, %v", tools, err)
	}
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "query_model", Arguments: map[string]any{"model": "salesforce_account", "aggregates": []any{map[string]any{"op": "count"}}}})
	if err != nil || result.IsError || !strings.Contains(result.Content[0].(*mcp.TextContent).Text, `"rows":[{"count":5}]`) {
		t.Errorf("got %+v, %v", result, err)
	}
	read, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "curatore://catalogue"})
	if err != nil || !strings.Contains(read.Contents[0].Text, "salesforce_account") {
		t.Errorf("got %+v, %v", read, err)
	}
}

// Over stdio a client works, so nothing but the protocol is on stdout.
func TestStdio(t *testing.T) {
	cmd := program(t.Context(), "-db", filled(t))
	use(t, &mcp.CommandTransport{Command: cmd})
}

func TestHTTP(t *testing.T) {
	dsn := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-db", dsn, "-http", "127.0.0.1:0"}, nil, io.Discard, w)
		ended <- errors.Join(err, w.Close())
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	words := strings.Fields(line) // serving URL with the key KEY
	transport := &http.Transport{}
	use(t, &mcp.StreamableClientTransport{Endpoint: words[1], HTTPClient: &http.Client{Transport: withKey{words[len(words)-1], transport}}})
	transport.CloseIdleConnections()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it did not end")
	}
}

type withKey struct {
	key  string
	next http.RoundTripper
}

func (k withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+k.key)
	return k.next.RoundTrip(r)
}

func TestCommandLine(t *testing.T) {
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"-db", "sqlite:" + filepath.Join(t.TempDir(), "c.db"), "-key", "laptop"}, nil, &out, &errs); err != nil || !strings.HasPrefix(out.String(), "cur_") {
		t.Errorf("-key printed %q, %v", out.String(), err)
	}
	for _, args := range [][]string{{"-h"}, {"-x"}, {"file"}, {"-db", "mysql://x"}, {"-db", "sqlite:" + filepath.Join(t.TempDir(), "c.db"), "-org", ""}} {
		out.Reset()
		if err := run(t.Context(), args, nil, &out, io.Discard); err == nil || out.Len() > 0 {
			t.Errorf("%v: %v, wrote %q", args, err, out.String())
		} else if args[0] == "-h" && !errors.Is(err, flag.ErrHelp) {
			t.Errorf("-h: %v", err)
		}
	}
}

// A client that cannot ask its person has something written after they agreed in a
// terminal, once.
func TestApproval(t *testing.T) {
	dsn := filled(t)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: program(t.Context(), "-db", dsn)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	write := func() string {
		t.Helper()
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "export_query", Arguments: map[string]any{"model": "salesforce_account"}})
		if err != nil {
			t.Fatal(err)
		}
		return result.Content[0].(*mcp.TextContent).Text
	}
	terminal := func(typed string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-db", dsn, "-approve"}, strings.NewReader(typed), &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := terminal(""); got != "Nothing waits.\n" {
		t.Errorf("before: %q", got)
	}
	if got := write(); !strings.Contains(got, "needs_confirmation") || !strings.Contains(got, "-approve") {
		t.Errorf("got %s", got)
	}
	if got := terminal("what?\n") + terminal(""); strings.Count(got, `mcp wants export_query {"model":"salesforce_account"}`) != 2 {
		t.Errorf("got %q", got)
	}
	if got := terminal("no\n") + terminal(""); !strings.HasSuffix(got, "Nothing waits.\n") {
		t.Errorf("got %q", got)
	}
	if got := write(); !strings.Contains(got, "needs_confirmation") {
		t.Errorf("after a no: %s", got)
	}
	if got := terminal("yes\n"); !strings.Contains(got, "Tell the model to call it again.") {
		t.Errorf("got %q", got)
	}
	if got := write(); !strings.Contains(got, "Wrote 5 records") {
		t.Errorf("after a yes: %s", got)
	}
	if got := write(); !strings.Contains(got, "needs_confirmation") {
		t.Errorf("a second time: %s", got)
	}
}
