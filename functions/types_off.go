package functions

import (
	"context"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// offTypes returns the names of the types whose connections the organization of
// the call has switched off, all of them.
func (s Sources) offTypes(call *Call) (names []string, err error) {
	off, err := call.off()
	if err != nil || len(off.Connections) == 0 {
		return nil, err
	}
	on := map[string]bool{}
	for _, c := range s.connections() {
		for _, t := range c.Types {
			on[t.Name()] = on[t.Name()] || t.Shared() && !off.Connections[c.Name]
		}
	}
	for _, c := range s.connections() {
		for _, t := range c.Types {
			if off.Connections[c.Name] && !on[t.Name()] && !slices.Contains(names, t.Name()) {
				names = append(names, t.Name())
			}
		}
	}
	return names, nil
}

// offGroups returns the groups whose records, of types that connections share, the
// organization of the call has switched off.
func (s Sources) offGroups(call *Call) (groups []string, err error) {
	off, err := call.off()
	if err != nil || len(off.Connections) == 0 {
		return nil, err
	}
	for _, c := range s.connections() {
		if off.Connections[c.Name] {
			groups = append(groups, sharedGroups(c)...)
		}
	}
	return groups, nil
}

// sharedGroups returns the groups of the records that a connection makes of types
// which it shares with others.
func sharedGroups(c Connection) (groups []string) {
	for _, t := range c.Types {
		if t.Shared() {
			groups = append(groups, t.Groups()...)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
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

// records reads what the organization of the call has not switched off.
func (s Sources) records(call *Call) Records { return visible{s.Records, s, call} }

// visible are records without those of connections that are switched off.
type visible struct {
	Records
	s    Sources
	call *Call
}

// condition leaves records out.
func (v visible) condition(typ *content.Type, filters []content.Filter) ([]content.Filter, error) {
	if !typ.Shared() {
		return filters, nil
	}
	off, err := v.s.offGroups(v.call)
	if err != nil || len(off) == 0 {
		return filters, err
	}
	return append(slices.Clone(filters), content.Filter{Field: typ.GroupField().Name, Op: content.NotIn, Values: off}), nil
}

// shown passes a row, unless it is left out.
func (v visible) shown(typ *content.Type, row content.Row, err error) (content.Row, error) {
	if err != nil || !typ.Shared() {
		return row, err
	}
	off, err := v.s.offGroups(v.call)
	if err == nil && slices.Contains(off, typ.GroupOf(row)) {
		return nil, fmt.Errorf("%w: its connection is switched off", content.ErrNotFound)
	}
	return row, err
}

// Get implements Records.
func (v visible) Get(ctx context.Context, scope content.Scope, typ *content.Type, id string) (content.Row, error) {
	row, err := v.Records.Get(ctx, scope, typ, id)
	return v.shown(typ, row, err)
}

// GetByKey implements Records.
func (v visible) GetByKey(ctx context.Context, scope content.Scope, typ *content.Type, instance, key string) (content.Row, error) {
	row, err := v.Records.GetByKey(ctx, scope, typ, instance, key)
	return v.shown(typ, row, err)
}

// List implements Records.
func (v visible) List(ctx context.Context, scope content.Scope, typ *content.Type, q store.Query) (_ store.Page[content.Row], err error) {
	if q.Filters, err = v.condition(typ, q.Filters); err != nil {
		return store.Page[content.Row]{}, err
	}
	return v.Records.List(ctx, scope, typ, q)
}

// Select implements Records.
func (v visible) Select(ctx context.Context, scope content.Scope, typ *content.Type, columns []string, q store.Query) (_ []*content.Field, _ store.Page[[]any], err error) {
	if q.Filters, err = v.condition(typ, q.Filters); err != nil {
		return nil, store.Page[[]any]{}, err
	}
	return v.Records.Select(ctx, scope, typ, columns, q)
}

// Aggregate implements Records.
func (v visible) Aggregate(ctx context.Context, scope content.Scope, typ *content.Type, q store.AggregateQuery) (_ store.Page[store.Group], _ []content.Kind, err error) {
	if q.Filters, err = v.condition(typ, q.Filters); err != nil {
		return store.Page[store.Group]{}, nil, err
	}
	return v.Records.Aggregate(ctx, scope, typ, q)
}
