package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// An output shows what the program does: lines for people, or one JSON object.
type output struct {
	w     *bufio.Writer // keeps the first error, which report returns
	bar   io.Writer     // the terminal on which a progress bar is drawn; nil for none
	json  bool
	color bool
	query string // that was searched for
	phase string // of the import, as it was shown last
}

func newOutput(o options, stdout, stderr io.Writer) *output {
	out := &output{w: bufio.NewWriter(stdout), json: o.json, color: isTerminal(stdout), query: o.query}
	switch {
	case o.json && isTerminal(stderr):
		out.bar = stderr
	case !o.json && out.color:
		out.bar = stdout
	}
	return out
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// line shows a line at once, except where only JSON is wanted.
func (out *output) line(format string, args ...any) {
	if !out.json {
		fmt.Fprintln(out.w, oneLine(fmt.Sprintf(format, args...)))
		_ = out.w.Flush() // an error comes back from report
	}
}

// progress shows the events of an import, and how far it is: as a bar on a
// terminal, else as a line for each phase.
func (out *output) progress(u jobs.Update) {
	out.draw("")
	for _, e := range u.Events {
		switch e.Type {
		case jobs.EventCompleted, jobs.EventFailed, jobs.EventTimedOut, jobs.EventCancelled: // the report tells it
		default:
			out.line("  %s", e.Message)
		}
	}
	switch r := u.Run; {
	case r.Status.Ended() || r.Phase == "":
	case out.bar != nil:
		out.draw(bar(r))
	case r.Phase != out.phase:
		out.line("  %s …", r.Phase)
		out.phase = r.Phase
	}
}

// draw replaces the bar; "" removes it.
func (out *output) draw(bar string) {
	if out.bar != nil {
		fmt.Fprint(out.bar, "\r\x1b[K"+bar)
	}
}

// bar is one line of fixed width.
func bar(r jobs.Run) string {
	if r.Total <= 0 {
		return fmt.Sprintf("  %-10s %d records", r.Phase, r.Done)
	}
	const width = 30
	done := max(0, min(r.Done, r.Total))
	full := int(done * width / r.Total)
	return fmt.Sprintf("  %-10s %s%s %3d%%", r.Phase, strings.Repeat("█", full), strings.Repeat("░", width-full), done*100/r.Total)
}

// report shows everything that was done, and returns the first error of writing.
func (out *output) report(r report) error {
	if out.json {
		if err := writeJSON(out.w, r); err != nil {
			return err
		}
		return out.w.Flush()
	}
	if r.run != nil {
		out.run(r.run, r.result)
	}
	if r.found != nil {
		out.hits(r.found)
		out.functions(r)
	}
	for _, c := range r.calls {
		out.heading("%s(%s)", c.name, c.args)
		fmt.Fprintln(out.w, shortened(pretty(c.result)))
	}
	return out.w.Flush()
}

func (out *output) heading(format string, args ...any) {
	text := oneLine(fmt.Sprintf(format, args...))
	if out.color {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	fmt.Fprintf(out.w, "\n%s\n", text)
}

// run shows the counts of an import by type.
func (out *output) run(run *jobs.Run, result *connectors.Result) {
	out.heading("Run %s: %s", run.ID, run.Status)
	if result.DryRun {
		fmt.Fprintln(out.w, "A dry run: this is what would happen. No record was changed.")
	}
	if len(result.Streams) == 0 {
		return
	}
	w := tabwriter.NewWriter(out.w, 0, 0, 1, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%-22s\tseen\tcreated\tupdated\tunchanged\tduplicates\tdeleted\tfailed\tindexed\t\n", "")
	var failed, bad int64
	for _, name := range slices.Sorted(maps.Keys(result.Streams)) {
		c := result.Streams[name]
		failed, bad = failed+c.Failed, bad+c.BadValues
		fmt.Fprintf(w, "%-22s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, c.Seen, c.Created, c.Updated, c.Unchanged, c.Duplicates, c.Deleted, c.Failed, c.Indexed)
	}
	_ = w.Flush() // it writes to out.w, which keeps its error
	if failed+bad > 0 && !result.DryRun {
		fmt.Fprintf(out.w, "%d records failed, %d values were left out: file, line and reason of each are in the table import_failures.\n", failed, bad)
	}
}

// hits shows the found records and the facets.
func (out *output) hits(r *search.Result) {
	if strings.TrimSpace(out.query) == "" {
		out.heading("The newest of %d records", r.Total)
	} else {
		out.heading("Search for %q: %d found", out.query, r.Total)
	}
	for i, h := range r.Hits {
		title := []string{html.EscapeString(h.Title)}
		if marked := h.Highlights["title"]; len(marked) > 0 {
			title = marked
		}
		fmt.Fprintf(out.w, "%2d. %-12s %s", i+1, h.Label, out.marked(title[0]))
		if h.Score > 0 {
			fmt.Fprintf(out.w, "  (%.2f)", h.Score)
		}
		fmt.Fprintln(out.w)
		for _, text := range h.Highlights["content"] {
			fmt.Fprintf(out.w, "    %s\n", out.marked(text))
		}
	}
	for _, field := range slices.Sorted(maps.Keys(r.Facets)) {
		var values []string
		for _, v := range r.Facets[field] {
			values = append(values, oneLine(fmt.Sprintf("%s %d", v.Label, v.Count)))
		}
		if len(values) > 0 {
			fmt.Fprintf(out.w, "    %s: %s\n", field, strings.Join(values, ", "))
		}
	}
}

// marked turns the HTML of a highlight into one line of what the terminal, or
// plain text, can show.
func (out *output) marked(text string) string {
	var lines []string
	for l := range strings.Lines(text) {
		if l = oneLine(l); l != "" {
			lines = append(lines, l)
		}
	}
	start, end := "*", "*"
	if out.color {
		start, end = "\x1b[1;33m", "\x1b[0m"
	}
	return html.UnescapeString(strings.NewReplacer("<mark>", start, "</mark>", end).Replace(strings.Join(lines, " · ")))
}

// functions shows what a model may call, and how it learns that.
func (out *output) functions(r report) {
	var names []string
	for _, f := range r.functions {
		names = append(names, f.Name())
	}
	out.heading("Functions for a language model: %s", strings.Join(names, ", "))
	for _, f := range r.functions {
		if f.Name() == "search_salesforce" {
			out.heading("The JSON Schema of %s", f.Name())
			fmt.Fprintln(out.w, pretty(f.InputSchema()))
		}
	}
}
