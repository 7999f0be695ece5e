package connectors

import (
	"fmt"
	"slices"
)

// A Result is what an import did. It is the result of its run.
type Result struct {
	Streams  map[string]*Counts `json:"streams"`            // by type name
	Failures []Failure          `json:"failures,omitempty"` // the first 20
	Skipped  []Skipped          `json:"skipped,omitempty"`  // parts of the source that could not be read
	DryRun   bool               `json:"dry_run,omitempty"`
}

// Counts are the numbers of one stream. Created, updated, unchanged, duplicates
// and failed add up to seen.
type Counts struct {
	Seen        int64  `json:"seen"` // records, without tombstones
	Created     int64  `json:"created"`
	Updated     int64  `json:"updated"`
	Unchanged   int64  `json:"unchanged"`
	Duplicates  int64  `json:"duplicates"` // the same key again; the last one counts
	Deleted     int64  `json:"deleted"`    // by tombstones, by the full sync, and with their parents
	Failed      int64  `json:"failed"`     // kept with their payload in import_failures
	BadValues   int64  `json:"bad_values"` // single values that were left out
	Indexed     int64  `json:"indexed"`
	IndexFailed int64  `json:"index_failed"`   // stay queued for the next import
	Note        string `json:"note,omitempty"` // why nothing was deleted, when something would have been
}

// maxListed bounds the failures that a Result lists.
const maxListed = 20

// A Failure is a record that could not be imported, or a value of one that was
// left out. All of them stand in the table import_failures.
type Failure struct {
	Type   string `json:"type"`
	Scope  string `json:"scope"` // "record" or "field"
	Key    string `json:"key,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
	raw    []byte
	kept   bool // it stands in the table already
}

// String writes the failure as one line: file, line, column, value, reason.
func (f Failure) String() string {
	s := f.File
	if f.Line > 0 {
		s += fmt.Sprintf(" line %d", f.Line)
	}
	if f.Column != "" {
		s += fmt.Sprintf(" %s", f.Column)
	}
	if s != "" {
		s += ": "
	}
	return s + f.Reason
}

func (r *Result) counts(typeName string) *Counts {
	c := r.Streams[typeName]
	if c == nil {
		c = &Counts{}
		r.Streams[typeName] = c
	}
	return c
}

// clone returns a copy that shares nothing which an import changes.
func (r *Result) clone() Result {
	c := *r
	c.Skipped = slices.Clone(r.Skipped)
	c.Failures, c.Streams = slices.Clone(r.Failures), make(map[string]*Counts, len(r.Streams))
	for name, counts := range r.Streams {
		copied := *counts
		c.Streams[name] = &copied
	}
	return c
}
