package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// An object is a JSON object that keeps its order: providers write arguments in
// the order of the schema.
type object struct {
	names  []string
	values map[string]any // *object, []any, string, json.Number, bool or nil
}

func newObject(pairs ...any) *object {
	o := &object{values: map[string]any{}}
	for i := 0; i < len(pairs); i += 2 {
		o.set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func (o *object) set(name string, value any) {
	if _, there := o.values[name]; !there {
		o.names = append(o.names, name)
	}
	o.values[name] = value
}

func (o *object) delete(name string) {
	if _, there := o.values[name]; there {
		delete(o.values, name)
		o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
	}
}

func (o *object) has(name string) bool {
	_, there := o.values[name]
	return there
}

func (o *object) text(name string) string {
	s, _ := o.values[name].(string)
	return s
}

func (o *object) list(name string) []any {
	l, _ := o.values[name].([]any)
	return l
}

func (o *object) object(name string) *object {
	inner, _ := o.values[name].(*object)
	return inner
}

// clone copies everything.
func (o *object) clone() *object {
	c := &object{names: slices.Clone(o.names), values: make(map[string]any, len(o.values))}
	for name, value := range o.values {
		c.values[name] = cloneValue(value)
	}
	return c
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case *object:
		return v.clone()
	case []any:
		l := make([]any, len(v))
		for i, item := range v {
			l[i] = cloneValue(item)
		}
		return l
	}
	return v
}

// MarshalJSON writes the object in its order.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(o.values[name])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal writes JSON with <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// maxNesting bounds what is parsed: a schema of a function is written by its
// program, but may come from a describe call.
const maxNesting = 200

// parse reads a JSON object in its order.
func parse(raw []byte) (*object, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the schema is not one JSON value")
	}
	o, ok := v.(*object)
	if !ok {
		return nil, errors.New("the schema is not a JSON object")
	}
	return o, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("it is nested deeper than %d", maxNesting)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := newObject()
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			o.set(name.(string), value)
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}
