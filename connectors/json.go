package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/curatore/curatore-go/content"
)

// JSON makes a Stream that gives all records of a type, from an iterator of JSON
// objects: each is decoded into a row by the json tags of its type, and kept as its
// payload. One that cannot be decoded is a failed record and stops nothing; an error
// of the iterator ends the run. With [ReplayJSON] the payloads can be read again.
func JSON(typ *content.Type, read func(ctx context.Context) iter.Seq2[json.RawMessage, error]) Stream {
	return Stream{Type: typ, Read: func(ctx context.Context, _ string) iter.Seq2[Record, error] {
		return func(yield func(Record, error) bool) {
			for raw, err := range read(ctx) {
				if err != nil {
					yield(Record{}, err)
					return
				}
				if !yield(decoded(typ, raw), nil) {
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
					return decoded(t, p.Raw)
				}
			}
			return Record{}
		}, nil
	}
}

// decoded reads a JSON object.
func decoded(typ *content.Type, raw json.RawMessage) Record {
	row := typ.New()
	if err := json.Unmarshal(raw, row); err != nil {
		r := Record{Raw: raw, Err: fmt.Errorf("%w: it cannot be decoded: %w", content.ErrInvalid, err)}
		if errors.As(err, new(*json.UnmarshalTypeError)) { // the other fields were read
			r.Key = typ.KeyOf(row)
		}
		return r
	}
	*content.RecordOf(row) = content.Record{Raw: raw} // whatever the source calls by such names
	return Record{Row: row}
}
