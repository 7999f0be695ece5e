package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// endpoint streams one reply after the other.
func endpoint(t *testing.T, replies ...string) string {
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer a key" || len(replies) == 0 {
			http.Error(w, "not now", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", replies[0])
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		replies = replies[1:]
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func says(text string) string {
	raw, _ := json.Marshal(map[string]string{"content": text})
	return string(raw)
}

func calls(name, arguments string) string {
	raw, _ := json.Marshal(map[string]any{"tool_calls": []any{map[string]any{"index": 0, "id": "c1", "type": "function", "function": map[string]string{"name": name, "arguments": arguments}}}})
	return string(raw)
}

// An interrupt ends the chat wherever it is: while it waits for a line, for a yes,
// and in the middle of a reply.
func TestInterrupt(t *testing.T) {
	hangs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Well, \"}}]}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(hangs.Close)
	for _, c := range []struct{ name, url, typed, until string }{
		{"before a question", hangs.URL, "", "you: "},
		{"in a reply", hangs.URL, "hi\n", "Well, "},
		{"before a yes", endpoint(t, calls("export_query", `{"model":"salesforce_account"}`)), "export\n", "Type yes: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, interrupt := context.WithCancelCause(t.Context())
			typed, terminal := io.Pipe() // which stays open
			shown, screen := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				err := run(ctx, []string{"-db", "sqlite:" + filepath.Join(t.TempDir(), "c.db"), "-url", c.url}, "a key", typed, screen, io.Discard)
				ended <- errors.Join(err, screen.Close())
			}()
			go func() { _, _ = io.WriteString(terminal, c.typed) }()
			var all []byte
			for one := make([]byte, 1); !strings.HasSuffix(string(all), c.until); all = append(all, one...) {
				if _, err := shown.Read(one); err != nil {
					t.Fatalf("%v after %s", err, all)
				}
			}
			reason := errors.New("interrupted")
			interrupt(reason)
			rest, err := io.ReadAll(shown)
			if err != nil || strings.Contains(string(rest), "once more") {
				t.Errorf("then it showed %q, %v", rest, err)
			}
			if err := <-ended; !errors.Is(err, reason) {
				t.Errorf("ended with %v", err)
			}
			_ = terminal.Close()
		})
	}
}

func TestChat(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "c.db")
	for _, c := range []struct {
		name, typed string
		replies     []string
		want        []string
		not         []string
	}{
		{"a call and an answer", "what is there?\n", []string{calls("list_types", "{}"), says("Accounts, see [salesforce_account/x].")},
			[]string{"-> list_types {}", "<- list_types: There are 3 types", "Accounts, see", "[salesforce_account/x] was not among what the functions returned"}, nil},
		{"a yes", "export\nyes\n", []string{calls("export_query", `{"model":"salesforce_account"}`), says("Written.")},
			[]string{`export_query {"model":"salesforce_account"}`, "May it do that?", "<- export_query: Wrote 0 records"}, nil},
		{"a no", "export\nno\n", []string{calls("export_query", `{"model":"salesforce_account"}`), says("Then not.")},
			[]string{"May it do that?", "<- export_query: forbidden: The person did not agree.", "Then not."}, []string{"Wrote"}},
		{"what moves the cursor", "hi\n", []string{calls("list_types", "{\"x\u001b]0;title\u0007"), says("red \u001b[31mtext\u009b2J, 東 👍")},
			[]string{"red [31mtext2J, 東 👍", `{"x]0;title`}, []string{"\u001b", "\u009b", "\u0007"}},
		{"the end of the input", "export\n", []string{calls("export_query", `{"model":"salesforce_account"}`), says("Then not.")},
			[]string{"The person did not agree."}, []string{"Wrote"}},
		{"what cannot be done", "import\n", []string{calls("start_import", `{"connection":"salesforce"}`), says("Please upload it.")},
			[]string{"An import of salesforce cannot begin", "no files; give all parts of one export"}, []string{"May it do that?"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			err := run(t.Context(), []string{"-db", dsn, "-url", endpoint(t, c.replies...)}, "a key", strings.NewReader(c.typed), &out, &errs)
			if err != nil || errs.Len() > 0 {
				t.Fatalf("%v, %s", err, errs.String())
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the chat lacks %q:\n%s", want, out.String())
				}
			}
			for _, not := range c.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("the chat has %q:\n%s", not, out.String())
				}
			}
		})
	}
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"-db", dsn, "-url", endpoint(t, says("Hello.")), "-q", "hi"}, "a key", strings.NewReader(""), &out, &errs); err != nil || !strings.Contains(out.String(), "Hello.") {
		t.Errorf("one question: %v, %s", err, out.String())
	}
	if err := run(t.Context(), []string{"-db", dsn, "-url", endpoint(t), "-q", "hi"}, "a key", strings.NewReader(""), &out, &errs); err == nil {
		t.Error("an endpoint that refuses was taken for one that answers")
	}
}
