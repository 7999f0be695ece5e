package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/invopop/jsonschema"
)

// hideBound takes the parameters that the program fills in out of a schema, so
// that nobody is told of them and nobody can send them.
func (f *Function) hideBound(schema *jsonschema.Schema) (errs []error) {
	for _, name := range f.bound {
		if f.spec.Bound[name] == nil {
			errs = append(errs, fmt.Errorf("%s has no function", name))
		}
		if schema.Properties == nil {
			errs = append(errs, fmt.Errorf("there is no parameter %q", name))
			continue
		}
		if _, ok := schema.Properties.Delete(name); !ok {
			errs = append(errs, fmt.Errorf("there is no parameter %q", name))
			continue
		}
		schema.Required = slices.DeleteFunc(slices.Clone(schema.Required), func(r string) bool { return r == name })
		if _, twice := f.spec.Defaults[name]; twice {
			errs = append(errs, fmt.Errorf("%s is bound and has a default", name))
		}
	}
	return errs
}

// bind adds the bound parameters to arguments that were validated.
func (f *Function) bind(ctx context.Context, call *Call, args []byte) ([]byte, error) {
	if len(f.bound) == 0 {
		return args, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(args, &values); err != nil {
		return nil, err
	}
	for _, name := range f.bound {
		value, err := f.spec.Bound[name](ctx, call)
		if err != nil {
			return nil, fmt.Errorf("bound parameter %s: %w", name, err)
		}
		if values[name], err = encode(value); err != nil {
			return nil, fmt.Errorf("bound parameter %s: %w", name, err)
		}
	}
	return encode(values)
}
