package functions

import "github.com/invopop/jsonschema"

// An Object is a JSON object whose names are only known when the program runs,
// such as the fields of a record. It is the way to say so in the input or output
// of a function, where any is refused: whoever reads the schema learns that it
// is an object, and nothing more.
type Object map[string]any

// JSONSchema returns the schema of an open object.
func (Object) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "object"} }
