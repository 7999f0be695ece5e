package blob

import (
	"fmt"
	"strings"

	"github.com/curatore/curatore-go/content"
)

// The limits of keys: those of S3, and of file systems with a suffix on each
// name.
const (
	MaxKey     = 900 // bytes of a key
	maxSegment = 128 // bytes between two slashes
)

// Key makes a key of ids: organization, connection, type, record. Parts with a
// slash are refused, so that a part cannot become two.
func Key(parts ...string) (string, error) {
	for _, p := range parts {
		if strings.Contains(p, "/") {
			return "", fmt.Errorf("%w: the part %.80q of an object key has a slash; use ids", content.ErrInvalid, p)
		}
	}
	key := strings.Join(parts, "/")
	return key, CheckKey(key)
}

// CheckKey returns content.ErrInvalid for what is no key. A key is up to 900 bytes
// of segments with a slash between them; a segment is up to 128 lower-case
// letters, digits, "_", "-" and ".", and begins with a letter or digit and does
// not end with ".". So a key is a relative path on every file system, also on
// those that ignore case, and nothing in a URL.
func CheckKey(key string) error {
	if len(key) > MaxKey {
		return fmt.Errorf("%w: the object key %.40q... is longer than %d bytes", content.ErrInvalid, key, MaxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if !goodSegment(segment) {
			return fmt.Errorf("%w: the object key %.200q has the part %.80q; use ids of lower-case letters, digits and the marks _ . and -", content.ErrInvalid, key, segment)
		}
	}
	return nil
}

// CheckPrefix returns content.ErrInvalid for what is neither "" nor the beginning
// of keys up to a slash.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	rest, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return fmt.Errorf("%w: the prefix %.200q of object keys does not end with a slash", content.ErrInvalid, prefix)
	}
	return CheckKey(rest)
}

func goodSegment(s string) bool {
	if s == "" || len(s) > maxSegment || s[len(s)-1] == '.' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alphanumeric && (i == 0 || c != '_' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}
