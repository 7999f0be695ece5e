// Testreport turns the output of go test -json, of one or several runs, into what a person
// wants to see. Plain go test hides why tests of a passing package were skipped, and -v hides
// the rest in noise. It prints the line of each package, each skip with its reason, all that
// failed tests printed, and closes with "N passed, N failed, N skipped". A test that several
// runs contain counts once: failed if it failed in any, passed if it passed in any.
//
// It exits with 1 when a test failed, a package failed without one (it did not build, it
// panicked, TestMain failed), or no test passed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() {
	start := time.Now()
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.close(time.Since(start)) {
		os.Exit(1)
	}
}

// event is a line of go test -json; see "go doc test2json" and "go help buildjson".
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

type outcome int

const (
	skipped outcome = iota
	passed
	failed
)

// test names a test; name is empty for what a package does outside of its tests.
type test struct{ pkg, name string }

type report struct {
	out      io.Writer
	output   map[test][]string // of tests that have not ended
	outcomes map[test]outcome
	packages map[string]bool // that have tests, and whether one of them failed
	failures []test          // in the order in which they came
}

func newReport(out io.Writer) *report {
	return &report{
		out:      out,
		output:   map[test][]string{},
		outcomes: map[test]outcome{},
		packages: map[string]bool{},
	}
}

// read reports the events of in up to its end. A line that is no event is passed on.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "":
		case !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil:
			fmt.Fprint(r.out, line)
		default:
			r.add(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "start":
		r.packages[e.Package] = false
	case "output":
		// "=== RUN" and its like only tell how far a test is.
		if !strings.HasPrefix(e.Output, "=== ") {
			r.output[t] = append(r.output[t], e.Output)
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(t, e.Action)
		}
		delete(r.output, t)
	}
}

func (r *report) endTest(t test, action string) {
	switch action {
	case "pass":
		r.record(t, passed)
	case "fail":
		r.packages[t.pkg] = true
		r.print(t)
		r.record(t, failed)
	case "skip":
		if _, known := r.outcomes[t]; known {
			return
		}
		fmt.Fprintf(r.out, "skip\t%s %s\n", t.pkg, t.name)
		for _, line := range r.output[t] {
			if !strings.Contains(line, "--- SKIP: ") {
				fmt.Fprint(r.out, line)
			}
		}
		r.record(t, skipped)
	}
}

func (r *report) endPackage(e event) {
	t := test{pkg: e.Package}
	switch e.Action {
	case "skip": // no test files
		delete(r.packages, t.pkg)
	case "pass":
		for _, line := range r.output[t] {
			if strings.HasPrefix(line, "ok ") && !strings.Contains(line, "[no tests to run]") {
				fmt.Fprint(r.out, line)
			}
		}
	case "fail":
		// Tests that were running when the package panicked or timed out have not ended.
		for running := range r.output {
			if running.pkg == t.pkg && running.name != "" {
				r.print(running)
				delete(r.output, running)
			}
		}
		r.print(t)
		if !r.packages[t.pkg] {
			r.record(test{t.pkg, "(outside of a test that ended)"}, failed)
		}
	}
}

// record keeps the worst that is known: a failure, else a pass.
func (r *report) record(t test, result outcome) {
	before, known := r.outcomes[t]
	if known && before >= result {
		return
	}
	r.outcomes[t] = result
	if result == failed {
		r.failures = append(r.failures, t)
	}
}

func (r *report) print(t test) {
	fmt.Fprint(r.out, strings.Join(r.output[t], ""))
}

// close prints the summary and tells whether all is well.
func (r *report) close(took time.Duration) bool {
	counts := map[outcome]int{}
	for _, result := range r.outcomes {
		counts[result]++
	}
	for i, t := range r.failures {
		if i == 0 {
			fmt.Fprintln(r.out, "\nfailed:")
		}
		fmt.Fprintf(r.out, "  %s %s\n", t.pkg, t.name)
	}
	fmt.Fprintf(r.out, "\npackages: %d, time: %s\n", len(r.packages), took.Round(time.Second))
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", counts[passed], counts[failed], counts[skipped])
	return counts[failed] == 0 && counts[passed] > 0
}
