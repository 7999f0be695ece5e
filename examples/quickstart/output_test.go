package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// updates are what an import tells while it goes on.
func updates() []jobs.Update {
	started := []jobs.Event{{Type: jobs.EventImportStart, Message: "Salesforce import started"}}
	bad := []jobs.Event{{Type: jobs.EventError, Message: "a.zip/Account.csv line 2:\x1b[31m\nbad"}, {Type: jobs.EventCompleted, Message: "done"}}
	return []jobs.Update{
		{Run: jobs.Run{Status: jobs.Pending}},
		{Run: jobs.Run{Status: jobs.Running, Phase: "parsing"}, Events: started},
		{Run: jobs.Run{Status: jobs.Running, Phase: "importing", Done: 5, Total: 20}},
		{Run: jobs.Run{Status: jobs.Running, Phase: "importing", Done: 30, Total: 20}},
		{Run: jobs.Run{Status: jobs.Running, Phase: "indexing", Done: 12}},
		{Run: jobs.Run{Status: jobs.Completed, Phase: "indexing", Done: 12}, Events: bad},
	}
}

// Without a terminal there is a line for each phase, on a terminal a bar, which
// is gone in the end, and with -json nothing on stdout.
func TestProgress(t *testing.T) {
	var plain, both, stdout, stderr bytes.Buffer
	lines := newOutput(options{}, &plain, nil)
	terminal := newOutput(options{}, &both, nil)
	terminal.bar = &both
	object := newOutput(options{json: true}, &stdout, nil)
	object.bar = &stderr
	for _, u := range updates() {
		lines.progress(u)
		terminal.progress(u)
		object.progress(u)
	}
	want := "  parsing …\n  importing …\n  indexing …\n"
	events := []string{"  Salesforce import started\n", "  a.zip/Account.csv line 2:\uFFFD[31m bad\n"}
	if d := cmp.Diff(events[0]+want+events[1], plain.String()); d != "" {
		t.Error(d)
	}
	const clear = "\r\x1b[K"
	bars := []string{
		"  parsing    0 records", "  importing  ███████░░░░░░░░░░░░░░░░░░░░░░░  25%",
		"  importing  ██████████████████████████████ 100%", "  indexing   12 records",
	}
	if d := cmp.Diff(clear+clear+events[0]+clear+strings.Join(bars, clear+clear)+clear+events[1], both.String()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(clear+clear+clear+strings.Join(bars, clear+clear)+clear, stderr.String()); d != "" || stdout.Len() > 0 {
		t.Errorf("stdout %q, stderr: %s", stdout.String(), d)
	}
}

// Marks are colours on a terminal and stars elsewhere, and data cannot bring
// control codes or marks of its own.
func TestMarked(t *testing.T) {
	text := "Stage: &lt;mark&gt;\n\n<mark>Cloud</mark> &amp; migration\x1b[31m \u202e\n"
	out := newOutput(options{}, &bytes.Buffer{}, nil)
	if got, want := out.marked(text), "Stage: <mark> · *Cloud* & migration\uFFFD[31m \uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.color = true
	if got, want := out.marked("<mark>Cloud</mark>"), "\x1b[1;33mCloud\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPretty(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, tt := range []struct{ raw, want string }{
		{`{}`, `{}`},
		{`{"a":[1,2,{"b":null}],"c":"{"}`, `{"a": [1, 2, {"b": null}], "c": "{"}`},
		{`{"a":1,"b":"` + long + `","c":{"d":"` + long + `"},"e":[],"f":true}`,
			"{\n  \"a\": 1, \"b\": \"" + long + "\",\n  \"c\": {\"d\": \"" + long + "\"},\n  \"e\": [],\n  \"f\": true\n}"},
	} {
		got := pretty(json.RawMessage(tt.raw))
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Error(d)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(got)); err != nil || compact.String() != tt.raw {
			t.Errorf("%s became %s, %v", tt.raw, compact.String(), err)
		}
	}
}

func TestShortened(t *testing.T) {
	if got := shortened("a\nb"); got != "a\nb" {
		t.Errorf("got %q", got)
	}
	got := strings.Split(shortened(strings.Repeat("ä", 200)+strings.Repeat("\nb", 99)), "\n")
	if len(got) != 61 || got[0] != strings.Repeat("ä", 160)+"…" || got[60] != "… and 40 more lines" {
		t.Errorf("%d lines: %q … %q", len(got), got[0], got[len(got)-1])
	}
}

// A full disk is an error, with -json and without.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("there is no /dev/full: %v", err)
	}
	defer full.Close()
	for _, o := range []options{{}, {json: true}} {
		out := newOutput(o, full, nil)
		out.line("Importing")
		r := report{found: &search.Result{Hits: make([]search.Hit, 100)}} // more than is buffered
		if err := out.report(r); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
