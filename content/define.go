package content

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Define makes a Type from a struct that embeds [Record]; a struct without it
// does not compile. It looks at the struct once.
//
// A column is an exported field with a `db:"column_name"` tag. Its `content`
// tag lists roles, separated by commas: key, title, text, facet, filter, sort,
// category, url, search, metadata, hidden, group, object, kept (an import never
// changes it), unindexed (a change of it alone indexes nothing again), date (a time without a clock), parent=TYPE and link=TYPE (the id of another record) with from=FIELD
// (the field that holds its external key). Its `label` and `description` tags
// are for people and models; the label defaults to the column's name.
//
// Mistakes are reported by [NewRegistry], all together.
func Define[R any, P interface {
	*R
	Row
}](spec Spec[R]) *Type {
	t := newType(Spec[Dynamic]{
		Name: spec.Name, Label: spec.Label, Plural: spec.Plural, FormalName: spec.FormalName, Display: spec.Display,
		Description: spec.Description, Table: spec.Table, Group: spec.Group, Icon: spec.Icon, Color: spec.Color,
		Language: spec.Language, Text: spec.Text, TextFrom: spec.TextFrom, TextFormat: spec.TextFormat,
		Children: spec.Children, Statistics: spec.Statistics, History: spec.History,
	})
	t.newRow = func() Row { return P(new(R)) }
	t.holds = func(r Row) bool {
		p, ok := r.(P)
		return ok && p != nil
	}
	rt := reflect.TypeFor[R]()
	if rt.Kind() != reflect.Struct {
		t.problem("%s is not a struct", rt)
	} else {
		t.scan(rt, nil)
	}
	if spec.Title != nil {
		t.title = func(r Row) string { return spec.Title((*R)(r.(P))) }
	}
	if spec.Document != nil {
		t.document = func(r Row) Document { return spec.Document((*R)(r.(P))) }
	}
	t.finish()
	return t
}

// DefineDynamic makes a Type from a list of fields, for records whose shape is
// known only when the program runs: a describe call, a spreadsheet's header.
// Its rows are [*Dynamic].
func DefineDynamic(spec Spec[Dynamic], fields ...FieldSpec) *Type {
	t := newType(spec)
	t.newRow = func() Row { return &Dynamic{Values: make([]any, len(fields))} }
	t.holds = func(r Row) bool {
		d, ok := r.(*Dynamic)
		return ok && d != nil && len(d.Values) <= len(fields)
	}
	for i, fs := range fields {
		t.add(&Field{
			Name: fs.Name, Label: fs.Label, Description: fs.Description, Kind: fs.Kind, Nullable: !fs.Required && !fs.Roles.has(Key),
			Roles: fs.Roles, LinkType: fs.LinkType, LinkFrom: fs.LinkFrom,
			get: func(r Row) any {
				if v := r.(*Dynamic).value(i); v != nil || !fs.Required {
					return v
				}
				return fs.Kind.zero()
			},
			set: func(r Row, v any) { r.(*Dynamic).set(i, len(fields), v) },
		})
		if fs.LinkType != "" && !fs.Roles.has(Parent|Link) {
			t.problem("field %s names the type %s but has neither the role Parent nor Link", fs.Name, fs.LinkType)
		}
	}
	if spec.Title != nil {
		t.title = func(r Row) string { return spec.Title(r.(*Dynamic)) }
	}
	if spec.Document != nil {
		t.document = func(r Row) Document { return spec.Document(r.(*Dynamic)) }
	}
	t.finish()
	return t
}

func (r Role) has(x Role) bool { return r&x != 0 }

func newType(spec Spec[Dynamic]) *Type {
	spec.Plural = cmp.Or(spec.Plural, spec.Label+"s")
	spec.FormalName = cmp.Or(spec.FormalName, spec.Label)
	spec.Table = cmp.Or(spec.Table, spec.Name+"s")
	spec.Icon = cmp.Or(spec.Icon, "file")
	spec.Color = cmp.Or(spec.Color, "gray")
	spec.Language = cmp.Or(spec.Language, "en")
	spec.Children = slices.Clone(spec.Children)
	for i, c := range spec.Children {
		spec.Children[i].Label = cmp.Or(c.Label, c.Relation)
		spec.Children[i].OnDelete = cmp.Or(c.OnDelete, Orphan)
	}
	return &Type{spec: spec, byName: map[string]*Field{}}
}

func (t *Type) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// scan adds the columns of a struct, those of embedded structs included.
func (t *Type) scan(rt reflect.Type, index []int) {
	for i := range rt.NumField() {
		sf := rt.Field(i)
		at := append(slices.Clone(index), i)
		name, tagged := sf.Tag.Lookup("db")
		switch {
		case sf.Type == reflect.TypeFor[Record]():
			continue
		case sf.Type == reflect.TypeFor[*Record]():
			t.problem("it embeds *content.Record, which is nil in a new row; embed content.Record")
			continue
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Pointer && sf.Type.Elem().Kind() == reflect.Struct:
			t.problem("it embeds %s, whose columns are not there in a new row; embed %s", sf.Type, sf.Type.Elem())
			continue
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct:
			t.scan(sf.Type, at)
			continue
		case !tagged:
			if sf.Tag.Get("content") != "" {
				t.problem("field %s has a content tag but no db tag; name its column", sf.Name)
			}
			continue
		case !sf.IsExported():
			t.problem("field %s has a db tag but is not exported", sf.Name)
			continue
		}
		kind, nullable, ok := kindOf(sf.Type)
		if !ok {
			t.problem("field %s: no database can hold a %s; use a string, number, bool, time.Time, a struct that encodes as JSON, or a pointer to one", sf.Name, sf.Type)
			continue
		}
		f := &Field{Name: name, Label: sf.Tag.Get("label"), Description: sf.Tag.Get("description"), Kind: kind, Nullable: nullable}
		t.parseTag(f, sf.Tag.Get("content"))
		f.get, f.set = access(at, sf.Type, f.Kind)
		t.add(f)
	}
}

// parseTag reads the content tag into a field.
func (t *Type) parseTag(f *Field, tag string) {
	for word := range strings.SplitSeq(tag, ",") {
		word = strings.TrimSpace(word)
		name, value, _ := strings.Cut(word, "=")
		switch {
		case word == "":
		case word == "date":
			if f.Kind != Time {
				t.problem("field %s: only a time.Time can be a date", f.Name)
				continue
			}
			f.Kind = Date
		case name == "parent" && value != "":
			f.Roles, f.LinkType = f.Roles|Parent, value
		case name == "link" && value != "":
			f.Roles, f.LinkType = f.Roles|Link, value
		case name == "from" && value != "":
			f.LinkFrom = value
		case roleWords[word] != 0:
			f.Roles |= roleWords[word]
		default:
			t.problem("field %s: unknown word %q in its content tag", f.Name, word)
		}
	}
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// languageTag is the form of the language tags of RFC 5646; which of them have
// rules of their own is up to the search.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// reserved are the columns that every table has, those of Postgres itself last.
var reserved = []string{"id", "organization_id", "instance", "title_key", "created_at", "updated_at", "deleted_at", "indexed_at", "row_hash", "document_hash", "raw",
	"ctid", "cmin", "cmax", "xmin", "xmax", "tableoid"}

// maxColumns is below what a table of either database can have, with room for
// the columns of [Record].
const maxColumns = 1500

func (t *Type) add(f *Field) {
	switch {
	case !identifier.MatchString(f.Name):
		t.problem("column %q: use a lower-case letter, then up to 39 letters, digits and underscores", f.Name)
	case slices.Contains(reserved, f.Name):
		t.problem("column %q is one that every table has; choose another name", f.Name)
	case t.byName[f.Name] != nil:
		t.problem("column %q is declared twice", f.Name)
	case f.Kind < String || f.Kind > JSON:
		t.problem("column %q has no kind", f.Name)
	}
	f.Label = cmp.Or(f.Label, labelOf(f.Name))
	t.fields = append(t.fields, f)
	t.byName[f.Name] = f
}

// labelOf makes "Billing city" of "billing_city".
func labelOf(name string) string {
	r := []rune(strings.ReplaceAll(name, "_", " "))
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// finish settles what depends on all fields and notes the mistakes that can be
// seen without other Types.
func (t *Type) finish() {
	s := &t.spec
	if !identifier.MatchString(s.Name) {
		t.problem("the name must be a lower-case letter, then up to 39 letters, digits and underscores")
	}
	if s.Table != s.Name+"s" && !identifier.MatchString(s.Table) {
		t.problem("table name %q: use a lower-case letter, then up to 39 letters, digits and underscores", s.Table)
	}
	if s.Label == "" {
		t.problem("the label is missing")
	}
	if !slices.Contains(Icons(), s.Icon) {
		t.problem("unknown icon %q; use one of %s", s.Icon, strings.Join(Icons(), ", "))
	}
	if !slices.Contains(Colors(), s.Color) {
		t.problem("unknown color %q; use one of %s", s.Color, strings.Join(Colors(), ", "))
	}
	if !languageTag.MatchString(s.Language) {
		t.problem("the language %q is no BCP 47 tag; write en, de or pt-BR", s.Language)
	}
	t.key = t.only(Key, "key")
	switch {
	case t.key == nil:
		t.problem(`no field has the role "key": tag the one that holds the id in the source with content:"key"`)
		t.key = &Field{Name: "key", Kind: String, get: func(Row) any { return nil }, set: func(Row, any) {}}
	case t.key.Kind != String || t.key.Nullable:
		t.problem("the key %s must be a string (not a pointer)", t.key.Name)
	}
	title := t.only(Title, "title")
	switch {
	case t.title != nil && title != nil:
		t.problem("the title is given twice, by a function and by the field %s", title.Name)
	case t.title == nil && title == nil:
		t.problem(`the title is missing: tag a field with content:"title" or set Spec.Title`)
		t.title = func(Row) string { return "" }
	case t.title == nil:
		t.title = func(r Row) string {
			v, _ := title.Value(r).(string)
			return v
		}
		if title.Kind != String {
			t.problem("the title field %s must hold text", title.Name)
		}
	}
	t.parent = t.only(Parent, "parent")
	t.only(Category, "category")
	t.only(URL, "url")
	t.only(Group, "group")
	if len(t.fields) > maxColumns {
		t.problem("it has %d columns; a table takes at most %d", len(t.fields), maxColumns)
	}
	t.finishRoles()
	t.finishText()
	t.finishLinks()
	t.finishStatistics()
}

// finishRoles notes roles that contradict each other.
func (t *Type) finishRoles() {
	for _, f := range t.fields {
		const shown = Title | Text | Facet | Filterable | Sortable | Category | URL | Searched | Group
		switch {
		case f.Has(Hidden) && f.Has(shown):
			t.problem("field %s is hidden, so it can be neither shown, searched, filtered nor sorted by; take one of its roles away", f.Name)
		case f.Has(Unindexed) && f.Has(Title|Text|Facet|Category|URL|Searched):
			t.problem("field %s is unindexed, but stands in the search document by its other roles; take one of them away", f.Name)
		case f.Has(Kept) && f.Has(Key|Title):
			t.problem("field %s is kept, but each import brings a key and a title; take one of its roles away", f.Name)
		case f.Has(Kept) && f.LinkFrom != "":
			t.problem("link field %s is kept, but from=%s makes an import change it; take one of them away", f.Name, f.LinkFrom)
		case f.Kind == JSON && f.Has(Facet|Filterable|Sortable):
			t.problem("field %s holds JSON, which cannot be filtered or sorted by", f.Name)
		}
	}
}

// only returns the one field with a role.
func (t *Type) only(r Role, word string) *Field {
	fields := t.With(r)
	if len(fields) > 1 {
		t.problem("two fields have the role %q: %s and %s", word, fields[0].Name, fields[1].Name)
	}
	if len(fields) == 0 {
		return nil
	}
	return fields[0]
}

func (t *Type) finishText() {
	s := &t.spec
	if s.Text == "" {
		s.Text = TextRecord
		if len(t.With(Text)) > 0 {
			s.Text = TextField
		}
	}
	format := FormatText
	if s.Text == TextRecord {
		format = FormatJSON
	}
	s.TextFormat = cmp.Or(s.TextFormat, format)
	switch s.TextFormat {
	case FormatText, FormatMarkdown, FormatJSON:
	default:
		t.problem("unknown text format %q; use text, markdown or json", s.TextFormat)
	}
	switch s.Text {
	case TextField:
		if len(t.With(Text)) == 0 {
			t.problem(`the text comes from a field, but no field has the role "text"`)
		}
	case TextObject:
		if len(t.With(Object)) != 1 {
			t.problem(`the text comes from an object: tag the field that holds its key with content:"object"`)
		}
	case TextLinked:
		if f := t.byName[s.TextFrom]; f == nil || !f.Has(Link|Parent) {
			t.problem("the text comes from a linked record, but TextFrom %q is no link field", s.TextFrom)
		}
	case TextRecord, TextNone:
	default:
		t.problem("unknown text source %q; use field, record, object, linked or none", s.Text)
	}
	for _, f := range t.With(Text | Object | URL | Category | Group) {
		if f.Kind != String {
			t.problem("field %s must hold text for its role", f.Name)
		}
	}
}

func (t *Type) finishLinks() {
	for _, f := range t.fields {
		if f.LinkFrom != "" && !f.Has(Parent|Link) {
			t.problem("field %s says from=%s but links to nothing; add parent=TYPE or link=TYPE", f.Name, f.LinkFrom)
		}
		if !f.Has(Parent | Link) {
			continue
		}
		if f.Kind != String || !f.Nullable {
			t.problem("link field %s must be a *string: a record can be without one", f.Name)
		}
		if from := t.byName[f.LinkFrom]; f.LinkFrom != "" && (from == nil || from.Kind != String) {
			t.problem("link field %s says from=%s, which is no text field", f.Name, f.LinkFrom)
		}
	}
}

func (t *Type) finishStatistics() {
	names := map[string]bool{}
	for _, st := range t.spec.Statistics {
		if names[st.Name] {
			t.problem("two statistics have the name %q", st.Name)
		}
		names[st.Name] = true
		t.checkStatistic(st)
	}
}

func (t *Type) checkStatistic(st Statistic) {
	if f := t.byName[st.Due]; (st.Due != "") != (st.Days > 0) || st.Due != "" && (f == nil || f.Kind != Time && f.Kind != Date || !f.Filterable()) {
		t.problem("statistic %q: Due is a time or date field that can be filtered by, and Days, at least 1, belong to it", st.Name)
	}
	switch {
	case st.Name == "":
		t.problem("a statistic has no name")
	case st.GroupBy != "" && st.Sum != "":
		t.problem("statistic %q has groups; name what to add up per group in Value, not in Sum", st.Name)
	case st.GroupBy == "" && (st.Key != "" || st.Value != ""):
		t.problem("statistic %q has no groups, so it takes neither Key nor Value; set GroupBy", st.Name)
	}
	for _, name := range []string{st.Sum, st.Value} {
		if f := t.byName[name]; name != "" && (f == nil || !f.Aggregatable()) {
			t.problem("statistic %q adds up %q, which is no number field", st.Name, name)
		}
	}
	if f := t.byName[st.GroupBy]; st.GroupBy != "" && (f == nil || !f.Filterable()) {
		t.problem("statistic %q groups by %q, which is no facet or filter field", st.Name, st.GroupBy)
	}
	for _, flt := range st.Filters {
		if err := flt.Check(); err != nil {
			t.problem("statistic %q: %v", st.Name, err)
			continue
		}
		f := t.byName[flt.Field]
		if f == nil || !f.Filterable() {
			t.problem("statistic %q filters by %q, which is no facet or filter field", st.Name, flt.Field)
			continue
		}
		if (flt.Op == Contains || flt.Op == StartsWith) && f.Kind != String {
			t.problem("statistic %q: %s needs text, %s is a %s", st.Name, flt.Op, f.Name, f.Kind)
			continue
		}
		for _, text := range flt.Values {
			if _, err := f.Parse(text); err != nil {
				t.problem("statistic %q: %v", st.Name, err)
			}
		}
	}
}
