package connectortest

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

// keepsPayloads says of what each type's records can be made again: a payload, bytes
// in an object, or other records. One of each has to be kept for something.
func (x *suite) keepsPayloads() {
	x.round(nil)
	kept := 0
	for _, typ := range x.Store.Registry().Types() {
		raw, bytes, rows := 0, 0, x.Rows(typ.Name())
		for _, row := range rows {
			if len(content.RecordOf(row).Raw) > 0 {
				raw++
			}
			if hasBytes(typ, row) {
				bytes++
			}
		}
		x.t.Logf("%s: %d records, %d with a payload, %d with their bytes", typ.Name(), len(rows), raw, bytes)
		kept += raw + bytes
	}
	if kept == 0 {
		x.t.Error("no record has a payload, and none has bytes: what was fetched is lost when it is to be mapped in another way")
	}
}

// mapsAgain spoils what was mapped and has it mapped anew, without the source.
func (x *suite) mapsAgain() {
	if !x.Connection.Replayable() {
		x.t.Fatal("its Spec has no Replay, so that records can be mapped again only by fetching them")
	}
	for _, spoil := range []bool{false, true} {
		x.round(nil)
		spoilt := 0
		if spoil {
			spoilt = x.spoilRows()
		}
		before := x.spoiler.count()
		task := x.Task()
		options := x.Options
		options.All = true
		if x.Replay != nil {
			options.Settings = x.Replay
		}
		result, err := x.Engine.Replay(context.Background(), task, x.Connection, options)
		task.End("completed")
		if err != nil {
			x.t.Fatal(err)
		}
		if n := x.spoiler.count() - before; n > 0 {
			x.t.Errorf("mapping again made %d requests", n)
		}
		if diff := cmp.Diff(x.undisturbed.state, x.State()); diff != "" {
			x.t.Errorf("mapped again (spoilt before: %v): %s", spoil, diff)
		}
		updated := 0
		for _, c := range result.Streams {
			updated += int(c.Updated)
		}
		if updated < spoilt || !spoil && updated > 0 {
			x.t.Errorf("%d records were spoilt, %d were written", spoilt, updated)
		}
	}
}

// hasBytes reports whether a record is a file whose bytes are kept.
func hasBytes(typ *content.Type, row content.Row) bool {
	f, ok := typ.Field("object_key")
	return ok && f.Value(row) != ""
}

// spoilRows writes something else over a value of each record that can be mapped again:
// the first text that came from the payload, and the text of a file. It returns how many
// records there were.
func (x *suite) spoilRows() (n int) {
	for _, typ := range x.Store.Registry().Types() {
		raw, object, file := 0, 0, false
		for _, row := range x.Rows(typ.Name()) {
			file = file || hasBytes(typ, row)
			if len(content.RecordOf(row).Raw) > 0 {
				raw++
			} else if hasBytes(typ, row) {
				object++
			}
		}
		if first := x.mapped(typ); raw > 0 && first != "" {
			x.exec(fmt.Sprintf("UPDATE %q SET %q = ?, row_hash = ? WHERE organization_id = ? AND raw IS NOT NULL", typ.Table(), first), "spoilt", make([]byte, 16), x.organization)
			n += raw
		}
		if file {
			x.exec(fmt.Sprintf("UPDATE %q SET text = ?, extractor = ?, row_hash = ? WHERE organization_id = ? AND object_key <> ''", typ.Table()), "spoilt", "", make([]byte, 16), x.organization)
			n += object
		}
	}
	return n
}

// mapped is the first field of a type that is nothing but a text.
func (x *suite) mapped(typ *content.Type) string {
	for _, f := range typ.Fields() {
		if f.Kind == content.String && f.Imported() && !f.Has(content.Key|content.Parent|content.Link|content.Group|content.Object) && !slices.Contains(x.Ignore, f.Name) {
			return f.Name
		}
	}
	return ""
}
