package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// A Secret is a password, key or token that shows itself to nobody by accident:
// printing, logging and encoding it, or anything that holds it, give
// "[redacted]" or an address. The zero Secret is empty. It is safe to copy.
type Secret struct {
	value *string // behind a pointer: reflection, which fmt uses inside structs, prints the address
}

// NewSecret returns a Secret of a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value, for the place where it is sent.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value == nil }

// Fingerprint returns a text that is the same for the same value and does not
// lead back to a value of any strength: what limits and quotas are counted by.
func (s Secret) Fingerprint() string {
	sum := sha256.Sum256([]byte("curatore credential\x00" + s.Reveal()))
	return hex.EncodeToString(sum[:12])
}

// String returns "[redacted]", or "" for an empty Secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format prints String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText gives String; JSON uses it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue gives String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// A redactor takes secrets out of texts.
type redactor struct{ words []string }

// add learns a secret, as it is and as it stands in a query or a path. One of
// fewer than four bytes is a word like any other, and would make texts
// unreadable.
func (r *redactor) add(s Secret) {
	v := s.Reveal()
	if len(v) < 4 {
		return
	}
	for _, form := range []string{v, url.QueryEscape(v), url.PathEscape(v)} {
		r.words = append(r.words, form, redacted)
	}
}

func (r redactor) clean(text string) string {
	if len(r.words) == 0 {
		return text
	}
	return strings.NewReplacer(r.words...).Replace(text)
}

// Address returns a URL as errors and logs may show it, without user, query and
// fragment: keys and signatures stand there.
func Address(u *url.URL) string {
	if u == nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
