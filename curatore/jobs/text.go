package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content/database"
)

// Limits on what a run stores, in bytes. Longer text is cut and says so.
const (
	maxName    = 255
	maxMessage = 8 << 10
)

// cleanText makes text that both databases store: valid UTF-8 without NUL, and
// not endless. What a job reports often quotes the file that it stumbled over.
func cleanText(s string, limit int) string {
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = fmt.Sprintf("%s… (%d bytes more)", s[:cut], len(s)-cut)
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// encode returns a value as JSON that both databases store; nil for nil.
func encode(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(b, []byte("null")) { // a nil map, pointer or RawMessage
		return nil, nil
	}
	return cleanJSON(b)
}

// cleanJSON replaces what is valid in JSON and refused by the JSONB of Postgres:
// the escapes of NUL and of halves of surrogate pairs.
func cleanJSON(b json.RawMessage) (json.RawMessage, error) {
	// json.Marshal writes no escaped surrogates, but passes on raw JSON.
	if !bytes.Contains(b, []byte(`\u0000`)) && !bytes.Contains(b, []byte(`\ud`)) && !bytes.Contains(b, []byte(`\uD`)) {
		return b, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // a number stays as it is written
	var v any
	if err := d.Decode(&v); err != nil { // replaces the halves of pairs
		return nil, err
	}
	return json.Marshal(withoutNUL(v))
}

func withoutNUL(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "\x00", "\ufffd")
	case []any:
		for i := range v {
			v[i] = withoutNUL(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for k, x := range v {
			clean[strings.ReplaceAll(k, "\x00", "\ufffd")] = withoutNUL(x)
		}
		return clean
	}
	return v
}

// nullTime returns what to bind for a time that may be missing.
func nullTime(d database.Dialect, t *time.Time) any {
	if t == nil {
		return nil
	}
	return d.Time(*t)
}
