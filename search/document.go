package search

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

// maxTitle is the number of bytes of a title that are stored as such.
const maxTitle = 1024

// A prepared document is ready to be stored.
type prepared struct {
	content.Document // with clean texts
	chunks           []string
	locations        []string // of each chunk, see locationsIn
	metadata         string   // JSON
	values           map[string]any
}

// prepare cleans, cuts and flattens a document, or says why it cannot be
// indexed.
func prepare(d content.Document) (prepared, error) {
	if d.ID == "" || d.Type == "" {
		return prepared{}, fmt.Errorf("%w: a document without type or id", content.ErrInvalid)
	}
	d.Text, d.Locations = cleaned(d.Text, d.Locations)
	for _, s := range []*string{&d.Group, &d.Title, &d.Filename, &d.ContentType, &d.URL} {
		*s = clean(*s)
	}
	if len(d.Title) > maxTitle { // it goes with each chunk; the whole of it is found in the text
		before := d.Title + "\n\n"
		d.Text = before + d.Text
		for i := range d.Locations {
			d.Locations[i].Offset += len(before)
		}
		d.Title = strings.ToValidUTF8(d.Title[:maxTitle], "")
	}
	p := prepared{Document: d}
	for _, s := range split(d.Text) {
		p.chunks = append(p.chunks, d.Text[s.start:s.end])
		p.locations = append(p.locations, locationsIn(d.Locations, s))
	}
	if len(p.chunks) > inverted.MaxChunks {
		return prepared{}, fmt.Errorf("%w: a text of %d bytes makes more than %d chunks, which is how many are indexed", content.ErrInvalid, len(d.Text), inverted.MaxChunks)
	}
	metadata, err := cleanJSON(d.Metadata)
	if err != nil {
		return prepared{}, fmt.Errorf("%w: the metadata cannot be encoded: %w", content.ErrInvalid, err)
	}
	p.metadata = metadata
	p.values = map[string]any{FieldType: d.Type, FieldGroup: d.Group, FieldContentType: d.ContentType}
	if d.ContentType == "" {
		delete(p.values, FieldContentType)
	}
	if !d.UpdatedAt.IsZero() {
		p.values[FieldUpdatedAt] = d.UpdatedAt
	}
	for namespace, fields := range d.Metadata {
		fields, ok := fields.(map[string]any)
		if !ok || strings.HasPrefix(namespace, "#") {
			continue // shown, but not filtered by
		}
		for name, v := range fields {
			if v, ok := scalar(v); ok {
				p.values[clean(namespace+"."+name)] = v
			}
		}
	}
	return p, nil
}

// scalar brings a value of metadata to one of the kinds that can be filtered by, or
// a list of them.
func scalar(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		v = clean(v)
		return v, v != ""
	case time.Time:
		return v, !v.IsZero()
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, true
		}
		x, err := v.Float64()
		return x, err == nil
	case []byte, json.RawMessage:
		return nil, false
	}
	switch x := reflect.ValueOf(v); x.Kind() {
	case reflect.String:
		return scalar(x.String())
	case reflect.Bool:
		return x.Bool(), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return x.Int(), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := x.Uint(); n > math.MaxInt64 {
			return float64(n), true
		}
		return int64(x.Uint()), true
	case reflect.Float32, reflect.Float64:
		return x.Float(), true
	case reflect.Pointer:
		if x.IsNil() {
			return nil, false
		}
		return scalar(x.Elem().Interface())
	case reflect.Slice, reflect.Array:
		var list []any
		for i := range x.Len() {
			one := x.Index(i).Interface()
			if one == nil || one == "" {
				continue
			}
			v, ok := scalar(one)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, len(list) > 0
	}
	return nil, false
}

// clean drops what Postgres does not store in a text: NUL and bytes that are not
// UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// cleanJSON encodes metadata, without NUL, which JSONB refuses.
func cleanJSON(metadata map[string]any) (string, error) {
	if len(metadata) == 0 {
		return "{}", nil
	}
	data, err := json.Marshal(metadata)
	if err != nil {
		return "", err
	}
	if !bytes.Contains(data, []byte(`\u0000`)) {
		return string(data), nil
	}
	var v any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		return "", err
	}
	if data, err = json.Marshal(withoutNUL(v)); err != nil {
		return "", err
	}
	return string(data), nil
}

func withoutNUL(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "\x00", "")
	case []any:
		for i := range v {
			v[i] = withoutNUL(v[i])
		}
	case map[string]any:
		for k, x := range v {
			delete(v, k)
			v[strings.ReplaceAll(k, "\x00", "")] = withoutNUL(x)
		}
	}
	return v
}

// A Failure is a document that cannot be indexed, and why.
type Failure struct {
	Type, ID string
	Err      error
}

// Error implements error.
func (f Failure) Error() string { return fmt.Sprintf("index %s %s: %v", f.Type, f.ID, f.Err) }

// Unwrap returns the reason.
func (f Failure) Unwrap() error { return f.Err }
