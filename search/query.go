package search

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

// Limits of a [Query].
const (
	DefaultLimit = 20
	MaxLimit     = 100
	MaxOffset    = 10_000

	maxFacets      = 50
	maxFacetValues = 1000
	maxFilters     = 100
	maxPassages    = 10
	maxHighlight   = 10_000
)

// A Query says what to search for. The zero Query finds everything, the newest
// first.
type Query struct {
	// Text is what a person types: words, of which each counts and none has to be
	// there, and "quoted phrases", which have to. The last word matches longer
	// ones that begin with it, unless a space follows. Any text of any length is
	// taken; of a long one the first 128 different words count. Without Text the
	// newest documents come first; a Text without words finds nothing.
	Text string `json:"text,omitempty"`

	// Types and Groups, taken together, are what to search in: a document is
	// found when its type or its group is named. Without both it is everything.
	Types  []string `json:"types,omitempty"`
	Groups []string `json:"groups,omitempty"`

	// Filters all have to hold. A field is "type", "group", "content_type",
	// "updated_at", or one of the metadata as "namespace.field".
	Filters []content.Filter `json:"filters,omitempty"`

	// Facets are the fields whose values are counted; the most frequent values of
	// each are returned, FacetLimit of them, and the rest is in Result.Other. Nil
	// counts group, type and content_type; a list that is empty counts nothing.
	Facets     []string `json:"facets,omitempty"`
	FacetLimit int      `json:"facet_limit,omitempty"` // 100 by default, at most 1,000

	// Histograms are the times that are counted by day, week, month or year.
	Histograms []Histogram `json:"histograms,omitempty"`

	Limit  int `json:"limit,omitempty"`  // hits on the page: 20 by default, more than 100 count as 100
	Offset int `json:"offset,omitempty"` // hits before the page: up to 10,000; use Cursor to go on further

	// Cursor goes on behind the page whose NextCursor it is. What decides which
	// documents are found and in what order must be as it was for that page.
	Cursor string `json:"cursor,omitempty"`

	// Sort orders the documents in which words of the text are found, or all
	// without a text, by a field in place of the score. Vectors play no part then.
	Sort Sort `json:"sort,omitzero"`

	Highlight Highlight `json:"highlight,omitzero"`

	// Passages is how many of its best chunks each hit brings along: 0 by default,
	// at most 10.
	Passages int `json:"passages,omitempty"`

	// Mode says by which evidence to search; "" is hybrid where there is an
	// [Embedder], else keyword.
	Mode Mode `json:"mode,omitempty"`

	// Fusion says how the scores of the two arms become one; "" is min-max.
	Fusion Fusion `json:"fusion,omitempty"`

	// Language is that of the documents to be found, as a BCP 47 tag; "" is all
	// those that the registered types have. It decides how words are brought to
	// their stems.
	Language string `json:"language,omitempty"`

	// MinScore leaves out, of hits, total and facets, documents with a lower
	// score. In vector mode the score is a cosine, and so comparable across
	// queries; in hybrid mode it is relative to the best that was found; in
	// keyword mode it is BM25.
	MinScore float64 `json:"min_score,omitempty"`

	Explain bool `json:"explain,omitempty"` // tell how the score of each hit came about
}

// A Mode says by which evidence documents are found.
type Mode string

// The modes of a query.
const (
	ModeKeyword Mode = "keyword" // the words of the text
	ModeVector  Mode = "vector"  // the closeness of its meaning: the 500 nearest chunks
	ModeHybrid  Mode = "hybrid"  // both
)

// A Sort orders documents by a field: one of those that can be filtered by.
// Documents without a value come last.
type Sort struct {
	Field      string `json:"field"`
	Descending bool   `json:"descending,omitempty"`
}

// A Histogram counts documents by a time, in UTC.
type Histogram struct {
	Field    string            `json:"field"`
	Interval inverted.Interval `json:"interval"`
}

// A Highlight says how much of the text a hit shows. The zero value shows up to
// two fragments of some 200 characters.
type Highlight struct {
	Off       bool `json:"off,omitempty"`
	Fragments int  `json:"fragments,omitempty"` // of the text: 2 by default
	Size      int  `json:"size,omitempty"`      // bytes of a fragment, cut at words: 200 by default
}

// defaultFacets are counted when a query names none.
var defaultFacets = []string{FieldGroup, FieldType, FieldContentType}

// normalize fills in defaults and refuses what cannot be answered.
func (q Query) normalize() (Query, error) {
	switch {
	case q.Limit < 0:
		return q, fmt.Errorf("%w search: limit %d; use 1 to %d, or 0 for %d", content.ErrInvalid, q.Limit, MaxLimit, DefaultLimit)
	case q.Offset < 0 || q.Offset > MaxOffset:
		return q, fmt.Errorf("%w search: offset %d; use 0 to %d, or the cursor of the page before", content.ErrInvalid, q.Offset, MaxOffset)
	case q.Offset > 0 && q.Cursor != "":
		return q, fmt.Errorf("%w search: offset and cursor together; use one", content.ErrInvalid)
	case q.Highlight.Fragments < 0 || q.Highlight.Size < 0 || q.Highlight.Fragments > maxHighlight || q.Highlight.Size > maxHighlight:
		return q, fmt.Errorf("%w search: highlight of %d fragments of %d bytes; use 0 to %d", content.ErrInvalid, q.Highlight.Fragments, q.Highlight.Size, maxHighlight)
	case q.FacetLimit < 0 || q.FacetLimit > maxFacetValues:
		return q, fmt.Errorf("%w search: facet limit %d; use 1 to %d", content.ErrInvalid, q.FacetLimit, maxFacetValues)
	case len(q.Facets)+len(q.Histograms) > maxFacets:
		return q, fmt.Errorf("%w search: %d facets and histograms; at most %d are counted at once", content.ErrInvalid, len(q.Facets)+len(q.Histograms), maxFacets)
	case len(q.Filters) > maxFilters:
		return q, fmt.Errorf("%w search: %d filters; use at most %d", content.ErrInvalid, len(q.Filters), maxFilters)
	case q.Passages < 0 || q.Passages > maxPassages:
		return q, fmt.Errorf("%w search: %d passages; use 0 to %d", content.ErrInvalid, q.Passages, maxPassages)
	case math.IsNaN(q.MinScore) || math.IsInf(q.MinScore, 0):
		return q, fmt.Errorf("%w search: the smallest score is %v", content.ErrInvalid, q.MinScore)
	case q.Sort.Field != "" && q.MinScore != 0:
		return q, fmt.Errorf("%w search: sort and min score together; documents that are sorted have no score", content.ErrInvalid)
	case q.Sort.Field != "" && q.Mode == ModeVector:
		return q, fmt.Errorf("%w search: sort in vector mode; sort what words find, or do without", content.ErrInvalid)
	}
	if err := oneOf("mode", q.Mode, "", ModeKeyword, ModeVector, ModeHybrid); err != nil {
		return q, err
	}
	if err := oneOf("fusion", q.Fusion, "", MinMax, ReciprocalRank); err != nil {
		return q, err
	}
	for _, h := range q.Histograms {
		if err := oneOf("interval", h.Interval, inverted.Day, inverted.Week, inverted.Month, inverted.Year); err != nil {
			return q, err
		}
	}
	q.Limit = min(cmp.Or(q.Limit, DefaultLimit), MaxLimit)
	q.Fusion = cmp.Or(q.Fusion, MinMax)
	q.FacetLimit = cmp.Or(q.FacetLimit, 100)
	q.Highlight.Fragments = cmp.Or(q.Highlight.Fragments, 2)
	q.Highlight.Size = cmp.Or(q.Highlight.Size, 200)
	if q.Facets == nil {
		q.Facets = defaultFacets
	}
	q.Facets = slices.Compact(slices.Sorted(slices.Values(q.Facets)))
	q.Filters = slices.Clone(q.Filters)
	for i, f := range q.Filters {
		if err := f.Check(); err != nil {
			return q, err
		}
		q.Filters[i].Values = slices.Clone(f.Values)
		for j, v := range f.Values { // as the values of documents
			q.Filters[i].Values[j] = clean(v)
		}
	}
	return q, nil
}

// oneOf refuses a name that is not among those there are.
func oneOf[T ~string](what string, got T, known ...T) error {
	if slices.Contains(known, got) {
		return nil
	}
	names := make([]string, 0, len(known))
	for _, k := range known {
		if k != "" {
			names = append(names, string(k))
		}
	}
	return fmt.Errorf("%w search: unknown %s %q; use one of %s", content.ErrInvalid, what, got, strings.Join(names, ", "))
}
