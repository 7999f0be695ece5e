package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// Records is what the built-in functions read. [store.Store] is one.
type Records interface {
	Get(ctx context.Context, scope content.Scope, typ *content.Type, id string) (content.Row, error)
	GetByKey(ctx context.Context, scope content.Scope, typ *content.Type, instance, key string) (content.Row, error)
	List(ctx context.Context, scope content.Scope, typ *content.Type, q store.Query) (store.Page[content.Row], error)
	Select(ctx context.Context, scope content.Scope, typ *content.Type, columns []string, q store.Query) ([]*content.Field, store.Page[[]any], error)
	Aggregate(ctx context.Context, scope content.Scope, typ *content.Type, q store.AggregateQuery) (store.Page[store.Group], []content.Kind, error)
}

var _ Records = (*store.Store)(nil)

// Sources are what the built-in functions are made of.
type Sources struct {
	Registry *content.Registry
	Records  Records
	// Search finds documents; without it there are no search functions.
	Search Searcher
	// Connections get a search function each. nil means one for each group of
	// the registry.
	Connections []Connection
	// Text returns the text of a record when it stands elsewhere than in the
	// record (an object, a linked record). nil leaves such texts out.
	Text func(ctx context.Context, scope content.Scope, typ *content.Type, row content.Row) (string, error)
	// Export stores a file of the organization and says where it is; without it
	// there is no function export_query. write may be called once.
	Export func(ctx context.Context, scope content.Scope, filename, contentType string, write func(io.Writer) error) (Exported, error)
}

// An Exported file is where an organization finds what was written for it.
type Exported struct {
	Key  string `json:"key" jsonschema_description:"Of the object in the object store"`
	Size int64  `json:"size" jsonschema_description:"Bytes"`
	URL  string `json:"url,omitempty" jsonschema_description:"From which it can be fetched for a while"`
}

// Builtins returns the functions that follow from the declarations, in no
// particular order: list_types; with types describe_model, query_model,
// facet_values and get; with a Searcher also search and a search_<connection>
// for each connection, and more_like_this if the Searcher is a [Similarer]; with
// Export also export_query, the only one that writes.
//
// All of them see only the organization of their caller, and return at most 100
// records at a time with a cursor to the next ones. What belongs to a connection
// that the organization has switched off is not there.
func Builtins(s Sources) []*Function {
	fns := []*Function{listTypes(s)}
	if len(s.Registry.Types()) == 0 {
		return fns
	}
	fns = append(fns, describeModel(s), queryModel(s), facetValues(s), get(s))
	if s.Export != nil {
		fns = append(fns, exportQuery(s))
	}
	if s.Search == nil {
		return fns
	}
	fns = append(fns, searchAll(s))
	if similar, ok := s.Search.(Similarer); ok {
		fns = append(fns, moreLikeThis(s, similar))
	}
	for _, c := range s.connections() {
		if len(c.Types) > 0 {
			fns = append(fns, searchConnection(s, c))
		}
	}
	return fns
}

// The limits of lists. A higher limit is lowered, and the result says so.
const (
	defaultLimit = 20
	maxLimit     = 100
)

// limitOf returns the limit to use and notes it when it is not the one asked for.
func limitOf(call *Call, asked int) int {
	if asked <= maxLimit {
		return asked
	}
	call.Note("limit %d was lowered to %d, the most at a time; go on with next_cursor", asked, maxLimit)
	return maxLimit
}

// found sets the message, total and cursor of a page.
func found(call *Call, n int, total int64, next string) {
	call.SetNext(next)
	switch {
	case total >= 0:
		call.SetTotal(int(total))
		call.SetMessage("Found %d of %s", n, count(int(total), "record"))
	case next != "":
		call.SetMessage("Found %s, and there are more", count(n, "record"))
	default:
		call.SetMessage("Found %s", count(n, "record"))
	}
}

// The lengths, in characters, beyond which texts are shortened.
const (
	maxListed = 1_000  // a value in a list of records
	maxValue  = 4_000  // a value of a single record
	maxText   = 20_000 // the text of a single record
)

// A shortener cuts long texts and remembers in which fields.
type shortener struct {
	limit int
	cut   []string
}

// value returns v, shortened when it is long text. Long nested JSON is left out
// as a whole, since half of it would not be JSON.
func (s *shortener) value(name string, v any) any {
	switch text := v.(type) {
	case string:
		if len(text) > s.limit && utf8.RuneCountInString(text) > s.limit {
			s.add(name)
			return string([]rune(text)[:s.limit]) + "…"
		}
	case json.RawMessage:
		if len(text) > 2*s.limit {
			s.add(name)
			return nil
		}
	}
	return v
}

func (s *shortener) add(name string) {
	for _, other := range s.cut {
		if other == name {
			return
		}
	}
	s.cut = append(s.cut, name)
}

// report tells the call what was cut, and how to read it.
func (s *shortener) report(call *Call) {
	if len(s.cut) > 0 {
		call.Truncate()
		call.Note("longer than %d characters and shortened or left out: %s", s.limit, listed(s.cut))
	}
}

// enum sets the values that a property of a reflected schema may have.
func enum(s *jsonschema.Schema, name string, values []string) {
	property, ok := s.Properties.Get(name)
	if !ok {
		panic("functions: no property " + name) // a mistake in this package
	}
	if property.Type == "array" {
		property = property.Items
	}
	property.Enum = make([]any, len(values))
	for i, value := range values {
		property.Enum[i] = value
	}
}

// invalid returns the Error for arguments of a built-in function.
func invalid(problems []Problem, hint string) *Error {
	return &Error{Code: CodeInvalid, Message: "The arguments were refused.", Hint: hint, Fields: problems}
}

// describeHint leads a model to the fields of a type.
func describeHint(typ *content.Type) string {
	return fmt.Sprintf("describe_model with model %q lists the fields.", typ.Name())
}
