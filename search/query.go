package search

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// Limits of a [Query].
const (
	DefaultLimit = 20
	MaxLimit     = 100
	MaxOffset    = 10_000

	maxFacetValues = 100
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

	// Facets are the fields whose values are counted; the 100 most frequent values
	// of each are returned. Nil counts group, type and content_type; a list that is
	// empty counts nothing.
	Facets []string `json:"facets,omitempty"`

	Limit  int `json:"limit,omitempty"`  // hits on the page: 20 by default, more than 100 count as 100
	Offset int `json:"offset,omitempty"` // hits before the page: up to 10,000; use Cursor to go on further

	// Cursor goes on behind the page whose NextCursor it is. All else but Limit,
	// Facets and Highlight must be as it was for that page.
	Cursor string `json:"cursor,omitempty"`

	Highlight Highlight `json:"highlight,omitzero"`

	// Mode says by which evidence to search; "" is hybrid where there is an
	// [Embedder], else keyword.
	Mode Mode `json:"mode,omitempty"`
}

// A Mode says by which evidence documents are found.
type Mode string

// The modes of a query.
const (
	ModeKeyword Mode = "keyword" // the words of the text
	ModeVector  Mode = "vector"  // the closeness of its meaning
	ModeHybrid  Mode = "hybrid"  // both
)

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
	case q.Highlight.Fragments < 0 || q.Highlight.Size < 0:
		return q, fmt.Errorf("%w search: highlight with negative numbers", content.ErrInvalid)
	}
	q.Limit = min(cmp.Or(q.Limit, DefaultLimit), MaxLimit)
	q.Highlight.Fragments = cmp.Or(q.Highlight.Fragments, 2)
	q.Highlight.Size = cmp.Or(q.Highlight.Size, 200)
	if q.Facets == nil {
		q.Facets = defaultFacets
	}
	q.Facets = slices.Compact(slices.Sorted(slices.Values(q.Facets)))
	for _, f := range q.Filters {
		if err := f.Check(); err != nil {
			return q, err
		}
	}
	return q, nil
}

// A Result is a page of hits, and numbers about all documents that match.
type Result struct {
	Total      int                     `json:"total"`  // documents on all pages together
	Hits       []Hit                   `json:"hits"`   // the best first
	Facets     map[string][]FacetCount `json:"facets"` // by field, the most frequent value first
	NextCursor string                  `json:"next_cursor,omitempty"`

	// Degraded says that a part of search failed, so that the answer comes from
	// words alone, and DegradedReason says which and why.
	Degraded       bool   `json:"degraded,omitempty"`
	DegradedReason string `json:"degraded_reason,omitempty"`
}

// A Hit is a document that matches, shown by its best chunk.
type Hit struct {
	Type        string  `json:"type"`  // type name
	Label       string  `json:"label"` // the type's display name
	Group       string  `json:"group"`
	ID          string  `json:"id"` // of the record
	Title       string  `json:"title"`
	Filename    string  `json:"filename,omitempty"`
	ContentType string  `json:"content_type,omitempty"`
	URL         string  `json:"url,omitempty"`
	ChunkIndex  int     `json:"chunk_index"` // of the best chunk in the document, from 0
	Score       float64 `json:"score"`       // comparable within one query only; 0 without a text

	// Highlights are "title" and "content", as far as the query matches there:
	// HTML in which everything is escaped but the <mark> around what matches.
	Highlights map[string][]string `json:"highlights,omitempty"`
}

// A FacetCount is the number of documents with a value.
type FacetCount struct {
	Value string `json:"value"`
	Label string `json:"label"` // for people: a type's display name, else the value
	Count int    `json:"count"`
}
