package salesforce

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// A reader turns the rows of one object into records.
type reader struct {
	m       objectMap
	order   export.DateOrder
	columns []column
	at      func(column string) int // where a column stands, or -1
	id      int                     // column of the key
	gone    int                     // column of the tombstone flag, or -1
}

// A column is where the value of a field stands.
type column struct {
	field   *content.Field
	at      int
	name    string
	isID    bool                                          // of another record
	special func(fields []string, bad *badValues) (v any) // in place of at
}

func newReader(m objectMap, order export.DateOrder, at func(column string) int) *reader {
	r := &reader{m: m, order: order, at: at, id: at("Id"), gone: at("IsDeleted")}
	for _, f := range m.typ.Fields() {
		name, mapped := m.columns[f.Name]
		if at := r.at(name); mapped && at >= 0 {
			r.columns = append(r.columns, column{field: f, at: at, name: name, isID: strings.HasSuffix(name, "Id")})
		}
		if s, ok := m.special[f.Name]; ok {
			r.columns = append(r.columns, column{field: f, special: s.reader(r)})
		}
	}
	return r
}

// deleted reports whether a row is a tombstone.
func (r *reader) deleted(fields []string) bool {
	if r.gone < 0 {
		return false
	}
	gone, _, err := export.Bool(fields[r.gone])
	return err == nil && gone
}

// record reads all fields of a row. A value that cannot be read is left out and
// told. It may run on several goroutines at once.
func (r *reader) record(key string, fields []string, raw []byte) connectors.Record {
	rec := r.m.typ.New()
	r.m.typ.Key().Set(rec, key)
	content.RecordOf(rec).Raw = raw
	var bad badValues
	if r.gone >= 0 {
		if _, _, err := export.Bool(fields[r.gone]); err != nil {
			bad.add("IsDeleted", fields[r.gone], err)
		}
	}
	for _, c := range r.columns {
		if c.special != nil {
			c.field.Set(rec, c.special(fields, &bad))
			continue
		}
		v, err := r.value(c, fields[c.at])
		if err != nil {
			bad.add(c.name, fields[c.at], err)
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
		} else if len(text) > store.MaxValue {
			err = store.CheckValue(c.field, text)
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

// read makes the function that reads an object's stream. It notes in cut where a
// file ends in the middle of a row.
func (s *session) read(m objectMap, cut *string) func(context.Context, string) iter.Seq2[connectors.Record, error] {
	return func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			at, err := export.ParsePosition(from)
			if err != nil {
				yield(connectors.Record{}, err)
				return
			}
			r := newReader(m, s.order, func(column string) int { return s.export.Column(m.object, column) })
			f := newFingerprints(r, s.export.Header(m.object))
			var rows, done int64
			var last export.Error // of the row before, if it is broken
			noteCut := func() {
				if last.Err != nil && *cut == "" {
					*cut = fmt.Sprintf("%s ends with a broken row in line %d, as if it were cut short", last.File, last.Line)
				}
			}
			for row, err := range s.export.Records(ctx, m.object, at) {
				if err != nil {
					yield(connectors.Record{}, err)
					return
				}
				if rows++; rows%256 == 0 {
					done, _ = s.export.Progress(m.object, row.Next)
				}
				if row.File != last.File {
					noteCut()
				}
				last = export.Error{File: row.File}
				if row.Err != nil && (errors.Is(row.Err, export.ErrFields) || errors.Is(row.Err, export.ErrQuote)) {
					last = *row.Err
				}
				record := r.row(row, f)
				record.Place, record.Position, record.Done = connectors.Place{File: row.File, Line: row.Line}, row.Next, done
				if !yield(record, nil) {
					return
				}
			}
			noteCut()
		}
	}
}

// stringHeader is what a string takes beside its text, in bytes.
const stringHeader = 16

// row turns a row into a record that is read in full only when it is new or has
// changed. A row without a good id fails.
func (r *reader) row(row *export.Record, f *fingerprints) connectors.Record {
	id := row.Fields[r.id]
	key, err := export.ParseID(id)
	switch {
	case row.Err != nil:
		record := connectors.Record{Err: row.Err.Err, Raw: broken(row), Values: []connectors.BadValue{{Column: row.Err.Column, Value: row.Err.Value, Err: row.Err.Err}}}
		if err == nil {
			record.Key = key // the stored record stays
		}
		return record
	case err != nil:
		return connectors.Record{Err: err, Raw: row.Raw(), Values: []connectors.BadValue{{Column: "Id", Value: id, Err: err}}}
	case r.deleted(row.Fields):
		tombstone := r.m.typ.New()
		r.m.typ.Key().Set(tombstone, key)
		return connectors.Record{Row: tombstone, Deleted: true}
	}
	kept := *row
	kept.Fields = slices.Clone(row.Fields) // the slice is used again for the next row
	size := 0
	for _, v := range kept.Fields {
		size += len(v) + stringHeader
	}
	return connectors.Record{Key: key, Size: size, Fingerprint: f.of(row.Fields), Read: func() connectors.Record { return r.record(key, kept.Fields, kept.Raw()) }}
}

// unreadable is the member of a payload that says why its row could not be told
// into fields. What is left of such a row is not replayed.
const unreadable = "#unreadable"

// broken returns the payload of a row that could not be read.
func broken(row *export.Record) []byte {
	var o jsonObject
	o.text(unreadable, row.Err.Err.Error())
	rest := row.Raw() // an object
	if bytes.Equal(rest, []byte("{}")) {
		return append(o.b, '}')
	}
	return append(append(o.b, ','), rest[1:]...)
}

// fingerprints tell whether a row has changed: they stand for its fields, as far
// as they are not empty, and for what decides how they are read.
type fingerprints struct {
	mapping []byte
	names   [][]byte // of the columns, shortened to their hash
	dates   []int    // columns that are read as dates
	order   byte
	scratch []byte
}

func newFingerprints(r *reader, header []string) *fingerprints {
	f := &fingerprints{mapping: r.m.fingerprint(), order: byte(r.order)}
	for i, name := range header {
		sum := sha256.Sum256([]byte(strings.ToLower(name)))
		f.names = append(f.names, sum[:8])
		if r.m.readsDate(name) {
			f.dates = append(f.dates, i)
		}
	}
	return f
}

func (f *fingerprints) of(fields []string) []byte {
	b := append(f.scratch[:0], f.mapping...)
	for _, i := range f.dates {
		if strings.IndexByte(fields[i], '/') >= 0 { // only slash dates depend on the order
			b = append(b, f.order)
			break
		}
	}
	for i, v := range fields {
		if v != "" {
			b = append(b, f.names[i]...)
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		}
	}
	f.scratch = b
	sum := sha256.Sum256(b)
	return slices.Clone(sum[:16])
}
