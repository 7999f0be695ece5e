package curatore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/curatore/curatore-go/content/blob"
)

// maxText is how much of an object is taken as a record's text.
const maxText = 16 << 20

// readText reads an object as UTF-8 text, what is none replaced by U+FFFD.
func readText(ctx context.Context, s blob.Store, key string) (_ string, err error) {
	body, info, err := s.Get(ctx, key, blob.Range{})
	if err != nil {
		return "", fmt.Errorf("text: %w", err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(body, maxText))
	if err != nil {
		return "", fmt.Errorf("text: %w", err)
	}
	if info.Size > maxText {
		text = append(text, "\n…"...)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD"), nil
}
