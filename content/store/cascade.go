package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A node is a live record that a deletion reaches.
type node struct {
	typ, id string
}

// A family is what stands below the records that are to be deleted, found before
// anything is changed: relations may form circles, and a record may be reached,
// or blocked, in more than one way.
type family struct {
	asked    []node
	children map[node][]node // that go along
	blockers map[node][]node // live children without which it may go
	known    map[node]bool
}

// planDeletion finds out what a deletion does.
func (s *Store) planDeletion(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) (string, Deletion, error) {
	d := Deletion{Deleted: map[string]int64{}}
	org, p, err := s.enter(scope, typ)
	if err != nil || len(ids) == 0 {
		return org, d, err
	}
	f := &family{children: map[node][]node{}, blockers: map[node][]node{}, known: map[node]bool{}}
	var live []string
	list, err := keyList(tx.Dialect(), ids)
	if err != nil {
		return org, d, err
	}
	query, args := p.among(tx.Dialect(), "id", "id", org, list)
	if err := tx.Select(ctx, &live, query+" ORDER BY id", args...); err != nil {
		return org, d, fmt.Errorf("delete %s: %w", p.typ.Name(), err)
	}
	live = slices.Compact(live)
	for _, id := range live {
		n := node{p.typ.Name(), id}
		f.asked, f.known[n] = append(f.asked, n), true
	}
	if err := s.explore(ctx, tx, org, p, live, f); err != nil {
		return org, d, err
	}
	gone, stays := f.settle()
	byType := map[string][]string{}
	for n := range gone {
		byType[n.typ] = append(byType[n.typ], n.id)
	}
	for _, t := range append([]*content.Type{p.typ}, s.registry.Types()...) {
		if ids := byType[t.Name()]; len(ids) > 0 {
			slices.Sort(ids)
			d.Deleted[t.Name()] = int64(len(ids))
			d.ByParent = append(d.ByParent, Deleted{t, ids})
			delete(byType, t.Name())
		}
	}
	for _, n := range f.asked {
		if stays[n] {
			d.Blocked = append(d.Blocked, n.id)
		}
	}
	return org, d, nil
}

// among selects columns of live records where one column has a value of a
// [keyList]. On Postgres the index is asked value by value: without statistics,
// which a table has not had time for after its first import, a join with the
// list is planned as one that compares each record with each value.
func (p *plan) among(d database.Dialect, columns, column, org string, list any) (query string, args []any) {
	from := " FROM " + p.table + " WHERE organization_id = ? AND deleted_at IS NULL AND " + column
	if d.Name() == database.Postgres {
		return `SELECT found.* FROM unnest(?::text[] COLLATE "C") AS k(wanted) CROSS JOIN LATERAL (SELECT ` + columns + from + " = k.wanted OFFSET 0) AS found", []any{list, org}
	}
	return "SELECT " + columns + from + " IN " + listed(d), []any{org, list}
}

// oneOf compares a column with a [keyList] in a statement that writes.
func oneOf(d database.Dialect) string {
	if d.Name() == database.Postgres {
		return " = ANY (?::text[])" // at its worst one walk through the organization's records
	}
	return " IN " + listed(d)
}

// explore looks up what is below records, level by level.
func (s *Store) explore(ctx context.Context, tx *database.Tx, org string, p *plan, ids []string, f *family) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := keyList(tx.Dialect(), ids)
	if err != nil {
		return err
	}
	for _, c := range p.typ.Children() {
		if c.OnDelete == content.Orphan {
			continue
		}
		typ, err := s.registry.Lookup(c.Type)
		if err != nil {
			return err
		}
		child, err := s.plan(typ)
		if err != nil {
			return err
		}
		var below []struct{ Parent, ID string }
		query, args := child.among(tx.Dialect(), quote(c.Field)+" AS parent, id", quote(c.Field), org, list)
		if err := tx.Select(ctx, &below, query, args...); err != nil {
			return fmt.Errorf("delete %s: look at %s: %w", p.typ.Name(), c.Type, err)
		}
		var next []string
		for _, b := range below {
			from, to := node{p.typ.Name(), b.Parent}, node{c.Type, b.ID}
			if c.OnDelete == content.Block {
				f.blockers[from] = append(f.blockers[from], to)
				continue
			}
			f.children[from] = append(f.children[from], to)
			if !f.known[to] {
				f.known[to] = true
				next = append(next, b.ID)
			}
		}
		if err := s.explore(ctx, tx, org, child, next, f); err != nil {
			return err
		}
	}
	return nil
}

// settle returns what goes and what has to stay: first all that is below the
// asked ones goes, then what is blocked by a record that does not go is taken
// out, and so on until nothing is blocked any more.
func (f *family) settle() (gone, stays map[node]bool) {
	stays = map[node]bool{}
	for {
		gone = f.below(stays)
		kept := len(stays)
		for n := range gone {
			if slices.ContainsFunc(f.blockers[n], func(b node) bool { return !gone[b] }) ||
				slices.ContainsFunc(f.children[n], func(c node) bool { return stays[c] }) {
				stays[n] = true
			}
		}
		if len(stays) == kept {
			return gone, stays
		}
	}
}

// below returns the asked records and all that goes along with them, without
// those that stay.
func (f *family) below(stays map[node]bool) map[node]bool {
	gone := map[node]bool{}
	todo := slices.Clone(f.asked)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if gone[n] || stays[n] {
			continue
		}
		gone[n] = true
		todo = append(todo, f.children[n]...)
	}
	return gone
}
