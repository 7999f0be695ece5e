package blob

import (
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
)

// maxMetadata is what fits into the 2 kB that S3 allows, with the names and the
// SHA-256 that a store adds.
const maxMetadata = 1500

// maxFilename is what file systems allow.
const maxFilename = 255

// defaultType is the type of bytes about which nothing is known.
const defaultType = "application/octet-stream"

// CleanFilename returns the last element of a path, of Windows too, without
// control characters and what is not UTF-8, cut to 255 bytes at a character. It is
// for showing and for downloads, and still no path to open: "..", for one, stays.
func CleanFilename(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name)
	for len(name) > maxFilename {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name)
}

// Check is for stores: it returns the options as they are to be stored, cleaned,
// with defaults, sharing nothing with o, or content.ErrInvalid.
func (o PutOptions) Check() (PutOptions, error) {
	invalid := func(format string, args ...any) (PutOptions, error) {
		return PutOptions{}, fmt.Errorf("%w: "+format, append([]any{content.ErrInvalid}, args...)...)
	}
	o.Filename = CleanFilename(o.Filename)
	if o.ContentType == "" {
		o.ContentType = defaultType
	}
	if mediaType, _, err := mime.ParseMediaType(o.ContentType); err != nil || !strings.Contains(mediaType, "/") || len(o.ContentType) > 255 || !plainASCII(o.ContentType) {
		return invalid("%.100q is no content type; write one like text/csv, or nothing", o.ContentType)
	}
	if o.Size < 0 {
		return invalid("the size %d of an object; 0 says nothing", o.Size)
	}
	if sum, err := hex.DecodeString(o.SHA256); o.SHA256 != "" && (err != nil || len(sum) != 32 || strings.ToLower(o.SHA256) != o.SHA256) {
		return invalid("%.100q is no SHA-256; write 64 lower-case hexadecimal digits, or nothing", o.SHA256)
	}
	size := len(EscapeMetadata(o.Filename))
	for name, value := range o.Metadata {
		if !goodName(name) {
			return invalid("the metadata name %.80q; use up to 64 lower-case letters, digits and -", name)
		}
		if reserved[name] {
			return invalid("the metadata name %q is the store's own; use another", name)
		}
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return invalid("the metadata %s is not UTF-8 text", name)
		}
		size += len(name) + len(EscapeMetadata(value))
	}
	if size > maxMetadata {
		return invalid("file name and metadata take %d bytes; %d are allowed", size, maxMetadata)
	}
	if o.Metadata = maps.Clone(o.Metadata); len(o.Metadata) == 0 {
		o.Metadata = nil
	}
	return o, nil
}

// reserved are the names under which stores keep what Info has fields for.
var reserved = map[string]bool{"sha256": true, "original-filename": true}

// EscapeMetadata writes a value so that it goes through an HTTP header: all but
// letters, digits and a few marks as %XX.
func EscapeMetadata(value string) string { return url.PathEscape(value) }

// UnescapeMetadata reads it back. What others wrote otherwise stays as it is.
func UnescapeMetadata(value string) string {
	if plain, err := url.PathUnescape(value); err == nil && utf8.ValidString(plain) {
		return plain
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

func goodName(name string) bool {
	if name == "" || len(name) > 64 || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) < 0
}

func plainASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
