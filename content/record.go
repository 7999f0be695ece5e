package content

import "time"

// Record is what every row of every Type has. Embed it in a struct to make the
// struct a record type; [Define] accepts no struct without it.
//
// The import engine and the store fill it in. A connection sets Raw at most.
type Record struct {
	ID             string     // UUIDv7, the same for as long as the record lives
	OrganizationID string     // the tenant
	Instance       string     // which instance of the connection it came from; "" for the only one
	CreatedAt      time.Time  // UTC; when it was first stored
	UpdatedAt      time.Time  // UTC; when a write last changed it
	DeletedAt      *time.Time // nil: live; else when it was deleted, to be purged later
	IndexedAt      *time.Time // nil: waits to be indexed
	RowHash        []byte     // of everything stored; decides whether to write
	DocumentHash   []byte     // of what is indexed; decides whether to index again
	Raw            []byte     // the payload as received; JSON where the source gives JSON or rows
}

func (r *Record) record() *Record { return r }

// A Row is a pointer to a struct that embeds [Record], or a [*Dynamic].
type Row interface{ record() *Record }

// RecordOf returns the Record embedded in a Row.
func RecordOf(r Row) *Record { return r.record() }

// Dynamic is a record of a Type made by [DefineDynamic]: its values stand in
// the order of the Type's fields, each nil or of its kind's Go type. Values that
// are missing at the end are nil.
type Dynamic struct {
	Record
	Values []any
}

func (d *Dynamic) value(i int) any {
	if i >= len(d.Values) {
		return nil
	}
	return d.Values[i]
}

// set makes room for all n values of the Type.
func (d *Dynamic) set(i, n int, v any) {
	for len(d.Values) < n {
		d.Values = append(d.Values, nil)
	}
	d.Values[i] = v
}

// systemFields are the columns of [Record] that may be selected, filtered and
// sorted by. They cannot be set.
var systemFields = []*Field{
	{Name: "id", Label: "Id", Description: "The record's id.", Kind: String, Roles: Filterable | Sortable,
		get: func(r Row) any { return r.record().ID }},
	{Name: "created_at", Label: "Created", Description: "When it was first imported.", Kind: Time, Roles: Filterable | Sortable | Metadata,
		get: func(r Row) any { return r.record().CreatedAt.UTC() }},
	{Name: "updated_at", Label: "Updated", Description: "When an import last changed it.", Kind: Time, Roles: Filterable | Sortable | Metadata,
		get: func(r Row) any { return r.record().UpdatedAt.UTC() }},
}
