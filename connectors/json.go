package connectors

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/curatore/curatore-go/content"
)

// JSON makes a Stream that gives all records of a type, from an iterator of JSON
// objects: each is decoded into a row by the json tags of its type, and kept as its
// payload. An error of the iterator ends the run. With [ReplayJSON] the payloads can
// be read again.
//
// What is not in the type of its field is read where it can mean only one thing: a
// number in text, a number as an identifier, a date without a clock, "" for null. Any
// other value is left out and told, and its record kept; a record that cannot be
// without it, or is no object, is a failed one and stops nothing.
func JSON(typ *content.Type, read func(ctx context.Context) iter.Seq2[json.RawMessage, error]) Stream {
	return Stream{Type: typ, Read: func(ctx context.Context, _ string) iter.Seq2[Record, error] {
		reader := newJSONReader(typ.New())
		return func(yield func(Record, error) bool) {
			for raw, err := range read(ctx) {
				if err != nil {
					yield(Record{}, err)
					return
				}
				if !yield(reader.record(typ, raw), nil) {
					return
				}
			}
		}
	}}
}

// ReplayJSON is the Replay of a Spec whose streams are made by [JSON].
func ReplayJSON[S any](types ...*content.Type) func(context.Context, Input[S]) (func(context.Context, Payload) Record, error) {
	return func(context.Context, Input[S]) (func(context.Context, Payload) Record, error) {
		return func(_ context.Context, p Payload) Record {
			for _, t := range types {
				if t.Name() == p.Type && len(p.Raw) > 0 {
					return newJSONReader(t.New()).record(t, p.Raw)
				}
			}
			return Record{}
		}, nil
	}
}

// record reads a JSON object.
func (r jsonReader) record(typ *content.Type, raw json.RawMessage) Record {
	row := typ.New()
	bad, err := r.into(row, raw)
	if err != nil {
		return Record{Raw: raw, Key: typ.KeyOf(row), Values: bad, Err: err}
	}
	*content.RecordOf(row) = content.Record{Raw: raw} // whatever the source calls by such names
	return Record{Row: row, Values: bad}
}
