package inverted

import (
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Request says what to look for in the index of one organization.
type Request struct {
	Query   *Query           // nil: every document matches
	Filters []content.Filter // on names of [Document.Values]; all of them must hold
	Any     []content.Filter // at least one of them must hold, unless there are none
	Without []int64          // documents that do not match, by the number of their first chunk
	OrderBy string           // without a Query and a Sort: the name of the values that order documents, largest first
	Sort    Sort             // in place of the order by score or by OrderBy

	Facets     []string    // names whose values are counted over all matching documents
	FacetLimit int         // values returned of each facet; the rest is in [Result.Other]; 0 returns all
	Histograms []Histogram // times that are counted by their day, week, month or year

	Limit   int       // number of hits; 0 counts only
	After   *Position // hits begin behind this one
	Explain bool      // fill in [Hit.Terms]
}

// A Sort orders documents by a value: numbers, booleans and times by size, texts
// by their bytes without regard to case. A document with several values counts
// with the least when ascending, with the greatest otherwise. Documents without a
// value come last either way, equal ones in the order in which they were indexed.
type Sort struct {
	Name      string // of values; "" is no Sort
	Ascending bool
}

// A Histogram counts documents by a time, in UTC.
type Histogram struct {
	Name     string // of values; those that are not times are not counted
	Interval Interval
}

// An Interval is the width of a bar of a [Histogram].
type Interval string

// The intervals. Weeks begin on Monday.
const (
	Day   Interval = "day"
	Week  Interval = "week"
	Month Interval = "month"
	Year  Interval = "year"
)

// A Position is a hit's place in the order of hits.
type Position struct {
	Score    float64 // or the number, or the time in microseconds since 1970, that a [Sort] goes by
	Text     string  // the text that a Sort goes by
	Document int64
}

// A Hit is a document with the chunk that matches best.
type Hit struct {
	Document int64    // number of the document's first chunk
	Chunk    int64    // number of the best chunk
	Score    float64  // of that chunk; without a Query and a Sort the value that documents are ordered by
	At       Position // to go on behind it
	Terms    []Term   // what the score consists of, when asked for
}

// A Term is what one word of the query, or a property of the whole, adds to the
// score of a chunk. The scores of a hit's terms add up to that of the hit.
type Term struct {
	Text      string // the word as it stands in the query
	Kind      TermKind
	Found     []string // what was found in its place, when that is something else, at most eight
	Title     int      // how often it is in the title
	Body      int      // and in the text of the chunk
	Documents int      // chunks of the organization that have it
	Score     float64
}

// A TermKind says why a [Term] counts.
type TermKind string

// The kinds of terms.
const (
	WordTerm       TermKind = "word"        // the chunk has the word, or another form of it
	IdentifierTerm TermKind = "identifier"  // the chunk has the identifier as a whole
	PrefixTerm     TermKind = "prefix"      // the chunk has longer words that begin with the last one
	SpellingTerm   TermKind = "spelling"    // the chunk has words that are spelled nearly so
	PhraseTerm     TermKind = "phrase"      // the chunk has the quoted phrase
	NearTerm       TermKind = "near"        // words of the query stand close together
	TitleTerm      TermKind = "exact title" // the query is the title
)

// A Count is the number of matching documents with a value.
type Count struct {
	Value string
	Count int
}

// A Bar is the number of matching documents with a time in an interval.
type Bar struct {
	Start time.Time // UTC
	Count int
}

// A Result holds hits in descending order of score, equal scores in ascending
// order of document, or in the order of the request's Sort; the number of
// documents that match on all pages together; and for each facet asked for the
// values of these documents, most frequent first. A document with several values
// counts for each.
type Result struct {
	Total      int
	Hits       []Hit
	Facets     map[string][]Count
	Other      map[string]int // for each facet, the sum of the counts that the request's FacetLimit cuts off
	Histograms [][]Bar        // for each one asked for, in order of time, without empty bars

	// Query is that of the request, with the words that were found in place of
	// unknown ones: use its Marks to show where a text matches.
	Query *Query
}
