package helpdesk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	helpdesk "github.com/curatore/curatore-go/examples/connection"

	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// server is a helpdesk with two pages of tickets.
func server() *httptest.Server {
	pages := map[string]string{
		"/tickets": `{"tickets": [
			{"id": "T-1", "subject": "Printer on fire", "body": "Smoke comes out of the printer on the second floor.", "status": "open"},
			{"id": "T-2", "subject": "Password reset", "body": "I forgot my password again.", "status": "closed", "closed": "2026-02-03T10:00:00Z"}], "next": "/more"}`,
		"/more": `{"tickets": [
			{"id": "T-3", "subject": "New laptop", "body": "The old one cannot find any printer.", "status": "open"}]}`,
		"/tickets/T-1": `{"status": "solved"}`,
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, page)
	}))
}

func Example() {
	ctx := context.Background()
	s := server()
	defer s.Close()
	dir, err := os.MkdirTemp("", "helpdesk")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()

	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "helpdesk.db")}, helpdesk.New(helpdesk.Settings{URL: s.URL}))
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	run, err := org.Import(ctx, "helpdesk")
	check(err)
	result, err := run.Wait(ctx)
	check(err)
	fmt.Println("imported:", result.Streams["helpdesk_ticket"].Created)

	found, err := org.Search(ctx, search.Query{Text: "printers"})
	check(err)
	for _, h := range found.Hits {
		fmt.Printf("%s %q: %q\n", h.Label, h.Title, h.Highlights["content"])
	}
	for _, f := range org.Functions().List() {
		if f.Name() == "search_helpdesk" {
			var schema bytes.Buffer
			check(json.Indent(&schema, f.InputSchema(), "", "  "))
			fmt.Println(schema.String())
		}
	}
	status, err := org.Functions().Call(ctx, "ticket_status", json.RawMessage(`{"ticket_id": "T-1"}`))
	check(err)
	fmt.Println(string(status.Data))
	// Output:
	// imported: 3
	// Ticket "Printer on fire": ["Status: open\n\nSmoke comes out of the <mark>printer</mark> on the second floor."]
	// Ticket "New laptop": ["Status: open\n\nThe old one cannot find any <mark>printer</mark>."]
	// {
	//   "properties": {
	//     "query": {
	//       "type": "string",
	//       "maxLength": 500,
	//       "description": "Words to look for; a phrase in quotation marks must occur as it is. Without it the newest records come first"
	//     },
	//     "types": {
	//       "items": {
	//         "type": "string",
	//         "enum": [
	//           "helpdesk_ticket"
	//         ]
	//       },
	//       "type": "array",
	//       "uniqueItems": true,
	//       "description": "Only records of these types; without it all"
	//     },
	//     "status": {
	//       "items": {
	//         "type": "string",
	//         "maxLength": 1000
	//       },
	//       "type": "array",
	//       "maxItems": 500,
	//       "description": "Only records with one of these values of Status"
	//     },
	//     "limit": {
	//       "type": "integer",
	//       "minimum": 1,
	//       "description": "How many to return, at most 100; a higher number is lowered to 100",
	//       "default": 20
	//     },
	//     "cursor": {
	//       "type": "string",
	//       "maxLength": 10000,
	//       "description": "next_cursor of the previous result, with otherwise unchanged arguments"
	//     }
	//   },
	//   "additionalProperties": false,
	//   "type": "object"
	// }
	// {"status":"solved"}
}

// A data connection is one file: under a hundred lines, and nothing beside it
// but its tests.
func TestConnectionIsOneFile(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if len(files) != 1 {
		t.Errorf("the connection takes the files %v", files)
	}
	text, err := os.ReadFile("helpdesk.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n >= 100 {
		t.Errorf("helpdesk.go has %d lines", n)
	}
}
