package content

// A TextSource says what an Item's text is.
type TextSource string

// The text sources. With none given it is TextField when a field has the role
// "text", and TextRecord otherwise.
const (
	TextField  TextSource = "field"  // the fields with the role "text", in order
	TextRecord TextSource = "record" // the record's fields as JSON
	TextObject TextSource = "object" // the object whose key the "object" field holds
	TextLinked TextSource = "linked" // the text of the record that TextFrom, a link field, names
	TextNone   TextSource = "none"   // it has no text
)

// A TextFormat says how to read an Item's text.
type TextFormat string

// The text formats.
const (
	FormatText     TextFormat = "text"
	FormatMarkdown TextFormat = "markdown"
	FormatJSON     TextFormat = "json"
)

// An OnDelete says what happens to the children of a record that is deleted.
type OnDelete string

// The rules for children of a deleted record.
const (
	Orphan  OnDelete = "orphan"  // they stay; the link becomes NULL when the parent is purged (the default)
	Cascade OnDelete = "cascade" // they are deleted with it
	Block   OnDelete = "block"   // the parent stays and is reported
)

// A Child declares records of another Type (or the same) below this one.
type Child struct {
	Type     string   // the child's Type
	Relation string   // its name in Item.Children: "contacts"
	Label    string   // for people; default: the Relation
	Field    string   // the child's Parent or Link field to this Type; default: its only one
	OnDelete OnDelete // default Orphan
}

// A Spec declares a Type whose records are structs of type R. Only Name and
// Label are required.
type Spec[R any] struct {
	Name        string            // type name, such as "salesforce_account": the one name used everywhere
	Label       string            // display name in the default context: "Account"
	Plural      string            // default: Label and "s"
	FormalName  string            // "Salesforce Account"; default: Label
	Display     map[string]string // display names in other contexts ("crm", "search")
	Description string            // one sentence for people and models
	Table       string            // default: Name and "s"; an irregular plural is given here
	Group       string            // group and metadata namespace; default: the connection's name
	Icon        string            // one of Icons(); default "file"
	Color       string            // one of Colors(); default "gray"
	Language    string            // language of its texts; default "en"
	Text        TextSource
	TextFrom    string            // for TextLinked: the link field
	TextFormat  TextFormat        // default: json for TextRecord, text otherwise
	Children    []Child           // the relations to the records below
	Title       func(*R) string   // in place of the field with the role "title"
	Document    func(*R) Document // in place of the document made from the roles
	Statistics  []Statistic       // counted under the Type's name by Stats
	History     bool              // the earlier versions of a record are kept when it changes
}

// A Statistic is a number, or a list of numbers by the values of a field, that
// people want to see about the records of a Type.
type Statistic struct {
	Name    string   // its key in the result: "open_value"
	Filters []Filter // which records count
	Due     string   // a time or date field: only what lies between now and Days later counts
	Days    int      // with Due; at least 1
	Sum     string   // the numeric field to add up; "" counts records
	GroupBy string   // gives a list [{GroupBy as Key, count, value}] by this field
	Key     string   // the name of the group's value in that list; default GroupBy
	Value   string   // with GroupBy: the numeric field added up per group as "value"; "" leaves it out
}

// A FieldSpec declares one field of a dynamic Type.
type FieldSpec struct {
	Name        string
	Label       string // default: from the name
	Description string
	Kind        Kind
	Roles       Role
	Required    bool   // not null; the zero value stands for a missing one
	LinkType    string // with the role Parent or Link
	LinkFrom    string
}
