package functions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/invopop/jsonschema"
	validation "github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaURL names a schema inside its own compiler; nothing is fetched from it.
const schemaURL = "mem://function/schema.json"

// compile encodes a schema and makes its validator.
func compile(schema *jsonschema.Schema) (json.RawMessage, *validation.Schema, error) {
	raw, err := json.Marshal(schema)
	if err != nil {
		return nil, nil, fmt.Errorf("the schema cannot be encoded: %w", err)
	}
	compiled, err := compileAt(raw, "")
	if err != nil {
		return nil, nil, err
	}
	return raw, compiled, nil
}

// compileAt compiles the part of a schema at a JSON pointer; "" is the whole.
func compileAt(raw json.RawMessage, pointer string) (*validation.Schema, error) {
	doc, err := validation.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := validation.NewCompiler()
	c.DefaultDraft(validation.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(schemaURL + "#" + pointer)
	if err != nil {
		return nil, fmt.Errorf("the schema is not valid: %w", err)
	}
	return compiled, nil
}

// noLoader refuses references that lead out of a schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: a schema may not refer to another document", url)
}

// applyDefaults writes the defaults of a Spec into a schema.
func applyDefaults(schema *jsonschema.Schema, defaults map[string]any) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		property, ok := schema.Properties.Get(name)
		if !ok {
			errs = append(errs, fmt.Errorf("there is no parameter %q", name))
			continue
		}
		clone := *property
		clone.Default = defaults[name]
		schema.Properties.Set(name, &clone)
		schema.Required = slices.DeleteFunc(slices.Clone(schema.Required), func(r string) bool { return r == name })
	}
	return errors.Join(errs...)
}

// checkDefaults holds every default of a schema against the rules of its own
// place. pointer and path say where the shape stands, for JSON and for people.
func checkDefaults(raw json.RawMessage, s *shape, pointer, path string) []error {
	if s == nil || !s.defaults {
		return nil
	}
	var errs []error
	if s.hasDefault {
		rules, err := compileAt(raw, pointer)
		if err != nil {
			return []error{err}
		}
		for _, p := range problemsOf(rules.Validate(s.def), s, s.def) {
			errs = append(errs, fmt.Errorf("the default of %s %s", join(path, p.Path), p.Message))
		}
	}
	for _, name := range s.names {
		below := pointer + s.below + "/properties/" + escapePointer(name)
		errs = append(errs, checkDefaults(raw, s.properties[name], below, join(path, name))...)
	}
	return append(errs, checkDefaults(raw, s.items, pointer+s.below+"/items", path+"[]")...)
}

// unmarshalNumber decodes exactly one JSON value and keeps numbers as written.
func unmarshalNumber(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is text after the JSON value")
	}
	return nil
}
