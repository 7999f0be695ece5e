package functions

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/invopop/jsonschema"
)

// Records are maps and lists of values whose types are only known at run time:
// what encoding/json is slowest at, and what most results consist of. The
// built-in results therefore write themselves, as encoding/json would.

// An appender writes its own JSON, which satisfies its schema.
type appender interface {
	appendJSON(b []byte) ([]byte, error)
}

// checked is JSON that is known to be valid.
type checked json.RawMessage

// MarshalJSON returns it as it is.
func (c checked) MarshalJSON() ([]byte, error) { return c, nil }

// appendValue writes a value as a record holds it.
func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return appendString(b, v), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case checked:
		return append(b, v...), nil
	case json.RawMessage:
		if json.Valid(v) {
			return append(b, v...), nil
		}
		return append(b, "null"...), nil // no payload may break the result
	}
	raw, err := encode(v)
	return append(b, raw...), err
}

// appendObject writes an object, sorted by name.
func appendObject(b []byte, o Object) (_ []byte, err error) {
	b = append(b, '{')
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		if b, err = appendValue(b, o[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText writes a property of an object, led by a comma, unless it is empty.
func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendString(append(b, name...), text)
}

const hexadecimal = "0123456789abcdef"

// appendString writes a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			default:
				b = append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029': // line ends in JavaScript
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hexadecimal[r&15])
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

func (i item) appendJSON(b []byte) (_ []byte, err error) {
	b = appendString(append(b, `{"id":`...), i.ID)
	b = appendString(append(b, `,"type":`...), i.Type)
	b = appendString(append(b, `,"display_type":`...), i.DisplayType)
	b = appendString(append(b, `,"title":`...), i.Title)
	b = appendText(b, `,"text":`, i.Text)
	b = appendText(b, `,"text_format":`, string(i.TextFormat))
	b = appendText(b, `,"text_preview":`, i.TextPreview)
	if b, err = appendObject(append(b, `,"fields":`...), i.Fields); err != nil {
		return nil, err
	}
	if len(i.Metadata) > 0 {
		if b, err = appendObject(append(b, `,"metadata":`...), i.Metadata); err != nil {
			return nil, err
		}
	}
	b = appendText(b, `,"parent_id":`, i.ParentID)
	b = appendText(b, `,"parent_type":`, i.ParentType)
	if len(i.Children) > 0 {
		if b, err = appendChildren(append(b, `,"children":{`...), i.Children); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendChildren writes the records below one, by relation, and closes the object.
func appendChildren(b []byte, all map[string]children) (_ []byte, err error) {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), `:{"items":[`...)
		for j, c := range all[name].Items {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendString(append(b, `{"id":`...), c.ID)
			b = appendString(append(b, `,"type":`...), c.Type)
			b = appendString(append(b, `,"display_type":`...), c.DisplayType)
			b = appendString(append(b, `,"title":`...), c.Title)
			if b, err = appendObject(append(b, `,"fields":`...), c.Fields); err != nil {
				return nil, err
			}
			b = append(b, '}')
		}
		b = append(b, `],"total":`...)
		b = append(strconv.AppendInt(b, all[name].Total, 10), '}')
	}
	return append(b, '}'), nil
}

func (l *itemList) appendJSON(b []byte) (_ []byte, err error) {
	b = append(b, `{"items":[`...)
	for i, item := range l.Items {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = item.appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, ']', '}'), nil
}

func (l *rowList) appendJSON(b []byte) ([]byte, error) {
	b = appendString(append(b, `{"model":`...), l.Model)
	b, err := l.Rows.appendJSON(append(b, `,"rows":`...))
	return append(b, '}'), err
}

// rows are records as the values of named columns.
type rows struct {
	names  []string
	values [][]any
}

// JSONSchema returns the schema of a list of open objects.
func (rows) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "object"}}
}

// appendJSON writes one object per record, with the columns in their order.
func (r rows) appendJSON(b []byte) (_ []byte, err error) {
	names := make([][]byte, len(r.names))
	for i, name := range r.names {
		if i > 0 {
			names[i] = []byte{','}
		}
		names[i] = append(appendString(names[i], name), ':')
	}
	b = append(b, '[')
	for i, values := range r.values {
		begin := len(b)
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for j, name := range names {
			b = append(b, name...)
			if b, err = appendValue(b, values[j]); err != nil {
				return nil, err
			}
		}
		b = append(b, '}')
		if i == 0 { // the others are about as long
			b = slices.Grow(b, (len(b)-begin+8)*len(r.values))
		}
	}
	return append(b, ']'), nil
}
