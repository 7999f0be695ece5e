package functions

import (
	"fmt"

	"github.com/curatore/curatore-go/content"
)

// offTypes returns the names of the types that belong to a connection which the
// organization of the call has switched off.
func (s Sources) offTypes(call *Call) (names []string, err error) {
	off, err := call.off()
	if err != nil || len(off.Connections) == 0 {
		return nil, err
	}
	for _, c := range s.connections() {
		if off.Connections[c.Name] {
			for _, t := range c.Types {
				names = append(names, t.Name())
			}
		}
	}
	return names, nil
}

// lookup returns a type by name, unless its connection is switched off.
func (s Sources) lookup(call *Call, name string) (*content.Type, error) {
	typ, err := s.Registry.Lookup(name)
	if err != nil {
		return nil, err
	}
	off, err := s.offTypes(call)
	if err != nil {
		return nil, err
	}
	for _, other := range off {
		if other == name {
			return nil, &Error{Code: CodeDisabled, Message: fmt.Sprintf("The connection that %s belongs to is switched off for this organization.", name)}
		}
	}
	return typ, nil
}
