package connectors

import (
	"fmt"
	"maps"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// A sorted batch: what is to be done with its records.
type sorted struct {
	records    []*Record // good so far, one for each key: the last occurrence
	gone       []string  // keys of tombstones
	keys       []string  // the other keys that the source has
	failures   []Failure
	seen       int64
	nameless   int64 // failures without a key
	duplicates int64
}

// sort lets the last record of each key count, and sets aside those that the
// stream could not read. A record that is none is a mistake in the connection
// and ends the run.
func sort(typ *content.Type, records []Record) (*sorted, error) {
	out := &sorted{}
	last := make(map[string]*Record, len(records))
	keys := make(map[string]bool, len(records))
	for i := range records {
		r := &records[i]
		if err := r.identify(typ); err != nil {
			return nil, err
		}
		tombstone := r.Deleted && r.Err == nil
		if !tombstone {
			out.seen++
			if store.CheckKey(typ, r.Key) == nil {
				keys[r.Key] = true
			} else {
				out.nameless++
			}
		}
		old := last[r.Key]
		if r.Err != nil {
			out.failures = append(out.failures, failureOf(typ, r, r.Err))
			if old != nil && old.Deleted {
				delete(last, r.Key) // it is back, be it unreadable
			}
			continue
		}
		if old != nil && !old.Deleted {
			out.duplicates++
		}
		last[r.Key] = r
	}
	for i := range records {
		r := &records[i]
		switch {
		case last[r.Key] != r:
		case r.Deleted:
			out.gone = append(out.gone, r.Key)
			delete(keys, r.Key)
		default:
			out.records = append(out.records, r)
		}
	}
	out.keys = slices.Sorted(maps.Keys(keys))
	return out, nil
}

// identify completes a record's key, and its Err when there is none.
func (r *Record) identify(typ *content.Type) error {
	if r.Row != nil {
		if err := held(typ, r.Row); err != nil {
			return err
		}
		r.Key = typ.KeyOf(r.Row)
		if r.Raw == nil {
			r.Raw = content.RecordOf(r.Row).Raw
		}
	}
	switch {
	case r.Err != nil:
	case r.Row == nil && r.Read == nil && !r.Deleted:
		return fmt.Errorf("%w: the stream of %s gave a record without Row, Read and Err", content.ErrInvalid, typ.Name())
	default:
		r.Err = store.CheckKey(typ, r.Key)
	}
	return nil
}
