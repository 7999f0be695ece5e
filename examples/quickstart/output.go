package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A report is what the program has done.
type report struct {
	imported *imported // nil when nothing was imported
	found    *search.Result
}

// An output shows it: for people, or as one JSON object.
type output struct {
	o         options
	w         io.Writer
	bar       io.Writer // where a progress bar is drawn; nil: plain lines
	color     bool
	phase     string
	barActive bool
}

func newOutput(o options, stdout, stderr io.Writer) *output {
	out := &output{o: o, w: stdout, color: isTerminal(stdout)}
	switch {
	case o.json && isTerminal(stderr):
		out.bar = stderr
	case !o.json && out.color:
		out.bar = stdout
	}
	return out
}

// progress draws the bar, or a line for each phase.
func (out *output) progress(u jobs.Update) {
	r := u.Run
	if out.bar == nil {
		if !out.o.json && r.Phase != "" && r.Phase != out.phase {
			fmt.Fprintf(out.w, "%s …\n", r.Phase)
		}
		out.phase = r.Phase
		return
	}
	const width = 30
	text := fmt.Sprintf("%-10s", r.Phase)
	switch {
	case r.Total > 0:
		full := int(min(r.Done, r.Total) * width / r.Total)
		text += fmt.Sprintf(" [%s%s] %3d%%", strings.Repeat("█", full), strings.Repeat("░", width-full), min(r.Done, r.Total)*100/r.Total)
	case r.Done > 0:
		text += fmt.Sprintf(" %d records", r.Done)
	}
	fmt.Fprintf(out.bar, "\r\x1b[K%s", text)
	out.barActive = true
	if r.Status.Ended() {
		fmt.Fprint(out.bar, "\r\x1b[K")
		out.barActive = false
	}
}

// failed shows an import that did not complete.
func (out *output) failed(r report) error {
	if out.barActive {
		fmt.Fprintln(out.bar)
	}
	if r.imported == nil {
		return nil
	}
	if out.o.json {
		return out.json(r, nil)
	}
	return out.run(r.imported)
}

// show shows everything.
func (out *output) show(ctx context.Context, org *curatore.Organization, r report) error {
	if out.o.json {
		var names []string
		for _, f := range org.Functions().List() {
			names = append(names, f.Name())
		}
		return out.json(r, names)
	}
	if r.imported != nil {
		if err := out.run(r.imported); err != nil {
			return err
		}
	}
	out.hits(r.found)
	return errors.Join(out.functions(org), out.calls(ctx, org, r.found))
}

func (out *output) heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if out.color {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	fmt.Fprintf(out.w, "\n%s\n", text)
}

// run shows the counts of an import by object.
func (out *output) run(i *imported) error {
	out.heading("Run %s: %s", i.run.ID, i.run.Status)
	if i.result.DryRun {
		fmt.Fprintln(out.w, "A dry run: this is what would happen; nothing was changed.")
	}
	w := tabwriter.NewWriter(out.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "object\tseen\tcreated\tupdated\tunchanged\tduplicates\tdeleted\tfailed\tindexed\t")
	for _, name := range slices.Sorted(maps.Keys(i.result.Streams)) {
		c := i.result.Streams[name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, c.Seen, c.Created, c.Updated, c.Unchanged, c.Duplicates, c.Deleted, c.Failed, c.Indexed)
	}
	err := w.Flush()
	for _, name := range slices.Sorted(maps.Keys(i.result.Streams)) {
		if note := i.result.Streams[name].Note; note != "" {
			fmt.Fprintf(out.w, "%s: nothing was deleted: %s\n", name, note)
		}
	}
	for _, f := range i.result.Failures {
		fmt.Fprintf(out.w, "  %s\n", f)
	}
	return err
}

// hits shows the found records and the facets.
func (out *output) hits(r *search.Result) {
	if out.o.query == "" {
		out.heading("The newest of %d records", r.Total)
	} else {
		out.heading("Search for %q: %d found", out.o.query, r.Total)
	}
	for i, h := range r.Hits {
		title := html.EscapeString(h.Title)
		if marked := h.Highlights["title"]; len(marked) > 0 {
			title = marked[0]
		}
		fmt.Fprintf(out.w, "%2d. %-12s %s  (%.2f)\n", i+1, h.Label, out.marked(title), h.Score)
		for _, text := range h.Highlights["content"] {
			fmt.Fprintf(out.w, "    %s\n", out.marked(strings.Join(strings.Fields(text), " ")))
		}
	}
	for _, field := range slices.Sorted(maps.Keys(r.Facets)) {
		var values []string
		for _, v := range r.Facets[field] {
			values = append(values, fmt.Sprintf("%s %d", v.Label, v.Count))
		}
		if len(values) > 0 {
			fmt.Fprintf(out.w, "  by %s: %s\n", field, strings.Join(values, ", "))
		}
	}
}

// marked turns the marks of a highlight into what the terminal, or plain text,
// can show.
func (out *output) marked(text string) string {
	start, end := "*", "*"
	if out.color {
		start, end = "\x1b[1;33m", "\x1b[0m"
	}
	return html.UnescapeString(strings.NewReplacer("<mark>", start, "</mark>", end).Replace(text))
}

// functions shows what a model may call.
func (out *output) functions(org *curatore.Organization) error {
	var names []string
	var schema json.RawMessage
	for _, f := range org.Functions().List() {
		names = append(names, f.Name())
		if f.Name() == "search_salesforce" {
			schema = f.InputSchema()
		}
	}
	out.heading("Functions for a language model")
	fmt.Fprintln(out.w, strings.Join(names, ", "))
	fmt.Fprintln(out.w, "\nThe JSON Schema of search_salesforce:")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, schema, "", "  "); err != nil {
		return err
	}
	fmt.Fprintln(out.w, pretty.String())
	return nil
}

// calls calls three functions as a model would.
func (out *output) calls(ctx context.Context, org *curatore.Organization, r *search.Result) error {
	calls := [][2]string{
		{"search", fmt.Sprintf(`{"query": %s, "limit": 1}`, quoted(cmp.Or(out.o.query, "cloud migration")))},
		{"query_model", `{"model": "salesforce_opportunity", "select": ["name", "stage_name", "amount"], "order": [{"field": "amount", "desc": true}], "limit": 3}`},
	}
	if len(r.Hits) > 0 {
		calls = append(calls, [2]string{"get", fmt.Sprintf(`{"type": %s, "id": %s}`, quoted(r.Hits[0].Type), quoted(r.Hits[0].ID))})
	}
	for _, call := range calls {
		out.heading("%s(%s)", call[0], call[1])
		result, err := org.Functions().Call(ctx, call[0], json.RawMessage(call[1]))
		if err != nil {
			return fmt.Errorf("call %s: %w", call[0], err)
		}
		text, err := result.JSON()
		if err != nil {
			return err
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, text, "", "  "); err != nil {
			return err
		}
		fmt.Fprintln(out.w, pretty.String())
	}
	return nil
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(b)
}

// The JSON form of the output.
type (
	jsonOutput struct {
		Run       *jsonRun                       `json:"run"`
		Hits      []jsonHit                      `json:"hits"`
		Total     int                            `json:"total"`
		Facets    map[string][]search.FacetCount `json:"facets"`
		Functions []string                       `json:"functions"`
	}
	jsonRun struct {
		ID       string                        `json:"id"`
		Status   jobs.Status                   `json:"status"`
		Error    string                        `json:"error"`
		DryRun   bool                          `json:"dry_run,omitempty"`
		Streams  map[string]*connectors.Counts `json:"streams"`
		Failures []connectors.Failure          `json:"failures,omitempty"`
	}
	jsonHit struct {
		Type       string              `json:"type"`
		ID         string              `json:"id"`
		Label      string              `json:"label"`
		Title      string              `json:"title"`
		Score      float64             `json:"score"`
		Highlights map[string][]string `json:"highlights"`
	}
)

func (out *output) json(r report, functions []string) error {
	j := jsonOutput{Hits: []jsonHit{}, Facets: map[string][]search.FacetCount{}, Functions: append([]string{}, functions...)}
	if i := r.imported; i != nil {
		j.Run = &jsonRun{ID: i.run.ID, Status: i.run.Status, Error: i.run.Error, DryRun: i.result.DryRun, Streams: i.result.Streams, Failures: i.result.Failures}
		if j.Run.Streams == nil {
			j.Run.Streams = map[string]*connectors.Counts{}
		}
	}
	if r.found != nil {
		j.Total, j.Facets = r.found.Total, r.found.Facets
		for _, h := range r.found.Hits {
			highlights := h.Highlights
			if highlights == nil {
				highlights = map[string][]string{}
			}
			j.Hits = append(j.Hits, jsonHit{h.Type, h.ID, h.Label, h.Title, h.Score, highlights})
		}
	}
	enc := json.NewEncoder(out.w)
	enc.SetEscapeHTML(false)
	return enc.Encode(j)
}
