package content

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Registry holds the Types of one program. It is a value: two of them live
// side by side in one process without knowing each other. It does not change
// after [NewRegistry] and is safe for concurrent use.
type Registry struct {
	types  []*Type
	byName map[string]*Type
}

// NewRegistry checks the Types, each by itself and all together, and returns a
// Registry of them in the given order. The error lists every mistake of every
// declaration, one a line, and wraps [ErrInvalid].
func NewRegistry(types ...*Type) (*Registry, error) {
	r := &Registry{byName: map[string]*Type{}}
	var problems []error
	report := func(t *Type, format string, args ...any) {
		problems = append(problems, fmt.Errorf("type %s: %s", t.Name(), fmt.Sprintf(format, args...)))
	}
	tables := map[string]string{}
	for _, declared := range types {
		if declared == nil {
			problems = append(problems, errors.New("a type is nil: its Define did not run before it was used"))
			continue
		}
		if known := r.byName[declared.Name()]; known != nil && known.join(declared) {
			continue
		}
		t := declared.registered() // checkChild completes it, and a Type may be in several registries
		for _, p := range t.problems {
			report(t, "%s", p)
		}
		if r.byName[t.Name()] != nil {
			report(t, "two types have this name")
			continue
		}
		for _, g := range slices.Compact(append(t.Groups(), t.Group())) {
			if g != "" && !identifier.MatchString(g) {
				report(t, "group %q: use a lower-case letter, then up to 39 letters, digits and underscores", g)
			} else if slices.Contains(ReservedNamespaces(), g) {
				report(t, "group %q: this metadata namespace is reserved; choose another name than %s", g, strings.Join(ReservedNamespaces(), ", "))
			}
		}
		if other, taken := tables[t.Table()]; taken {
			report(t, "its table %s is that of %s", t.Table(), other)
		}
		tables[t.Table()] = t.Name()
		r.types = append(r.types, t)
		r.byName[t.Name()] = t
	}
	for _, t := range r.types {
		t.dropUnknown(func(name string) bool { return r.byName[name] != nil })
	}
	r.linkBack()
	for _, t := range r.types {
		for _, f := range t.With(Parent | Link) {
			if r.byName[f.LinkType] == nil && !f.Has(Kept) { // what the program links, it links where there is something to link to
				report(t, "field %s links to the unknown type %q", f.Name, f.LinkType)
			}
		}
		relations := map[string]bool{}
		for i := range t.spec.Children {
			c := &t.spec.Children[i]
			if c.Relation == "" || relations[c.Relation] {
				report(t, "child relation %q is empty or declared twice", c.Relation)
			}
			relations[c.Relation] = true
			if err := r.checkChild(t, c); err != nil {
				report(t, "child relation %q: %v", c.Relation, err)
			}
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w declarations:\n%w", ErrInvalid, errors.Join(problems...))
	}
	return r, nil
}

// linkBack makes relations of links that the program sets, so that a record shows
// what was linked to it.
func (r *Registry) linkBack() {
	for _, t := range r.types {
		for _, f := range t.With(Link) {
			target := r.byName[f.LinkType]
			if target == nil || !f.Has(Kept) || f.Has(Hidden) || slices.ContainsFunc(target.spec.Children, func(c Child) bool { return c.Type == t.Name() && c.Field == f.Name }) {
				continue
			}
			relation := strings.ReplaceAll(strings.ToLower(t.Plural()), " ", "_")
			if slices.ContainsFunc(target.spec.Children, func(c Child) bool { return c.Relation == relation }) {
				relation = t.Name() + "_" + f.Name
			}
			target.spec.Children = append(target.spec.Children, Child{Type: t.Name(), Relation: relation, Label: t.Plural(), Field: f.Name, OnDelete: Orphan})
		}
	}
}

// checkChild holds a relation against the child's declaration and fills in the
// field when there is only one that links here.
func (r *Registry) checkChild(t *Type, c *Child) error {
	child := r.byName[c.Type]
	if child == nil {
		return fmt.Errorf("unknown type %q", c.Type)
	}
	switch c.OnDelete {
	case Orphan, Cascade, Block:
	default:
		return fmt.Errorf("unknown rule %q; use orphan, cascade or block", c.OnDelete)
	}
	var links []string
	for _, f := range child.With(Parent | Link) {
		if f.LinkType == t.Name() {
			links = append(links, f.Name)
		}
	}
	switch {
	case c.Field != "" && slices.Contains(links, c.Field):
		return notHidden(child, c.Field)
	case c.Field != "":
		return fmt.Errorf("%s.%s does not link to %s", c.Type, c.Field, t.Name())
	case len(links) == 1:
		c.Field = links[0]
		return notHidden(child, c.Field)
	case len(links) == 0:
		return fmt.Errorf("no field of %s links to %s; tag one with content:\"parent=%s\"", c.Type, t.Name(), t.Name())
	}
	return fmt.Errorf("several fields of %s link here (%s); name one in Field", c.Type, strings.Join(links, ", "))
}

// notHidden reports a link that the children cannot be found by.
func notHidden(child *Type, field string) error {
	if child.byName[field].Has(Hidden) {
		return fmt.Errorf("%s.%s is hidden, so children cannot be looked up by it", child.Name(), field)
	}
	return nil
}

// Types returns all Types in the order in which they were registered.
func (r *Registry) Types() []*Type { return slices.Clone(r.types) }

// Type returns the Type of that name.
func (r *Registry) Type(name string) (*Type, bool) {
	t, ok := r.byName[name]
	return t, ok
}

// Lookup is Type with an error that names the known types; it wraps
// [ErrInvalid].
func (r *Registry) Lookup(name string) (*Type, error) {
	if t, ok := r.byName[name]; ok {
		return t, nil
	}
	return nil, fmt.Errorf("%w: unknown type %q; known are %s", ErrInvalid, name, strings.Join(r.Names(), ", "))
}

// Names returns the type names in order.
func (r *Registry) Names() []string {
	names := make([]string, len(r.types))
	for i, t := range r.types {
		names[i] = t.Name()
	}
	return names
}

// Groups returns the group names, each once, in order.
func (r *Registry) Groups() []string {
	var groups []string
	for _, t := range r.types {
		for _, g := range t.Groups() {
			if !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

// InGroup returns the Types whose records can be of a group, in order.
func (r *Registry) InGroup(group string) []*Type {
	var types []*Type
	for _, t := range r.types {
		if slices.Contains(t.Groups(), group) {
			types = append(types, t)
		}
	}
	return types
}
