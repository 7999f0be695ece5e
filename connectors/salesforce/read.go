package salesforce

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/content"
)

// A reader turns the rows of one object into records.
type reader struct {
	export  *export.Export
	m       objectMap
	order   export.DateOrder
	columns []column
	id      int // column of the key
	gone    int // column of the tombstone flag, or -1

	decisions []byte // what decides how rows are read, for fingerprints
	scratch   []byte
	rows      int64
	done      int64 // for progress
}

// A column is where the value of a field stands.
type column struct {
	field   *content.Field
	at      int
	name    string
	isID    bool                                         // of another record
	special func(row *export.Record, bad *badValues) any // in place of at
}

// read makes the function that reads an object's stream.
func (s *session) read(m objectMap) func(context.Context, string) iter.Seq2[connectors.Record, error] {
	return func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			at, err := export.ParsePosition(from)
			if err != nil {
				yield(connectors.Record{}, err)
				return
			}
			r := newReader(s, m)
			for row, err := range s.export.Records(ctx, m.object, at) {
				if err != nil {
					yield(connectors.Record{}, err)
					return
				}
				if !yield(r.read(row), nil) {
					return
				}
			}
		}
	}
}

func newReader(s *session, m objectMap) *reader {
	e := s.export
	r := &reader{export: e, m: m, order: s.order, id: e.Column(m.object, "Id"), gone: e.Column(m.object, "IsDeleted")}
	for _, f := range m.typ.Fields() {
		name, mapped := m.columns[f.Name]
		if at := e.Column(m.object, name); mapped && at >= 0 {
			r.columns = append(r.columns, column{field: f, at: at, name: name, isID: strings.HasSuffix(name, "Id")})
		}
		if make := m.special[f.Name]; make != nil {
			r.columns = append(r.columns, column{field: f, special: make(r)})
		}
	}
	r.decisions = fmt.Appendf(nil, "%s %q %q", s.order, s.options, r.export.Header(m.object))
	return r
}

// read turns a row into a record that is read in full only when it is new or has
// changed. A row without a good id fails.
func (r *reader) read(row *export.Record) connectors.Record {
	if r.rows++; r.rows%256 == 0 {
		r.done, _ = r.export.Progress(r.m.object, row.Next)
	}
	record := connectors.Record{Place: connectors.Place{File: row.File, Line: row.Line}, Position: row.Next, Done: r.done}
	id := ""
	if r.id < len(row.Fields) {
		id = row.Fields[r.id]
	}
	key, err := export.ParseID(id)
	if row.Err != nil {
		record.Err, record.Raw = row.Err, row.Raw()
		if err == nil {
			record.Key = key // the stored record stays
		}
		return record
	}
	if err != nil {
		record.Err, record.Raw = row.At("Id", id, err), row.Raw()
		return record
	}
	record.Key = key
	if r.gone >= 0 {
		if gone, _, err := export.Bool(row.Fields[r.gone]); err == nil && gone {
			record.Row, record.Deleted = r.m.typ.New(), true
			r.m.typ.Key().Set(record.Row, key)
			return record
		}
	}
	record.Fingerprint = r.fingerprint(row)
	kept := *row
	kept.Fields = slices.Clone(row.Fields) // the slice is used again for the next row
	record.Read = func() connectors.Record { return r.readAll(key, &kept) }
	return record
}

// fingerprint is a hash of the fields, and of what decides how they are read.
func (r *reader) fingerprint(row *export.Record) []byte {
	b := append(r.scratch[:0], r.decisions...)
	for _, v := range row.Fields {
		b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
	}
	r.scratch = b
	sum := sha256.Sum256(b)
	return slices.Clone(sum[:16])
}

// readAll reads all fields of a row. A value that cannot be read is left out and
// told. It may run on several goroutines at once.
func (r *reader) readAll(key string, row *export.Record) connectors.Record {
	rec := r.m.typ.New()
	r.m.typ.Key().Set(rec, key)
	content.RecordOf(rec).Raw = row.Raw()
	var bad badValues
	if r.gone >= 0 {
		if _, _, err := export.Bool(row.Fields[r.gone]); err != nil {
			bad.add("IsDeleted", row.Fields[r.gone], err)
		}
	}
	for _, c := range r.columns {
		if c.special != nil {
			c.field.Set(rec, c.special(row, &bad))
			continue
		}
		v, err := r.value(c, row.Fields[c.at])
		if err != nil {
			bad.add(c.name, row.Fields[c.at], err)
			continue
		}
		c.field.Set(rec, v)
	}
	return connectors.Record{Row: rec, Values: bad}
}

// badValues are the values of a row that are left out.
type badValues []connectors.BadValue

func (b *badValues) add(column, value string, err error) {
	*b = append(*b, connectors.BadValue{Column: column, Value: value, Err: err})
}

// value reads a text as its field's kind; nil is empty.
func (r *reader) value(c column, s string) (any, error) {
	var v any
	var ok bool
	var err error
	switch c.field.Kind {
	case content.String:
		var text string
		if text, ok = export.Text(s); ok && c.isID {
			text, err = export.ParseID(text)
		}
		v = text
	case content.Int:
		v, ok, err = export.Int(s)
	case content.Float:
		v, ok, err = export.Amount(s)
	case content.Bool:
		v, ok, err = export.Bool(s)
	case content.Date:
		v, ok, err = export.Date(s, r.order)
	default:
		v, ok, err = export.Time(s, r.order)
	}
	if err != nil || !ok {
		return nil, err
	}
	return v, nil
}

// A special makes the function that reads a field out of several columns. It is
// made once for an object, so that columns are looked up once.
type special func(r *reader) func(row *export.Record, bad *badValues) any

// part is one of the columns of a special field.
type part struct {
	name   string // in the object
	column string
	at     int
}

// parts finds the columns that are there.
func (r *reader) parts(pairs ...[2]string) []part {
	var found []part
	for _, p := range pairs {
		if at := r.export.Column(r.m.object, p[1]); at >= 0 {
			found = append(found, part{p[0], p[1], at})
		}
	}
	return found
}

// address joins the columns of a compound address.
func address(prefix string) special {
	return func(r *reader) func(*export.Record, *badValues) any {
		parts := r.parts([2]string{"street", prefix + "Street"}, [2]string{"city", prefix + "City"}, [2]string{"state", prefix + "State"},
			[2]string{"postal_code", prefix + "PostalCode"}, [2]string{"country", prefix + "Country"})
		return func(row *export.Record, _ *badValues) any {
			var o jsonObject
			for _, p := range parts {
				if v, ok := export.Text(row.Fields[p.at]); ok {
					o.text(p.name, v)
				}
			}
			return o.value()
		}
	}
}

// flags reads boolean columns, by the names that people use for them.
func flags(columns map[string]string) special {
	return func(r *reader) func(*export.Record, *badValues) any {
		var pairs [][2]string
		for _, name := range slices.Sorted(maps.Keys(columns)) {
			pairs = append(pairs, [2]string{name, columns[name]})
		}
		parts := r.parts(pairs...)
		return func(row *export.Record, bad *badValues) any {
			var o jsonObject
			for _, p := range parts {
				v, ok, err := export.Bool(row.Fields[p.at])
				if err != nil {
					bad.add(p.column, row.Fields[p.at], err)
				} else if ok {
					o.bool(p.name, v)
				}
			}
			return o.value()
		}
	}
}

// dates reads date columns, by their own names.
func dates(columns []string) special {
	return func(r *reader) func(*export.Record, *badValues) any {
		var pairs [][2]string
		for _, name := range columns {
			pairs = append(pairs, [2]string{name, name})
		}
		parts := r.parts(pairs...)
		return func(row *export.Record, bad *badValues) any {
			var o jsonObject
			for _, p := range parts {
				v, ok, err := export.Date(row.Fields[p.at], r.order)
				if err != nil {
					bad.add(p.column, row.Fields[p.at], err)
				} else if ok {
					o.text(p.name, v.Format(time.DateOnly))
				}
			}
			return o.value()
		}
	}
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
