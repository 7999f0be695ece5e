package inverted

import (
	"encoding/base64"
	"hash/fnv"
)

// Each title has a term of its own, made of all its words in order, so that a
// query that is exactly the title of a document is recognized by one look-up.

// joinTitle adds a token to the words of a title, or of a query that may be one.
func joinTitle(joined []byte, t token) []byte {
	if t.kind == whole || t.kind == tail && len(joined) > 0 {
		return joined
	}
	if len(joined) > 0 {
		joined = append(joined, ' ')
	}
	return append(joined, t.word...)
}

// titleTerm returns the term of a title; "" for one without words.
func titleTerm(joined []byte) string {
	if len(joined) == 0 {
		return ""
	}
	h := fnv.New64a()
	_, _ = h.Write(joined) // never fails
	return titleMark + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
