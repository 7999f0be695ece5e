package jobs

import (
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

// The times that both databases store and compare: SQLite has them as text of one
// width.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// storable returns the time nearest to one that both databases store.
func storable(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(firstTime):
		return firstTime
	case t.After(lastTime):
		return lastTime
	}
	return t.Truncate(time.Microsecond)
}

// nullTime returns what to bind for a time that may be missing.
func nullTime(d database.Dialect, t *time.Time) any {
	if t == nil {
		return nil
	}
	return d.Time(*t)
}
