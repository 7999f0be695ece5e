package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/export"
)

// replay makes the function that reads a row once more from its payload: a JSON
// object of the fields that are not empty, under the names of their columns.
// Slash dates need date_order in the settings, since there is no export to
// settle it. Rows that could not be told into fields, or held bytes that are not
// text, have to be imported again.
func replay(_ context.Context, in connectors.Input[Options]) (func(context.Context, connectors.Payload) connectors.Record, error) {
	order, err := dateOrder(in.Settings.DateOrder)
	if err != nil {
		return nil, err
	}
	type object struct {
		*reader
		header []string
	}
	objects := map[string]object{}
	for _, m := range objectMaps(in.Settings) {
		header := []string{"Id", "IsDeleted"}
		for _, c := range m.columns {
			header = append(header, c)
		}
		for _, s := range m.special {
			for _, p := range s.parts {
				header = append(header, p.column)
			}
		}
		objects[m.typ.Name()] = object{newReader(m, order, func(column string) int { return index(header, column) }), header}
	}
	return func(_ context.Context, p connectors.Payload) connectors.Record {
		raw := p.Raw
		if len(raw) == 0 {
			return connectors.Record{}
		}
		o, known := objects[p.Type]
		if !known {
			return connectors.Record{Err: fmt.Errorf("there is no object for %s", p.Type), Raw: raw}
		}
		columns, values, err := members(raw)
		if err != nil {
			return connectors.Record{Err: fmt.Errorf("its payload is no row of an export: %w", err), Raw: raw}
		}
		if i := slices.Index(columns, unreadable); i >= 0 {
			return connectors.Record{Err: errors.New(values[i] + "; import it again"), Raw: raw}
		}
		fields := make([]string, len(o.header))
		for i, column := range columns {
			for j, name := range o.header {
				if strings.EqualFold(name, column) {
					fields[j] = values[i]
				}
			}
		}
		key, err := export.ParseID(fields[o.id])
		if err != nil {
			return connectors.Record{Err: err, Raw: raw, Values: []connectors.BadValue{{Column: "Id", Value: fields[o.id], Err: err}}}
		}
		record := o.record(key, fields, raw)
		record.Deleted = o.deleted(fields)
		// The same as an import gives, so that the next one finds it unchanged.
		record.Fingerprint = newFingerprints(o.reader, columns).of(values)
		return record
	}, nil
}

// members returns the names and values of a JSON object of strings, in order.
func members(raw []byte) (names, values []string, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, errors.Join(errors.New("it is no JSON object"), err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var value *string
		if err := d.Decode(&value); err != nil || value == nil {
			return nil, nil, errors.Join(fmt.Errorf("%v is no text", name), err)
		}
		key, _ := name.(string) // in an object nothing else comes here
		names, values = append(names, key), append(values, *value)
	}
	if _, err := d.Token(); err != nil { // the end of the object
		return nil, nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("there is more behind the JSON object")
	}
	return names, values, nil
}

// index returns the place of a column in a header, or -1. Case does not count.
func index(header []string, column string) int {
	return slices.IndexFunc(header, func(name string) bool { return strings.EqualFold(name, column) })
}
