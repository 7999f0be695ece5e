package search

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// Similar finds documents like that of a record, by its most telling words, and
// without it. The Query narrows, pages and shows as in [Searcher.Search]; its
// Text, Mode, Sort and MinScore must be empty. A record that is not in the index
// is content.ErrNotFound.
func (s *Searcher) Similar(ctx context.Context, scope content.Scope, typeName, id string, q Query) (*Result, error) {
	organization, err := s.config.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	if _, err := s.config.Registry.Lookup(typeName); err != nil {
		return nil, err
	}
	if q.Text != "" || q.Mode != "" || q.Sort != (Sort{}) || q.MinScore != 0 {
		return nil, fmt.Errorf("%w search: a search for what is similar takes no text, mode, sort or min score", content.ErrInvalid)
	}
	if q, err = q.normalize(); err != nil {
		return nil, err
	}
	q.Text, q.Mode = typeName+"\x00"+clean(id), ModeKeyword // for the cursor
	at, err := decodeCursor(organization, q)
	if err != nil {
		return nil, err
	}
	a := &answer{s: s, organization: organization, q: q, at: at}
	err = s.config.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		v, err := s.config.Index.View(ctx, tx, organization)
		if err != nil {
			return err
		}
		if err := s.check(ctx, tx, v, organization, q); err != nil {
			return err
		}
		d, number, err := readDocument(ctx, tx, organization, typeName, clean(id))
		if err != nil {
			return err
		}
		if typ, ok := s.config.Registry.Type(typeName); ok {
			d.Language = typ.Language()
		}
		req := s.request(q)
		if req.Query, err = v.Like(ctx, d); err != nil {
			return err
		}
		req.Without = []int64{number}
		if err := a.stream(ctx, v, req); err != nil {
			return err
		}
		return a.read(ctx, tx, v)
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return a.result(), nil
}

// readDocument returns a record's document as it is indexed, and its number.
func readDocument(ctx context.Context, tx *database.Tx, organization, typeName, id string) (d inverted.Document, number int64, err error) {
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var n int64
		var text string
		if err := rows.Scan(&n, &d.Title, &text); err != nil {
			return err
		}
		if len(d.Chunks) == 0 {
			number = n
		}
		d.Chunks = append(d.Chunks, text)
		return nil
	}, `SELECT number, title, content FROM search_chunks
		WHERE organization_id = ? AND source_type = ? AND source_id = ? ORDER BY chunk_index LIMIT 100`, organization, typeName, id)
	if err == nil && len(d.Chunks) == 0 {
		err = fmt.Errorf("%w: %s %.80q is not in the search index", content.ErrNotFound, typeName, id)
	}
	return d, number, err
}

// A SuggestQuery asks how the last word of a text may go on.
type SuggestQuery struct {
	Text    string           `json:"text"` // what has been typed
	Types   []string         `json:"types,omitempty"`
	Groups  []string         `json:"groups,omitempty"`
	Filters []content.Filter `json:"filters,omitempty"`
	Limit   int              `json:"limit,omitempty"` // 10 by default, more than 100 count as 100
}

// A Suggestion is a text with its last word completed.
type Suggestion struct {
	Text  string `json:"text"`  // what was typed, up to its last word, and that word completed
	Word  string `json:"word"`  // the last word
	Count int    `json:"count"` // documents that have it
}

// Suggest completes the last word of a text from the words of the organization's
// documents, under the same filters as a search, the most frequent first. A text
// whose last word has less than two characters, or ends in a space, has none.
func (s *Searcher) Suggest(ctx context.Context, scope content.Scope, q SuggestQuery) ([]Suggestion, error) {
	organization, err := s.config.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	if q.Limit < 0 {
		return nil, fmt.Errorf("%w search: limit %d; use 1 to %d, or 0 for 10", content.ErrInvalid, q.Limit, MaxLimit)
	}
	full, err := Query{Types: q.Types, Groups: q.Groups, Filters: q.Filters, Facets: []string{}}.normalize()
	if err != nil {
		return nil, err
	}
	list := []Suggestion{}
	err = s.config.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		v, err := s.config.Index.View(ctx, tx, organization)
		if err != nil {
			return err
		}
		if err := s.check(ctx, tx, v, organization, full); err != nil {
			return err
		}
		req := s.request(full)
		found, err := v.Suggest(ctx, inverted.SuggestRequest{Text: clean(q.Text), Filters: req.Filters, Any: req.Any, Limit: q.Limit})
		for _, x := range found {
			list = append(list, Suggestion(x))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return list, nil
}
