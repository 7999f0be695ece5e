package functions

import "fmt"

// Off is what an organization has switched off, by name. What is not named is
// on. It must not be changed after it was returned.
type Off struct {
	Connections map[string]bool // with their functions and, for the built-in functions, their types
	Functions   map[string]bool
}

// refuses tells why a function is not to be used, or nil.
func (o Off) refuses(f *Function) error {
	switch {
	case o.Functions[f.Name()]:
		return fmt.Errorf("the organization has switched off the function %s", f.Name())
	case f.spec.Connection != "" && o.Connections[f.spec.Connection]:
		return fmt.Errorf("the organization has switched off the connection %s", f.spec.Connection)
	}
	return nil
}

// off returns what the organization of the call has switched off.
func (c *Call) off() (Off, error) {
	if c.bound.engine == nil || c.bound.engine.config.Off == nil {
		return Off{}, nil
	}
	return c.bound.engine.config.Off(c.bound.scope)
}

// Of returns the function as one of a connection, unless it names one itself.
func (f *Function) Of(connection string) *Function {
	if f == nil || f.spec.Connection != "" || connection == "" {
		return f
	}
	clone := *f
	clone.spec.Connection = connection
	clone.compiled = newCompiled()
	return &clone
}
