package content

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Type is one kind of record, as declared. It is made by [Define] or
// [DefineDynamic], does not change afterwards, and is safe for concurrent use.
//
// A mistake in a declaration does not panic: the Type carries it, and
// [NewRegistry] reports the mistakes of all Types at once.
type Type struct {
	spec     Spec[Dynamic] // without the functions, which are erased below
	fields   []*Field
	byName   map[string]*Field
	key      *Field
	parent   *Field
	newRow   func() Row
	holds    func(Row) bool
	title    func(Row) string
	document func(Row) Document
	problems []string
	shared   *Type    // the declaration that several connections share; see Share
	groups   []string // of the connections that share it
}

// Name returns the type name: "salesforce_account".
func (t *Type) Name() string { return t.spec.Name }

// Table returns the name of the table that holds the records.
func (t *Type) Table() string { return t.spec.Table }

// Group returns the group ("salesforce"), which is also the namespace of the
// Type's metadata. With a field of the role "group" the record has the say.
func (t *Type) Group() string { return t.spec.Group }

// FormalName returns the name for headings: "Salesforce Account".
func (t *Type) FormalName() string { return t.spec.FormalName }

// Label returns the display name in a context. An unknown context, and
// "default", give the default label.
func (t *Type) Label(context string) string {
	return cmp.Or(t.spec.Display[context], t.spec.Label)
}

// Plural returns the label for several records: "Accounts".
func (t *Type) Plural() string { return t.spec.Plural }

// Description returns the sentence for people and models; it may be empty.
func (t *Type) Description() string { return t.spec.Description }

// Icon returns one of [Icons].
func (t *Type) Icon() string { return t.spec.Icon }

// Color returns one of [Colors].
func (t *Type) Color() string { return t.spec.Color }

// Language returns the language of the texts as a BCP 47 tag.
func (t *Type) Language() string { return t.spec.Language }

// TextSource returns where an Item's text comes from, and for TextLinked the
// field that names the record.
func (t *Type) TextSource() (TextSource, string) { return t.spec.Text, t.spec.TextFrom }

// HasText reports whether records have a text.
func (t *Type) HasText() bool { return t.spec.Text != TextNone }

// TextFormat returns how texts are to be read.
func (t *Type) TextFormat() TextFormat { return t.spec.TextFormat }

// Children returns the relations to records below this one.
func (t *Type) Children() []Child { return slices.Clone(t.spec.Children) }

// Statistics returns the declared statistics.
func (t *Type) Statistics() []Statistic { return slices.Clone(t.spec.Statistics) }

// History reports whether earlier versions of records are kept.
func (t *Type) History() bool { return t.spec.History }

// Fields returns the declared fields in order, without those of [Record].
func (t *Type) Fields() []*Field { return slices.Clone(t.fields) }

// Field returns a field by name.
func (t *Type) Field(name string) (*Field, bool) {
	f, ok := t.byName[name]
	return f, ok
}

// Columns returns what may be selected: the id and the times of [Record], then
// the readable fields in order.
func (t *Type) Columns() []*Field {
	columns := slices.Clone(systemFields)
	for _, f := range t.fields {
		if f.Readable() {
			columns = append(columns, f)
		}
	}
	return columns
}

// Column returns one of [Type.Columns] by name, or an error that wraps
// [ErrInvalid] and names the columns.
func (t *Type) Column(name string) (*Field, error) {
	columns := t.Columns()
	names := make([]string, len(columns))
	for i, f := range columns {
		if f.Name == name {
			return f, nil
		}
		names[i] = f.Name
	}
	return nil, fmt.Errorf("%w: %s has no field %q; it has %s", ErrInvalid, t.Name(), name, strings.Join(names, ", "))
}

// Key returns the field that holds the external id.
func (t *Type) Key() *Field { return t.key }

// Parent returns the field that holds the id of the record above, or nil.
func (t *Type) Parent() *Field { return t.parent }

// With returns the fields that have any of the roles, in order.
func (t *Type) With(r Role) []*Field {
	var fields []*Field
	for _, f := range t.fields {
		if f.Has(r) {
			fields = append(fields, f)
		}
	}
	return fields
}

// New returns an empty row of the Type.
func (t *Type) New() Row { return t.newRow() }

// Holds reports whether a row is one of the Type: what New returns, or a
// pointer to the struct that it was defined with. Any other row must not be
// given to the Type or its fields.
func (t *Type) Holds(r Row) bool { return r != nil && t.holds(r) }

// Title returns what names the record: the title field or function, else its
// key. It is never empty for a record that has a key.
func (t *Type) Title(r Row) string {
	return cmp.Or(strings.TrimSpace(t.title(r)), t.KeyOf(r))
}

// KeyOf returns the external id of a row.
func (t *Type) KeyOf(r Row) string {
	s, _ := t.key.Value(r).(string)
	return s
}

// GroupOf returns the group of a row: the field with the role "group" when it
// has a value, else the Type's.
func (t *Type) GroupOf(r Row) string {
	if f := t.GroupField(); f != nil {
		if s, _ := f.Value(r).(string); s != "" {
			return s
		}
	}
	return t.spec.Group
}

// Of returns the Type as one of a connection: a Type that names no group gets
// the connection's name as its group.
func (t *Type) Of(connection string) *Type {
	if t.spec.Group != "" {
		return t
	}
	c := t.clone()
	c.spec.Group = connection
	return c
}

func (t *Type) clone() *Type {
	c := *t
	c.spec.Children = slices.Clone(t.spec.Children)
	c.spec.Statistics = slices.Clone(t.spec.Statistics)
	return &c
}
