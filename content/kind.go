package content

// A Kind says how a field's values are stored, compared and shown. Each kind
// has one Go type, which is what [Field.Value] returns and [Field.Set] takes.
type Kind int

// The kinds, with their Go type and their column types.
const (
	String Kind = iota + 1 // string; TEXT
	Int                    // int64; INTEGER, BIGINT
	Float                  // float64; REAL, DOUBLE PRECISION
	Bool                   // bool; INTEGER 0 or 1, BOOLEAN
	Time                   // time.Time in UTC, microseconds; TEXT, TIMESTAMPTZ
	Date                   // time.Time at midnight UTC of a day; TEXT, DATE
	JSON                   // json.RawMessage; TEXT, JSONB
)

var kindNames = [...]string{String: "string", Int: "int", Float: "float", Bool: "bool", Time: "time", Date: "date", JSON: "json"}

// String returns "string", "int", "float", "bool", "time", "date" or "json".
func (k Kind) String() string {
	if k < String || k > JSON {
		return "invalid"
	}
	return kindNames[k]
}

// zero stands for a missing value in a field that is required; times and JSON
// have none.
func (k Kind) zero() any {
	switch k {
	case String:
		return ""
	case Int:
		return int64(0)
	case Float:
		return 0.0
	case Bool:
		return false
	}
	return nil
}

// Numeric reports whether sums and averages of the kind make sense.
func (k Kind) Numeric() bool { return k == Int || k == Float }

// A Role is a set of things that a field is for.
type Role uint32

// The roles. In a struct tag they are written as the word in quotes.
const (
	Key        Role = 1 << iota // "key": the external id, unique per organization and instance
	Title                       // "title": names the record
	Text                        // "text": long text, indexed
	Facet                       // "facet": counted in searches, filterable, part of the indexed text
	Filterable                  // "filter": filterable
	Sortable                    // "sort": records can be ordered by it
	Category                    // "category": the document's content type, filterable
	URL                         // "url": where the record is shown in its source
	Searched                    // "search": part of the indexed text as "Label: value"
	Metadata                    // "metadata": shown in Item.Metadata instead of Item.Fields
	Hidden                      // "hidden": never shown, filtered or sorted by
	Group                       // "group": the record's group, in place of the Type's
	Parent                      // "parent=TYPE": the id of the record above this one
	Link                        // "link=TYPE": the id of another record
	Object                      // "object": the object key of the record's text
	Kept                        // "kept": set by the program, never changed by an import
	Unindexed                   // "unindexed": not in the search document, so that its changes index nothing again
	Optional                    // "optional": of a link, which is left out where nothing declares its target
)

// roleWords are the words of the `content` struct tag that set one role.
var roleWords = map[string]Role{
	"key": Key, "title": Title, "text": Text, "facet": Facet, "filter": Filterable, "sort": Sortable,
	"category": Category, "url": URL, "search": Searched, "metadata": Metadata, "hidden": Hidden,
	"group": Group, "object": Object, "kept": Kept, "unindexed": Unindexed, "optional": Optional,
}
