package content

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Document is what is indexed for a record. Search sees nothing else of it.
type Document struct {
	ID          string         // of the record
	Type        string         // type name
	Group       string         // the record's group
	Title       string         // weighs more than the text
	Text        string         // everything else that words are looked up in
	Filename    string         // default: the external key
	ContentType string         // the category field's value
	URL         string         // where the source shows the record
	Language    string         // of the text, BCP 47
	Metadata    map[string]any // by namespace, then by field: text, numbers, bool, time.Time, or lists of them, can be filtered by
	UpdatedAt   time.Time      // orders results without a query, newest first
	Locations   []Location     // where the parts of Text begin, in order; nil when it has none
	Unlisted    bool           // search does not find it: another record stands for it, such as the file that it is the place of
}

// A Location is a place in a text that people can find again in its source: a
// page, a sheet, a slide. It reaches up to the next one.
type Location struct {
	Offset int    `json:"offset"` // in bytes of the text
	Label  string `json:"label"`  // "page 3"
}

// LocationAt returns the label of the location in which a byte of the text lies,
// or "".
func LocationAt(locations []Location, offset int) string {
	label := ""
	for _, l := range locations {
		if l.Offset > offset {
			break
		}
		label = l.Label
	}
	return label
}

// maxMetadata is the bytes of a value in the metadata, which stand beside each part
// of a text.
const maxMetadata = 1024

// ReservedNamespaces returns the names that no group can have: a namespace of
// metadata stands beside a document's own parts in filters and facets, and
// "curatore" is kept for what the library itself adds.
func ReservedNamespaces() []string {
	return []string{"content", "content_type", "curatore", "filename", "group", "id", "language", "metadata", "text", "title", "type", "updated_at", "url"}
}

// Document returns what is indexed for a row: the declared function's result,
// with the gaps filled from the roles. By default the text is a line
// "Label: value" for each facet and each field with the role "search", an empty
// line, then the text fields; the metadata are all fields that can be filtered
// or sorted by, in the namespace of the group, a long title cut to 1 kB.
func (t *Type) Document(r Row) Document {
	var d Document
	if t.document != nil {
		d = t.document(r)
	}
	rec := r.record()
	d.ID, d.Type, d.Group, d.UpdatedAt = rec.ID, t.Name(), t.GroupOf(r), rec.UpdatedAt
	if d.Title == "" {
		d.Title = t.Title(r)
	}
	if d.Filename == "" {
		d.Filename = t.KeyOf(r)
	}
	if d.Language == "" {
		d.Language = t.Language()
	}
	var lines, text strings.Builder
	values := map[string]any{}
	for _, f := range t.fields {
		if f.Has(Unindexed|Kept) || f.Roles&^(Metadata|Hidden|Title) == 0 {
			continue
		}
		v := f.Value(r)
		if v == nil || v == "" {
			continue
		}
		if f.Has(Category) && d.ContentType == "" {
			d.ContentType = v.(string)
		}
		if f.Has(URL) && d.URL == "" {
			d.URL = v.(string)
		}
		if f.Has(Text) && d.Text == "" {
			if text.Len() > 0 {
				text.WriteString("\n\n")
			}
			text.WriteString(v.(string))
		}
		if f.Has(Facet|Searched) && d.Text == "" {
			lines.WriteString(f.Label + ": " + display(f.Kind, v) + "\n")
		}
		if f.Filterable() {
			if s, ok := v.(string); ok && len(s) > maxMetadata { // a title: other fields to filter by are shorter
				v = strings.ToValidUTF8(s[:maxMetadata], "")
			}
			values[f.Name] = v
		}
	}
	if d.Text == "" {
		d.Text = strings.TrimSpace(lines.String() + "\n" + text.String())
	}
	if d.Metadata == nil && len(values) > 0 {
		d.Metadata = map[string]any{t.Group(): values}
	}
	return d
}

// display writes a value for people.
func display(k Kind, v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		if k == Date {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339)
	case json.RawMessage:
		return string(v)
	}
	return fmt.Sprint(v)
}

// UnlistedHash is the hash of every document that is unlisted.
func UnlistedHash() []byte { return make([]byte, 16) }

// Hash returns a hash of all that is indexed. It does not depend on the
// record's times, so that a record whose only change is a date in its payload
// is not indexed again.
func (d Document) Hash() []byte {
	if d.Unlisted {
		return UnlistedHash()
	}
	b := make([]byte, 0, 512+len(d.Title)+len(d.Text))
	for _, s := range []string{d.ID, d.Type, d.Group, d.Title, d.Text, d.Filename, d.ContentType, d.URL, d.Language} {
		b = appendText(b, s)
	}
	for _, l := range d.Locations {
		b = appendText(binary.AppendVarint(b, int64(l.Offset)), l.Label)
	}
	sum := sha256.Sum256(appendValue(b, d.Metadata))
	return sum[:16]
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendValue writes a value of metadata so that different ones differ: its
// sort, then the value, maps in the order of their keys.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case string:
		return appendText(append(b, 's'), v)
	case int64:
		return binary.AppendVarint(append(b, 'i'), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'u')
	case time.Time:
		return binary.AppendVarint(binary.AppendVarint(append(b, 'd'), v.Unix()), int64(v.Nanosecond()))
	case map[string]any:
		b = binary.AppendUvarint(append(b, 'm'), uint64(len(v)))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = appendValue(appendText(b, key), v[key])
		}
		return b
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Appendf(nil, "%#v", v)
	}
	return appendText(append(b, 'j'), string(text))
}
