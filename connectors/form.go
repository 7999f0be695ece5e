package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	validation "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/curatore/curatore-go/content"
)

// A Validator is a type of settings that can tell what its schema cannot: that one
// of two must be given. The error is for people. It is called with the defaults
// filled in.
type Validator interface {
	Validate() error
}

// A form is what settings have to look like.
type form struct {
	schema   json.RawMessage
	compiled *validation.Schema
	decode   func(raw json.RawMessage) error
}

// newForm makes the form of settings. Mistakes in it are those of the declaration.
func newForm[S any](c *Connection, defaults S) *form {
	f := &form{decode: func(raw json.RawMessage) error {
		_, err := decode(defaults, Input[json.RawMessage]{Settings: raw})
		return err
	}}
	t := reflect.TypeFor[S]()
	if t.Kind() != reflect.Struct {
		c.problem("its settings are a %s; use a struct", t)
		return f
	}
	r := &jsonschema.Reflector{DoNotReference: true, Anonymous: true, RequiredFromJSONSchemaTags: true, Mapper: func(t reflect.Type) *jsonschema.Schema {
		if t == reflect.TypeFor[SecretRef]() {
			return &jsonschema.Schema{Type: "string", Pattern: refForm.String() + "|^$"}
		}
		return nil
	}}
	s := r.ReflectFromType(t)
	s.Version = ""
	raw, err := json.Marshal(s)
	if err == nil {
		f.schema = raw
		f.compiled, err = compile(raw)
	}
	if err != nil {
		c.problem("its settings have no schema: %v", err)
	}
	return f
}

func compile(raw []byte) (*validation.Schema, error) {
	doc, err := validation.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	const at = "mem://settings.json"
	c := validation.NewCompiler()
	c.DefaultDraft(validation.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(at, doc); err != nil {
		return nil, err
	}
	return c.Compile(at)
}

// Schema returns the JSON Schema of the connection's settings.
func (c *Connection) Schema() json.RawMessage { return bytes.Clone(c.form.schema) }

// CheckSettings reports what is wrong with settings, which need to have only what
// differs from the defaults: unknown names, values that the schema refuses, what
// their Validate method says, secrets in place of references. The error wraps
// content.ErrInvalid and shows no value of a secret.
func (c *Connection) CheckSettings(settings json.RawMessage) error {
	if len(settings) == 0 {
		settings = json.RawMessage("{}")
	}
	if c.form.compiled == nil {
		return fmt.Errorf("%w: the settings of %s have no schema", content.ErrInvalid, c.Name())
	}
	d := json.NewDecoder(bytes.NewReader(settings))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("%w settings of %s: they are no JSON", content.ErrInvalid, c.Name())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w settings of %s: there is more behind the JSON value", content.ErrInvalid, c.Name())
	}
	if err := c.form.compiled.Validate(v); err != nil {
		var wrong *validation.ValidationError
		if errors.As(err, &wrong) {
			return fmt.Errorf("%w settings of %s: %s", content.ErrInvalid, c.Name(), strings.Join(mistakes(wrong), "; "))
		}
		return fmt.Errorf("%w settings of %s", content.ErrInvalid, c.Name())
	}
	if err := c.form.decode(settings); err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	return nil
}

// CheckSecrets reports a secret in the place of a reference to one. It is for settings
// that are about to be stored and are checked in full only when they are used, with
// those of the instance beside them. The error wraps content.ErrInvalid and shows no
// value.
func (c *Connection) CheckSecrets(settings json.RawMessage) error {
	v, err := validation.UnmarshalJSON(bytes.NewReader(settings))
	if err != nil || c.form.compiled == nil {
		return nil // it is no JSON: then it is nothing that could be used
	}
	var wrong *validation.ValidationError
	if !errors.As(c.form.compiled.Validate(v), &wrong) {
		return nil
	}
	list := slices.DeleteFunc(mistakes(wrong), func(m string) bool { return !strings.Contains(m, noReference) })
	if len(list) == 0 {
		return nil
	}
	return fmt.Errorf("%w settings of %s: %s", content.ErrInvalid, c.Name(), strings.Join(list, "; "))
}

const noReference = "(a secret is given by a reference such as env:NAME)"

// mistakes names the places of what a schema refuses, and the rules, but no
// values: one may be a secret.
func mistakes(e *validation.ValidationError) (list []string) {
	if len(e.Causes) == 0 {
		at := strings.Join(e.InstanceLocation, ".")
		if at == "" {
			at = "they"
		}
		rule := strings.Join(e.ErrorKind.KeywordPath(), ".")
		switch rule {
		case "pattern":
			return []string{at + " has not the form that is asked for " + noReference}
		case "additionalProperties", "required":
			return []string{strings.TrimPrefix(e.Error()[strings.LastIndex(e.Error(), "\n")+1:], "- ")}
		}
		return []string{fmt.Sprintf("%s: refused by the rule %q", at, rule)}
	}
	for _, cause := range e.Causes {
		list = append(list, mistakes(cause)...)
	}
	return list
}
