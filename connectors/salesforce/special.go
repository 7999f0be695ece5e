package salesforce

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/curatore/curatore-go/connectors/salesforce/export"
)

// A special reads a field out of several columns, as a JSON object.
type special struct {
	parts []part
	dates bool // the columns hold dates
	add   func(o *jsonObject, p part, value string, order export.DateOrder) error
}

// A part is one of the columns of a special field.
type part struct {
	name   string // in the object
	column string
	at     int // where the column stands
}

// reader makes the function that reads the field, once for an object, so that
// columns are looked up once. Those that are not there are left out.
func (s special) reader(r *reader) func(fields []string, bad *badValues) any {
	var parts []part
	for _, p := range s.parts {
		if p.at = r.at(p.column); p.at >= 0 {
			parts = append(parts, p)
		}
	}
	return func(fields []string, bad *badValues) any {
		var o jsonObject
		for _, p := range parts {
			if err := s.add(&o, p, fields[p.at], r.order); err != nil {
				bad.add(p.column, fields[p.at], err)
			}
		}
		return o.value()
	}
}

// address joins the columns of a compound address.
func address(prefix string) special {
	return special{
		parts: []part{{name: "street", column: prefix + "Street"}, {name: "city", column: prefix + "City"}, {name: "state", column: prefix + "State"},
			{name: "postal_code", column: prefix + "PostalCode"}, {name: "country", column: prefix + "Country"}},
		add: func(o *jsonObject, p part, value string, _ export.DateOrder) error {
			if v, ok := export.Text(value); ok {
				o.text(p.name, v)
			}
			return nil
		},
	}
}

// flags reads boolean columns, by the names that people use for them.
func flags(columns map[string]string) special {
	s := special{add: func(o *jsonObject, p part, value string, _ export.DateOrder) error {
		v, ok, err := export.Bool(value)
		if ok && err == nil {
			o.bool(p.name, v)
		}
		return err
	}}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		s.parts = append(s.parts, part{name: name, column: columns[name]})
	}
	return s
}

// dates reads date columns, by their own names.
func dates(columns []string) special {
	s := special{dates: true, add: func(o *jsonObject, p part, value string, order export.DateOrder) error {
		v, ok, err := export.Date(value, order)
		if ok && err == nil {
			o.text(p.name, v.Format(time.DateOnly))
		}
		return err
	}}
	for _, name := range columns {
		s.parts = append(s.parts, part{name: name, column: name})
	}
	return s
}

// A jsonObject is written member by member. These objects are built for each row
// of an export, and encoding/json takes several times as long for a map.
type jsonObject struct{ b []byte }

func (o *jsonObject) name(name string) {
	sep := byte(',')
	if len(o.b) == 0 {
		sep = '{'
	}
	o.b = append(append(o.b, sep), quoted(name)...)
	o.b = append(o.b, ':')
}

func (o *jsonObject) text(name, value string) {
	o.name(name)
	o.b = append(o.b, quoted(value)...)
}

func (o *jsonObject) bool(name string, value bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, value)
}

// value returns the object, or nil when it has no members.
func (o *jsonObject) value() any {
	if len(o.b) == 0 {
		return nil
	}
	return json.RawMessage(append(o.b, '}'))
}

// quoted returns a text as JSON. Most need no escapes.
func quoted(s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, err := json.Marshal(s)
			if err != nil {
				return []byte(`""`) // a string always encodes
			}
			return b
		}
	}
	return append(append(append(make([]byte, 0, len(s)+2), '"'), s...), '"')
}
