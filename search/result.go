package search

import (
	"time"

	"github.com/curatore/curatore-go/search/inverted"
)

// A Result is a page of hits, and numbers about all documents that match.
type Result struct {
	Total      int                     `json:"total"`                // documents on all pages together
	Hits       []Hit                   `json:"hits"`                 // the best first
	Facets     map[string][]FacetCount `json:"facets"`               // by field, the most frequent value first
	Other      map[string]int          `json:"other,omitempty"`      // by field, the counts together of the values that are not among its facets
	Histograms []Bars                  `json:"histograms,omitempty"` // as asked for
	NextCursor string                  `json:"next_cursor,omitempty"`

	// Degraded says that a part of search failed, so that the answer comes without
	// it, and DegradedReason says which and why.
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
	Location    string  `json:"location,omitempty"` // where in the source the best chunk matches: "page 3"; "" where texts have no such places
	ChunkIndex  int     `json:"chunk_index"`        // of the best chunk in the document, from 0
	Score       float64 `json:"score"`              // comparable within one query only; 0 without a text

	// Highlights are "title" and "content", as far as the query matches there:
	// HTML in which everything is escaped but the <mark> around what matches.
	Highlights map[string][]string `json:"highlights,omitempty"`

	// Passages are the best chunks, best first, as many as the query asks for.
	Passages []Passage `json:"passages,omitempty"`

	Explanation *Explanation `json:"explanation,omitempty"` // when asked for
}

// A Passage is a chunk of a hit.
type Passage struct {
	ChunkIndex int     `json:"chunk_index"`        // in the document, from 0
	Location   string  `json:"location,omitempty"` // where in the source it matches, as that of a Hit
	Text       string  `json:"text"`               // as it is: it may contain anything, also HTML
	Score      float64 `json:"score"`              // comparable within one query only
}

// An Explanation says how the score of a hit came about.
type Explanation struct {
	Arms []ArmScore `json:"arms"` // those that found the document

	// Terms are the words that matched, and what each adds to the raw score of the
	// keyword arm.
	Terms []inverted.Term `json:"terms,omitempty"`

	// Exact says why the hit stands before those that are only better: its
	// "title" is the query, or it has an "identifier" of the query. It adds 1 to
	// the score.
	Exact string `json:"exact,omitempty"`

	// Relevance is what the [Reranker] said; 1 is added to it, to make the score.
	Relevance *float64 `json:"relevance,omitempty"`
}

// An ArmScore is what one arm of search says about a document.
type ArmScore struct {
	Arm        Mode    `json:"arm"`        // keyword or vector
	Rank       int     `json:"rank"`       // from 1; 0 when it was not among the candidates
	Raw        float64 `json:"raw"`        // BM25, or a cosine
	Normalized float64 `json:"normalized"` // 0 … 1 among what was found, or by its rank
	Weight     float64 `json:"weight"`     // the part of the score is the product of the two
}

// A FacetCount is the number of documents with a value.
type FacetCount struct {
	Value string `json:"value"`
	Label string `json:"label"` // for people: the display name of a type or a group, else the value
	Count int    `json:"count"`
}

// Bars are the numbers of documents by time, in order, without empty bars.
type Bars struct {
	Histogram
	Bars []Bar `json:"bars"`
}

// A Bar is the number of documents with a time in an interval.
type Bar struct {
	Start time.Time `json:"start"` // UTC
	Count int       `json:"count"`
}
