package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
)

var update = flag.Bool("update", false, "write the golden files")

// eachDatabase runs a test on an empty database of each kind.
func eachDatabase(t *testing.T, test func(t *testing.T, db string)) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, databasetest.DSN(t, kind))
		})
	}
}

// An ended is what a user sees of one call of the program.
type ended struct {
	status         int
	stdout, stderr string
}

func quickstart(t *testing.T, args ...string) ended {
	t.Helper()
	var stdout, stderr bytes.Buffer
	return quickstartTo(t.Context(), &stdout, &stderr, args...)
}

func quickstartTo(ctx context.Context, stdout, stderr *bytes.Buffer, args ...string) ended {
	status := exitStatus(run(ctx, args, stdout, stderr), stderr)
	return ended{status, stdout.String(), stderr.String()}
}

// ok fails the test unless the program ended well and said nothing on stderr.
func (e ended) ok(t *testing.T) ended {
	t.Helper()
	if e.status != 0 || e.stderr != "" {
		t.Fatalf("status %d: %s\n%s", e.status, e.stderr, e.stdout)
	}
	return e
}

// failed fails the test unless the program ended with a status and one line on
// stderr that contains each of the words.
func (e ended) failed(t *testing.T, status int, words ...string) ended {
	t.Helper()
	if e.status != status {
		t.Errorf("status %d, want %d; stderr: %s", e.status, status, e.stderr)
	}
	if !strings.HasPrefix(e.stderr, "quickstart: ") || strings.Count(e.stderr, "\n") != 1 || len(e.stderr) > 400 {
		t.Errorf("stderr is not one clear line:\n%s", e.stderr)
	}
	for _, w := range words {
		if !strings.Contains(e.stderr, w) {
			t.Errorf("stderr does not say %q: %s", w, e.stderr)
		}
	}
	return e
}

// The documented form of -json.
type (
	jsonForm struct {
		Run       *runForm               `json:"run"`
		Hits      []hitForm              `json:"hits"`
		Total     int                    `json:"total"`
		Facets    map[string][]valueForm `json:"facets"`
		Functions []string               `json:"functions"`
	}
	runForm struct {
		ID      string                `json:"id"`
		Status  string                `json:"status"`
		Error   string                `json:"error"`
		Streams map[string]streamForm `json:"streams"`
	}
	streamForm struct {
		counts
		Failures []failureForm `json:"failures"`
	}
	failureForm struct {
		File   string `json:"file"`
		Line   int    `json:"line"`
		Reason string `json:"reason"`
	}
	hitForm struct {
		Type       string              `json:"type"`
		ID         string              `json:"id"`
		Label      string              `json:"label"`
		Title      string              `json:"title"`
		Score      float64             `json:"score"`
		Highlights map[string][]string `json:"highlights"`
	}
	valueForm struct {
		Value string `json:"value"`
		Label string `json:"label"`
		Count int    `json:"count"`
	}
)

type counts struct {
	Seen        int64 `json:"seen"`
	Created     int64 `json:"created"`
	Updated     int64 `json:"updated"`
	Unchanged   int64 `json:"unchanged"`
	Duplicates  int64 `json:"duplicates"`
	Deleted     int64 `json:"deleted"`
	Failed      int64 `json:"failed"`
	BadValues   int64 `json:"bad_values"`
	Indexed     int64 `json:"indexed"`
	IndexFailed int64 `json:"index_failed"`
}

// counts returns the counts of a stream by the short name of its type.
func (f jsonForm) counts(t *testing.T, name string) counts {
	t.Helper()
	if f.Run == nil {
		t.Fatal("nothing was imported")
	}
	return f.Run.Streams["salesforce_"+name].counts
}

// json reads what -json wrote: exactly one object with exactly the documented
// keys, none of them null but run.
func (e ended) json(t *testing.T) jsonForm {
	t.Helper()
	var form jsonForm
	dec := json.NewDecoder(strings.NewReader(e.stdout))
	if err := dec.Decode(&form); err != nil {
		t.Fatalf("stdout is no JSON: %v\n%s%s", err, e.stdout, e.stderr)
	}
	if rest, err := io.ReadAll(dec.Buffered()); err != nil || strings.TrimSpace(string(rest)) != "" {
		t.Errorf("behind the object stands %q, %v", rest, err)
	}
	var object, run map[string]json.RawMessage
	var hits []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.stdout), &object); err != nil {
		t.Fatal(err)
	}
	keys(t, object, "facets", "functions", "hits", "run", "total")
	if form.Run != nil {
		if err := json.Unmarshal(object["run"], &run); err != nil {
			t.Fatal(err)
		}
		keys(t, run, "error", "id", "status", "streams")
		var streams map[string]map[string]json.RawMessage
		if err := json.Unmarshal(run["streams"], &streams); err != nil {
			t.Fatal(err)
		}
		for _, s := range streams {
			for _, more := range []string{"bad_values", "failures", "note"} { // when there are some
				if v := string(s[more]); v == "0" || v == "[]" || v == `""` {
					t.Errorf("%s is %s", more, v)
				}
				delete(s, more)
			}
			keys(t, s, "created", "deleted", "duplicates", "failed", "index_failed", "indexed", "seen", "unchanged", "updated")
		}
	}
	if err := json.Unmarshal(object["hits"], &hits); err != nil {
		t.Fatal(err)
	}
	for _, h := range hits {
		keys(t, h, "highlights", "id", "label", "score", "title", "type")
	}
	return form
}

func keys(t *testing.T, object map[string]json.RawMessage, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(object))); d != "" {
		t.Errorf("keys: %s", d)
	}
	for key, value := range object {
		if string(value) == "null" && key != "run" {
			t.Errorf("%s is null", key)
		}
	}
}

// organization opens the database that the program has filled.
func organization(t *testing.T, db, name string) *curatore.Organization {
	t.Helper()
	c, err := curatore.Open(t.Context(), curatore.Config{Database: db}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	org, err := c.Organization(t.Context(), name, "test")
	if err != nil {
		t.Fatal(err)
	}
	return org
}

// stored counts the records of each type.
func stored(t *testing.T, org *curatore.Organization) map[string]int64 {
	t.Helper()
	n := map[string]int64{}
	for _, typ := range org.Types() {
		page, err := org.List(t.Context(), typ.Name(), curatore.ListQuery{Limit: 1, Total: true})
		if err != nil {
			t.Fatal(err)
		}
		n[strings.TrimPrefix(typ.Name(), "salesforce_")] = page.Total
	}
	return n
}

var (
	ids     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	cursors = regexp.MustCompile(`"next_cursor": "[^"]+"`)
	times   = regexp.MustCompile(`"(created|updated)_at": "[^"]+"`)
	phases  = regexp.MustCompile(`(?m)^  [a-z]+ …\n`) // a quick import skips some
)

// What a newcomer sees first is in testdata/sample.txt; go test -update writes it
// anew. It is the same on both databases, ranking included.
func TestSampleOutput(t *testing.T) {
	golden := filepath.Join("testdata", "sample.txt")
	eachDatabase(t, func(t *testing.T, db string) {
		out := quickstart(t, "-db", db).ok(t).stdout
		if strings.Contains(out, "\x1b") {
			t.Error("it holds control codes, but is no terminal")
		}
		out = ids.ReplaceAllString(out, "ID")
		out = cursors.ReplaceAllString(out, `"next_cursor": "CURSOR"`)
		out = times.ReplaceAllString(out, `"${1}_at": "TIME"`)
		out = phases.ReplaceAllString(out, "")
		out = strings.Replace(out, "export_query, ", "", 1) // needs the object store that stands beside an SQLite file
		if *update {
			if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(out, "\n")); d != "" {
			t.Errorf("run go test ./examples/quickstart -update if this is right: %s", d)
		}
	})
}

// export writes a generated export and returns its parts.
func export(t *testing.T, o salesforcetest.Options) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), fmt.Sprint(o.Edition))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	parts, _, err := salesforcetest.WriteDir(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}
