package mcpserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

var authority = content.NewAuthority()

// A session is a server on lines that a test writes and reads.
type session struct {
	t     *testing.T
	in    *io.PipeWriter
	out   *bufio.Scanner
	ended chan error
	stop  context.CancelFunc
}

type word struct {
	Word string `json:"word"`
}

// start serves echo, which returns its word, and wait, which tells began and waits
// until free is closed or it is cancelled.
func start(t *testing.T, began chan<- string, free <-chan struct{}) *session {
	t.Helper()
	e, err := functions.NewEngine(functions.Config{},
		functions.Define(functions.Spec{Name: "echo", Description: "Returns a word."}, func(_ context.Context, _ *functions.Call, in word) (word, error) { return in, nil }),
		functions.Define(functions.Spec{Name: "wait", Description: "Waits."}, func(ctx context.Context, _ *functions.Call, in word) (word, error) {
			began <- in.Word
			select {
			case <-free:
				return in, nil
			case <-ctx.Done():
				return in, context.Cause(ctx)
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(e.Bind(authority.Mint("org", "me")), Config{Parallel: 200})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	s := &session{t: t, in: inW, out: bufio.NewScanner(outR), ended: make(chan error, 1), stop: stop}
	s.out.Buffer(nil, 64<<20)
	go func() {
		err := serve(ctx, server, inR, outW)
		_ = inR.Close() // it always returns nil
		_ = outW.Close()
		s.ended <- err
	}()
	t.Cleanup(func() {
		stop()
		_ = inW.Close()
		_ = outR.Close()
	})
	return s
}

func (s *session) send(lines ...string) {
	s.t.Helper()
	for _, l := range lines {
		if _, err := io.WriteString(s.in, l+"\n"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// get reads a line.
func (s *session) get() string {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("no line: %v", s.out.Err())
	}
	return s.out.Text()
}

// initialize begins the session in a version of the protocol.
func (s *session) initialize(version string) string {
	s.t.Helper()
	s.send(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"` + version + `","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	got := s.get()
	s.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return got
}

func (s *session) end(within time.Duration) {
	s.t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("ended with %v", err)
		}
	case <-time.After(within):
		s.t.Fatal("it did not end")
	}
}

func toolCall(id any, name, args string) string {
	raw, _ := json.Marshal(id)
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, raw, name, args)
}

// What is no message is answered, and the next one is read.
func TestLinesThatAreNoMessages(t *testing.T) {
	s := start(t, nil, nil)
	s.send(``, `  `, `{"jsonrpc":"2.0","id":0,"method":"ping"`) // truncated, before anything else
	if got := s.get(); !strings.Contains(got, `"code":-32700`) || !strings.Contains(got, `"id":null`) {
		t.Errorf("got %s", got)
	}
	if got := s.initialize("2025-11-25"); !strings.Contains(got, `"protocolVersion":"2025-11-25"`) {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]string{
		`hello`:                                  "-32700",
		`{"jsonrpc":"2.0","id":1}{"jsonrpc":"2"`: "-32700",
		"\x00\xff\xfe":                           "-32700",
		`7`:                                      "-32600",
		`"ping"`:                                 "-32600",
		`null`:                                   "-32600",
		`{}`:                                     "-32600",
		`{"jsonrpc":"1.0","id":1,"method":"ping"}`:   "-32600",
		`{"jsonrpc":"2.0","id":{},"method":"ping"}`:  "-32600",
		`{"jsonrpc":"2.0","id":[1],"method":"ping"}`: "-32600",
		`[]`:  "-32600",
		`[1]`: "-32600",
		`{"jsonrpc":"2.0","id":5,"method":"no/such"}`:                                                        "-32601",
		`{"jsonrpc":"2.0","id":5,"method":"tools/call"}`:                                                     "-32600",
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":[1,2]}`:                                      "-32602",
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":7}}`:                                 "-32602",
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"none","arguments":{}}}`:             "-32602",
		`{"jsonrpc":"2.0","id":5,"method":"resources/read","params":{"uri":"curatore://none/1"}}`:            `"error"`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":[1]}}`:            "invalid_arguments",
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":"{\"word\":1}"}}`: `word\":\"1`,
		strings.Repeat("[", 100_000): "-32700",
		`{"jsonrpc":"2.0","id":5,"method":"ping","params":{"x":"` + strings.Repeat("x", maxLine) + `"}}`: "at most 4194304 bytes",
	} {
		s.send(text)
		if got := s.get(); !strings.Contains(got, want) {
			t.Errorf("%.80s: got %.300s, want %s", text, got, want)
		}
	}
	s.send(toolCall(9, "echo", `{"word":"still there"}`))
	if got := s.get(); !strings.Contains(got, "still there") || !strings.Contains(got, `"id":9`) {
		t.Errorf("got %s", got)
	}
	_ = s.in.Close()
	s.end(time.Minute)
}

// Versions that nobody knows are answered with one that is known.
func TestUnknownProtocolVersions(t *testing.T) {
	for _, version := range []string{"", "1.0", "2099-01-01", "2024-11-05", strings.Repeat("9", 10_000)} {
		s := start(t, nil, nil)
		got := s.initialize(version)
		var answer struct {
			Result struct {
				ProtocolVersion string `json:"protocolVersion"`
			}
		}
		if err := json.Unmarshal([]byte(got), &answer); err != nil || len(answer.Result.ProtocolVersion) != len("2025-11-25") {
			t.Errorf("%.20q: %s", version, got)
		}
		s.send(toolCall(1, "echo", `{"word":"works"}`))
		if got := s.get(); !strings.Contains(got, "works") {
			t.Errorf("%.20q: %s", version, got)
		}
	}
}

// A batch is answered by an array, whatever else is in it.
func TestBatches(t *testing.T) {
	s := start(t, nil, nil)
	s.initialize("2025-03-26")
	s.send(`[` + toolCall(1, "echo", `{"word":"a"}`) + `,{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}},{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":78}},` +
		toolCall("two", "echo", `{"word":"b"}`) + `,{"jsonrpc":"2.0","id":3,"method":"no/such"}]`)
	var answers []struct{ ID any }
	if err := json.Unmarshal([]byte(s.get()), &answers); err != nil || len(answers) != 3 {
		t.Fatalf("%v, %v", answers, err)
	}
	s.send(`[{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":79}}]`) // which nothing answers
	s.send(`[` + toolCall(4, "echo", `{"word":"c"}`) + `,{"id":5}]`)
	if got := s.get(); !strings.Contains(got, "-32600") {
		t.Errorf("a batch with something else: %s", got)
	}
	s.send(toolCall(4, "echo", `{"word":"d"}`))
	if got := s.get(); !strings.Contains(got, `"id":4`) {
		t.Errorf("got %s", got)
	}
}

// A hundred calls at once are all answered, each with its own word, also one whose
// id is taken.
func TestManyCallsAtOnce(t *testing.T) {
	began, free := make(chan string, 200), make(chan struct{})
	s := start(t, began, free)
	s.initialize("2025-11-25")
	for i := range 100 {
		s.send(toolCall(i, "wait", fmt.Sprintf(`{"word":"w%d"}`, i)))
	}
	for range 100 {
		<-began // all of them run side by side
	}
	s.send(toolCall(50, "echo", `{"word":"taken"}`))
	if got := s.get(); !strings.Contains(got, "under way") || !strings.Contains(got, `"id":null`) {
		t.Errorf("got %s", got)
	}
	s.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99,"reason":"enough"}}`)
	if got := s.get(); !strings.Contains(got, `"id":99`) || strings.Contains(got, "w99") {
		t.Errorf("cancelled: %s", got)
	}
	close(free)
	seen := map[string]bool{}
	for range 99 {
		var answer struct {
			ID     int
			Result struct {
				StructuredContent struct{ Data word } `json:"structuredContent"`
			}
		}
		got := s.get()
		if err := json.Unmarshal([]byte(got), &answer); err != nil || answer.Result.StructuredContent.Data.Word != fmt.Sprint("w", answer.ID) {
			t.Fatalf("%v: %s", err, got)
		}
		seen[answer.Result.StructuredContent.Data.Word] = true
	}
	if len(seen) != 99 {
		t.Errorf("%d different answers", len(seen))
	}
}

// Behind the end of stdin calls that are under way are still answered, and what
// does not end is cancelled.
func TestStdinEndsInMidCall(t *testing.T) {
	began, free := make(chan string, 10), make(chan struct{})
	s := start(t, began, free)
	s.initialize("2025-11-25")
	s.send(toolCall(1, "wait", `{"word":"late"}`))
	<-began
	if _, err := io.WriteString(s.in, toolCall(2, "echo", `{"word":"without a line's end"}`)); err != nil {
		t.Fatal(err)
	}
	_ = s.in.Close()
	if got := s.get(); !strings.Contains(got, "without a line's end") {
		t.Errorf("got %s", got)
	}
	close(free)
	if got := s.get(); !strings.Contains(got, "late") {
		t.Errorf("got %s", got)
	}
	s.end(time.Minute)

	began = make(chan string, 10)
	s = start(t, began, nil)
	s.initialize("2025-11-25")
	s.send(toolCall(1, "wait", `{"word":"for ever"}`))
	<-began
	_ = s.in.Close()
	s.end(time.Minute)
}

// A signal ends the program also in mid-call.
func TestEndedInMidCall(t *testing.T) {
	began := make(chan string, 10)
	s := start(t, began, nil)
	s.initialize("2025-11-25")
	s.send(toolCall(1, "wait", `{"word":"for ever"}`))
	<-began
	s.stop()
	s.end(time.Minute)
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", maxLine+2)
	in := bufio.NewReader(strings.NewReader("a\r\n\n  b \n" + long + "\n" + strings.Repeat("y", maxLine) + "\nlast"))
	var got []string
	for {
		text, err := readLine(in)
		switch {
		case errors.Is(err, errLong):
			got = append(got, "long")
		case len(text) == maxLine:
			got = append(got, "just right")
		default:
			got = append(got, string(text))
		}
		if errors.Is(err, io.EOF) {
			break
		}
	}
	if want := []string{"a", "", "b", "long", "just right", "last", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"{}", "[]\n{}", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "[1,2]\n\n", `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		connection, err := (&lines{in: strings.NewReader(text), out: &out, done: t.Context().Done()}).Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := connection.(*lineConn)
		for {
			if _, err := c.Read(t.Context()); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			clear(c.open) // as if it were answered
		}
		for answer := range strings.Lines(out.String()) {
			if !json.Valid([]byte(answer)) {
				t.Fatalf("wrote %q", answer)
			}
		}
	})
}
