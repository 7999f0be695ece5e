package search

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

// A cursor is the position of a page's last hit, bound to its query: 8 bytes of
// a hash over what decides the order, 8 of the score, 8 of the document's number.
const cursorSize = 24

// queryHash is a hash of all that decides which documents are found and in what
// order.
func queryHash(organization string, q Query) []byte {
	data, _ := json.Marshal([]any{organization, q.Text, q.Types, q.Groups, q.Filters}) // strings only: cannot fail
	sum := sha256.Sum256(data)
	return sum[:8]
}

func encodeCursor(organization string, q Query, p inverted.Position) string {
	data := queryHash(organization, q)
	data = binary.BigEndian.AppendUint64(data, math.Float64bits(p.Score))
	data = binary.BigEndian.AppendUint64(data, uint64(p.Document))
	return base64.RawURLEncoding.EncodeToString(data)
}

func decodeCursor(organization string, q Query) (*inverted.Position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || len(data) != cursorSize {
		return nil, fmt.Errorf("%w search: the cursor %.40q is not one that a search returned", content.ErrInvalid, q.Cursor)
	}
	if string(data[:8]) != string(queryHash(organization, q)) {
		return nil, fmt.Errorf("%w search: the cursor belongs to another query; use it with the text, types, groups and filters of the page that returned it", content.ErrInvalid)
	}
	p := &inverted.Position{
		Score:    math.Float64frombits(binary.BigEndian.Uint64(data[8:])),
		Document: int64(binary.BigEndian.Uint64(data[16:])),
	}
	if math.IsNaN(p.Score) {
		return nil, fmt.Errorf("%w search: the cursor %.40q is not one that a search returned", content.ErrInvalid, q.Cursor)
	}
	return p, nil
}
