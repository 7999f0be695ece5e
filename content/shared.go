package content

import (
	"cmp"
	"slices"
)

// Share returns the Type as one of several connections that make records of it,
// such as files: the records of this one are those of a group, which a field with
// the role "group" tells. In a [Registry] the shared Types of one declaration are
// one Type; each connection writes, lists and deletes the records of its group
// alone. The statistics of what Share returns are those of the group.
func (t *Type) Share(group string) *Type {
	c := t.clone()
	c.shared, c.groups = cmp.Or(t.shared, t), []string{group}
	field := c.GroupField()
	if field == nil {
		c.problem(`it is shared by several connections, so a field has to tell whose a record is: tag it with content:"group"`)
		return c
	}
	for i, st := range c.spec.Statistics {
		c.spec.Statistics[i].Filters = append(slices.Clone(st.Filters), Filter{Field: field.Name, Op: Equal, Values: []string{group}})
	}
	return c
}

// Shared reports whether several connections may make records of the Type.
func (t *Type) Shared() bool { return t.shared != nil }

// Groups returns the groups that records of the Type can have, as far as they are
// declared: those of the connections that share it, else the Type's own.
func (t *Type) Groups() []string {
	if t.shared != nil {
		return slices.Clone(t.groups)
	}
	return []string{t.spec.Group}
}

// GroupField returns the field with the role "group", or nil.
func (t *Type) GroupField() *Field {
	for _, f := range t.fields {
		if f.Has(Group) {
			return f
		}
	}
	return nil
}

// registered returns a copy for a registry: of a shared Type that of its
// declaration, with its groups.
func (t *Type) registered() *Type {
	if t.shared == nil {
		return t.clone()
	}
	c := t.shared.clone()
	c.shared, c.groups, c.problems = t.shared, slices.Clone(t.groups), t.problems
	return c
}

// join adds the groups of another connection that shares the Type, and reports
// whether it does.
func (t *Type) join(other *Type) bool {
	if t.shared == nil || t.shared != other.shared {
		return false
	}
	for _, g := range other.groups {
		if !slices.Contains(t.groups, g) {
			t.groups = append(t.groups, g)
		}
	}
	return true
}

// dropUnknown takes out the optional links whose targets are not there.
func (t *Type) dropUnknown(known func(name string) bool) {
	var gone []*Field
	for _, f := range t.With(Parent | Link) {
		if f.Has(Optional) && !known(f.LinkType) {
			gone = append(gone, f)
		}
	}
	if len(gone) == 0 {
		return
	}
	fields, byName := t.fields, map[string]*Field{}
	t.fields = nil
	for _, f := range fields {
		if !slices.Contains(gone, f) {
			t.fields = append(t.fields, f)
			byName[f.Name] = f
		}
	}
	t.byName = byName
	if slices.Contains(gone, t.parent) {
		t.parent = nil
	}
}
