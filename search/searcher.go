package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// A Searcher answers queries. It is safe for concurrent use, also while the
// index changes: each search sees one state of it.
type Searcher struct {
	config    Config
	fields    map[string]bool // declared
	times     map[string]bool // those of them that hold times
	languages []string        // of the registered types
	asked     askedCache
	failed    atomic.Pointer[time.Time] // when the Embedder did not answer in time
}

// ErrDisabled says that search is switched off. It wraps [content.ErrDisabled].
var ErrDisabled = fmt.Errorf("search is switched off: %w", content.ErrDisabled)

// NewSearcher returns a Searcher. It does not touch the database.
func NewSearcher(c Config) *Searcher {
	c = c.withDefaults()
	s := &Searcher{config: c}
	s.fields, s.times = declaredFields(c.Registry)
	for _, t := range c.Registry.Types() {
		if !slices.Contains(s.languages, t.Language()) {
			s.languages = append(s.languages, t.Language())
		}
	}
	return s
}

// languagesOf returns the languages in which the words of a query are looked up.
func (s *Searcher) languagesOf(q Query) []string {
	if q.Language != "" {
		return []string{q.Language}
	}
	return s.languages
}

// Search finds documents of the Scope's organization, of types that are
// registered. Scores, order, total and facets do not depend on the page, and all
// are of the same documents. A type, group or field that does not exist, and a
// value that a field cannot hold, is an error that wraps [content.ErrInvalid] and
// names what there is; a search that fails is an error, never an empty result.
//
// When the Embedder or the Reranker fails, the answer comes without it and is
// marked as degraded. A page behind one that had its help is an error then: the
// two would not fit together.
func (s *Searcher) Search(ctx context.Context, scope content.Scope, q Query) (*Result, error) {
	organization, err := s.config.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	if q, err = q.normalize(); err != nil {
		return nil, err
	}
	at, err := decodeCursor(organization, q)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		res, err := s.attempt(ctx, organization, q, at)
		if errors.Is(err, errModelChanged) && attempt < 3 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		return res, nil
	}
}

// attempt answers a query with the model that is in use at its beginning.
func (s *Searcher) attempt(ctx context.Context, organization string, q Query, at *cursor) (*Result, error) {
	a := &answer{s: s, organization: organization, q: q, at: at}
	text := strings.TrimSpace(q.Text) != "" && q.Sort.Field == ""
	var reason string
	if text && q.Mode != ModeKeyword && (q.Mode != "" || s.config.Embedder != nil) && (at == nil || at.With.has(withVectors)) {
		var err error
		if a.question, reason, err = s.question(ctx, organization, q.Text); err != nil {
			return nil, err
		}
		switch {
		case a.question != nil:
			a.with += withVectors
		case at != nil:
			return nil, fmt.Errorf("%w: this page cannot be made: %s; search again from the first page", content.ErrBusy, reason)
		}
	}
	a.reranks = text && s.config.Reranker != nil && (at == nil || at.With.has(withReranker))
	if at != nil && text && q.Mode != ModeKeyword && s.config.Embedder != nil && !at.With.has(withVectors) {
		reason = "the first page was answered from words alone"
	}
	if err := a.look(ctx); err != nil {
		return nil, err
	}
	if a.reranks {
		failure, err := a.rerank(ctx)
		if err != nil {
			return nil, err
		}
		reason = cmp.Or(reason, failure)
	}
	res := a.result()
	res.Degraded, res.DegradedReason = reason != "", reason
	return res, nil
}

// errOver says that the index is not any more what a search went by.
var errOver = errors.New("the search index has changed meanwhile")

// look finds what is asked for in one state of the index.
//
// Words alone are first looked up in the state that was last seen, without a
// transaction: the statement that reads the rows of the hits also tells whether
// it was still the right one. So a search of an index at rest is one round trip
// to the server, in place of five. Whatever else comes out of it, an error too,
// counts for nothing, and the search is made in a transaction.
func (a *answer) look(ctx context.Context) error {
	s := a.s
	if a.question == nil {
		early, done := *a, false
		err := s.config.DB.Peek(ctx, func(ctx context.Context, tx *database.Tx) error {
			v, ok := s.config.Index.Recent(tx, a.organization)
			if !ok {
				return nil
			}
			done = true
			return early.in(ctx, tx, v)
		})
		if done && err == nil {
			*a = early
			return nil
		}
	}
	return s.config.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		v, err := s.config.Index.View(ctx, tx, a.organization)
		if err != nil {
			return err
		}
		return a.in(ctx, tx, v)
	})
}

func (a *answer) in(ctx context.Context, tx *database.Tx, v *inverted.View) error {
	if err := a.s.check(ctx, tx, v, a.organization, a.q); err != nil {
		return err
	}
	return a.find(ctx, tx, v)
}

// has reports whether a part is among those named.
func (w with) has(part with) bool { return strings.Contains(string(w), string(part)) }

// request turns a query into what the index is asked.
func (s *Searcher) request(q Query) inverted.Request {
	req := inverted.Request{Filters: q.Filters, Facets: q.Facets, OrderBy: FieldUpdatedAt, Explain: q.Explain}
	if q.Sort.Field != "" {
		req.Sort = inverted.Sort{Name: q.Sort.Field, Ascending: !q.Sort.Descending}
	}
	for _, h := range q.Histograms {
		req.Histograms = append(req.Histograms, inverted.Histogram{Name: h.Field, Interval: h.Interval})
	}
	if strings.TrimSpace(q.Text) != "" {
		req.Query = inverted.Parse(q.Text, s.languagesOf(q)...)
	}
	if len(q.Types) > 0 {
		req.Any = append(req.Any, content.Filter{Field: FieldType, Op: content.In, Values: q.Types})
	}
	if len(q.Groups) > 0 {
		req.Any = append(req.Any, content.Filter{Field: FieldGroup, Op: content.In, Values: q.Groups})
	}
	// what a connection has left behind that is no longer registered cannot be
	// opened, so it is not found
	registered := content.Filter{Field: FieldType, Op: content.In, Values: s.config.Registry.Names()}
	if len(registered.Values) == 0 {
		registered = content.Filter{Field: FieldType, Op: content.IsNull}
	}
	req.Filters = append([]content.Filter{registered}, req.Filters...)
	return req
}

func (s *Searcher) label(typeName string) string {
	if t, ok := s.config.Registry.Type(typeName); ok {
		return t.Label("default")
	}
	return typeName
}

// facets bounds the lists and adds the labels.
func (s *Searcher) facets(found map[string][]inverted.Count, limit int) (facets map[string][]FacetCount, other map[string]int) {
	facets = make(map[string][]FacetCount, len(found))
	for field, counts := range found {
		for _, c := range counts[min(len(counts), limit):] {
			if other == nil {
				other = map[string]int{}
			}
			other[field] += c.Count
		}
		counts = counts[:min(len(counts), limit)]
		list := make([]FacetCount, len(counts))
		for i, c := range counts {
			list[i] = FacetCount{Value: c.Value, Label: c.Value, Count: c.Count}
			switch field {
			case FieldType:
				list[i].Label = s.label(c.Value)
			case FieldGroup:
				list[i].Label = cmp.Or(s.config.Labels[c.Value], c.Value)
			}
		}
		facets[field] = list
	}
	return facets, other
}
