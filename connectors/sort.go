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
	rows       []content.Row // one for each key, the last occurrence
	gone       []string      // keys of tombstones
	keys       []string      // all keys that the source has
	failures   []Failure
	seen       int64
	duplicates int64
	failed     int64
	badValues  int64
}

// sort checks the records of a batch and lets the last one of each key count.
func (im *importing) sort(typ *content.Type, records []Record) *sorted {
	out := &sorted{}
	at := make(map[string]int, len(records)) // key -> index in rows
	dropped := map[int]bool{}
	tombstones := map[string]bool{}
	keys := make(map[string]bool, len(records))
	for i := range records {
		r := &records[i]
		if r.Deleted && r.Row != nil && r.Err == nil {
			key := typ.KeyOf(r.Row)
			if j, again := at[key]; again && !dropped[j] {
				dropped[j] = true
				out.duplicates++
			}
			delete(at, key)
			tombstones[key] = true
			continue
		}
		out.seen++
		err := r.Err
		if err == nil && r.Row == nil {
			err = errors.New("the stream gave neither a row nor an error")
		}
		if err == nil {
			r.Key, r.Raw = typ.KeyOf(r.Row), content.RecordOf(r.Row).Raw
			err = store.Check(typ, r.Row)
		}
		if r.Key != "" && len(r.Key) <= store.MaxKey {
			keys[r.Key] = true
		}
		if err != nil {
			out.failed++
			out.failures = append(out.failures, failureOf(typ, r, err))
			continue
		}
		for _, v := range r.Values {
			out.badValues++
			f := failureOf(typ, r, v.Err)
			f.Scope, f.Column, f.Value, f.raw = "field", v.Column, v.Value, nil
			out.failures = append(out.failures, f)
		}
		delete(tombstones, r.Key)
		if j, again := at[r.Key]; again {
			out.duplicates++
			out.rows[j] = r.Row
			continue
		}
		at[r.Key] = len(out.rows)
		out.rows = append(out.rows, r.Row)
	}
	if len(dropped) > 0 {
		kept := out.rows[:0]
		for j, row := range out.rows {
			if !dropped[j] {
				kept = append(kept, row)
			}
		}
		out.rows = kept
	}
	for key := range tombstones {
		delete(keys, key)
	}
	out.gone, out.keys = slices.Sorted(maps.Keys(tombstones)), slices.Sorted(maps.Keys(keys))
	return out
}
