package connectors

import (
	"errors"
	"maps"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// A sorted batch: what is to be done with its records.
type sorted struct {
	records    []*Record // good so far, one for each key: the last occurrence
	gone       []string  // keys of tombstones
	keys       []string  // all keys that the source has
	failures   []Failure
	seen       int64
	duplicates int64
}

// sort lets the last record of each key count, and sets aside those that the
// stream could not read.
func sort(typ *content.Type, records []Record) *sorted {
	out := &sorted{}
	last := make(map[string]*Record, len(records))
	keys := make(map[string]bool, len(records))
	replace := func(r *Record) {
		if old := last[r.Key]; old != nil && !old.Deleted {
			out.duplicates++
		}
		last[r.Key] = r
	}
	for i := range records {
		r := &records[i]
		if r.Row != nil {
			r.Key, r.Raw = typ.KeyOf(r.Row), content.RecordOf(r.Row).Raw
		}
		if r.Deleted && r.Err == nil {
			replace(r)
			continue
		}
		out.seen++
		if r.Key != "" && len(r.Key) <= store.MaxKey {
			keys[r.Key] = true
		}
		if r.Err == nil && r.Row == nil && r.Read == nil {
			r.Err = errors.New("the stream gave neither a row nor an error")
		}
		if r.Err == nil && r.Row == nil {
			r.Err = store.CheckKey(typ, r.Key)
		}
		if r.Err != nil {
			out.failures = append(out.failures, failureOf(typ, r, r.Err))
			continue
		}
		replace(r)
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
	return out
}
