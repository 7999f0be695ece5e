//go:build !race

package search

import (
	"errors"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

// A text that is too long for one segment is refused, and not read further than
// it takes to know.
func TestTooManyChunks(t *testing.T) {
	text := strings.Repeat("a1", inverted.MaxChunks*(chunkTokens+chunkSlack)/2)
	for factor, want := range map[int]error{1: nil, 2: content.ErrInvalid} {
		p, err := prepare(content.Document{ID: "id", Type: "type", Text: strings.Repeat(text, factor)[:len(text)*factor-len(text)/2]})
		if !errors.Is(err, want) || err == nil && len(p.chunks) < inverted.MaxChunks/3 {
			t.Errorf("%d halves: %d chunks, %v", 2*factor-1, len(p.chunks), err)
		}
	}
}
