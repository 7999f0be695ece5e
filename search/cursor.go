package search

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

// A cursor is the position of a page's last hit, bound to its query.
type cursor struct {
	Hash     []byte  `json:"h"` // of all that decides which documents are found and in what order
	Score    float64 `json:"s,omitempty"`
	Text     string  `json:"t,omitempty"`
	Document int64   `json:"d"`

	// Of a list that is made anew for each page:
	Rank int `json:"r,omitempty"` // of the hit, from 1
	// With is what the list was made with: a page made without it would not go on
	// where that one ended.
	With with `json:"w,omitempty"`
}

// with names the parts of search that an answer comes from, besides words.
type with string

const (
	withVectors  with = "v"
	withReranker with = "r"
)

// maxCursor bounds the texts that are looked at.
const maxCursor = 10_000

// queryHash is a hash of all that decides which documents are found and in what
// order.
func queryHash(organization string, q Query) []byte {
	data, err := json.Marshal([]any{organization, q.Text, q.Types, q.Groups, q.Filters, q.Sort, q.Mode, q.Fusion, q.Language, q.MinScore})
	if err != nil {
		panic(err) // texts and a finite number always encode
	}
	sum := sha256.Sum256(data)
	return sum[:8]
}

func (c cursor) encode(organization string, q Query) string {
	c.Hash = queryHash(organization, q)
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // scores are finite
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// decodeCursor returns nil for the first page.
func decodeCursor(organization string, q Query) (*cursor, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	var c cursor
	invalid := fmt.Errorf("%w search: the cursor %.40q is not one that a search returned", content.ErrInvalid, q.Cursor)
	if len(q.Cursor) > maxCursor {
		return nil, invalid
	}
	data, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return nil, invalid
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || c.Rank < 0 || c.Rank > 1<<24 || math.IsInf(c.Score, 0) {
		return nil, invalid
	}
	if !bytes.Equal(c.Hash, queryHash(organization, q)) {
		return nil, fmt.Errorf("%w search: the cursor belongs to another query; use it with the text, types, groups, filters and order of the page that returned it", content.ErrInvalid)
	}
	c.Hash = nil
	return &c, nil
}

// position is where the keyword arm goes on.
func (c *cursor) position() *inverted.Position {
	if c == nil {
		return nil
	}
	return &inverted.Position{Score: c.Score, Text: c.Text, Document: c.Document}
}
