package curatore

import (
	"context"
	"fmt"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// childrenShown is how many children of a relation Get returns.
const childrenShown = 20

// Get returns a record by type name and id, with summaries of the first 20
// children of each relation. Its text is shortened to a preview; Text has it
// all. A record of another organization is content.ErrNotFound.
func (o *Organization) Get(ctx context.Context, typeName, id string) (content.Item, error) {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return content.Item{}, err
	}
	row, err := o.c.store.Get(ctx, o.scope, typ, id)
	if err != nil {
		return content.Item{}, err
	}
	item := typ.Item(row, "")
	for _, child := range typ.Children() {
		page, err := o.c.store.Children(ctx, o.scope, child, id, store.Query{Limit: childrenShown, Total: true})
		if err != nil {
			return content.Item{}, err
		}
		if page.Total == 0 {
			continue
		}
		if item.Children == nil {
			item.Children = map[string][]content.Item{}
		}
		item.Children[child.Relation] = summaries(o.c.registry, child.Type, page.Items)
		if more := int(page.Total) - len(page.Items); more > 0 {
			if item.ChildrenMore == nil {
				item.ChildrenMore = map[string]int{}
			}
			item.ChildrenMore[child.Relation] = more
		}
	}
	return item, nil
}

func summaries(registry *content.Registry, typeName string, rows []content.Row) []content.Item {
	typ, _ := registry.Type(typeName)
	items := make([]content.Item, len(rows))
	for i, row := range rows {
		items[i] = typ.Item(row, "").Summary()
	}
	return items
}

// A Page is a part of a list of Items.
type Page = store.Page[content.Item]

// A ListQuery selects records. Its zero value selects the first 50 by title.
type ListQuery = store.Query

// An Order sorts by a field, in a ListQuery.
type Order = store.Order

// List returns summaries of a type's records: by keyword in the title, by
// filters, sorted, page by page; see store.Query for the defaults.
func (o *Organization) List(ctx context.Context, typeName string, q ListQuery) (Page, error) {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return Page{}, err
	}
	page, err := o.c.store.List(ctx, o.scope, typ, q)
	return Page{Items: summaries(o.c.registry, typ.Name(), page.Items), Total: page.Total, NextCursor: page.NextCursor}, err
}

// Children returns summaries of the records below one, of a relation such as
// "contacts", as List does. A relation that the type does not have is
// content.ErrInvalid.
func (o *Organization) Children(ctx context.Context, typeName, id, relation string, q ListQuery) (Page, error) {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return Page{}, err
	}
	var known []string
	for _, child := range typ.Children() {
		if child.Relation != relation {
			known = append(known, child.Relation)
			continue
		}
		if _, err := o.c.store.Get(ctx, o.scope, typ, id); err != nil {
			return Page{}, err
		}
		page, err := o.c.store.Children(ctx, o.scope, child, id, q)
		return Page{Items: summaries(o.c.registry, child.Type, page.Items), Total: page.Total, NextCursor: page.NextCursor}, err
	}
	return Page{}, fmt.Errorf("%w: %s has no relation %q; it has: %s", content.ErrInvalid, typeName, relation, strings.Join(known, ", "))
}

// Text returns a record's whole text, which may stand in the record, in an object
// of the organization, of which it is the first 16 MB, or in the record that it
// links to. A record without one gives "".
func (o *Organization) Text(ctx context.Context, typeName, id string) (string, error) {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return "", err
	}
	row, err := o.c.store.Get(ctx, o.scope, typ, id)
	if err != nil {
		return "", err
	}
	return o.c.text(ctx, o.scope, typ, row)
}

// text reads a record's text. Linked records that lead to each other in a circle
// have none.
func (c *Curator) text(ctx context.Context, scope content.Scope, typ *content.Type, row content.Row) (string, error) {
	for range len(c.registry.Types()) + 1 {
		source, from := typ.TextSource()
		switch source {
		case content.TextLinked:
		case content.TextObject:
			return c.objectText(ctx, scope, typ, row)
		default:
			return typ.Text(row), nil
		}
		link, _ := typ.Field(from)
		id, _ := link.Value(row).(string)
		target, known := c.registry.Type(link.LinkType)
		if id == "" || !known {
			return "", nil
		}
		next, err := c.store.Get(ctx, scope, target, id)
		if err != nil {
			return "", fmt.Errorf("text of %s: %w", typ.Name(), err)
		}
		typ, row = target, next
	}
	return "", nil
}

// A Table is the result of a Query: values under the columns of their fields.
type Table struct {
	Columns    []*content.Field
	Rows       [][]any // nil, or the Go type of the column's kind
	Total      int64   // -1 when it was not asked for
	NextCursor string  // "" on the last page
}

// Query selects columns of a type's records, as query_model does; no columns
// means all that are readable.
func (o *Organization) Query(ctx context.Context, typeName string, columns []string, q ListQuery) (Table, error) {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return Table{}, err
	}
	fields, page, err := o.c.store.Select(ctx, o.scope, typ, columns, q)
	return Table{Columns: fields, Rows: page.Items, Total: page.Total, NextCursor: page.NextCursor}, err
}

// Stats returns the statistics that a connection declares, by the plural of each
// type in lower case ("opportunities") and the statistic's name ("won_value"). A
// value is an int64, a float64 for a sum, or a list of maps for a statistic by
// the values of a field.
func (o *Organization) Stats(ctx context.Context, connection string) (map[string]map[string]any, error) {
	conn, err := o.c.connection(connection)
	if err != nil {
		return nil, err
	}
	stats := map[string]map[string]any{}
	for _, t := range conn.Types() {
		if len(t.Statistics()) == 0 {
			continue
		}
		values, err := o.c.store.Stats(ctx, o.scope, t)
		if err != nil {
			return nil, err
		}
		stats[strings.ReplaceAll(strings.ToLower(t.Plural()), " ", "_")] = values
	}
	return stats, nil
}
