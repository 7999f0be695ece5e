package connectors

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// groupOf returns the group of a connection's records of a Type that it shares
// with others, or "" of one that is its own.
func groupOf(types []*content.Type, typ *content.Type) string {
	for _, t := range types {
		if t.Name() == typ.Name() && t.Shared() {
			return t.Groups()[0]
		}
	}
	return ""
}

// within narrows a set of keys to the records of this connection: those of others
// that share the Type are not missing when it does not give them.
func (im *importing) within(set store.Seen, typ *content.Type) store.Seen {
	if group := groupOf(im.c.spec.Types, typ); group != "" {
		return set.Within(typ.GroupField(), group)
	}
	return set
}

// ownKeys refuses keys that may be those of another connection which shares the
// Type. They begin with the group and a colon.
func (im *importing) ownKeys(typ *content.Type, keys ...[]string) error {
	group := groupOf(im.c.spec.Types, typ)
	if group == "" {
		return nil
	}
	for _, key := range slices.Concat(keys...) {
		if !strings.HasPrefix(key, group+":") {
			return fmt.Errorf("%w: %s is shared by several connections, so its keys begin with %q here; the stream gave %.80q", content.ErrInvalid, typ.Name(), group+":", key)
		}
	}
	return nil
}

// ownRow is ownKeys for a row, whose group has to be the connection's, too.
func (im *importing) ownRow(typ *content.Type, row content.Row) error {
	group := groupOf(im.c.spec.Types, typ)
	if group == "" {
		return nil
	}
	if got := typ.GroupOf(row); got != group {
		return fmt.Errorf("%w: %s is shared by several connections; the group of its records is %q here, and %q in %.80q", content.ErrInvalid, typ.Name(), group, got, typ.KeyOf(row))
	}
	return im.ownKeys(typ, []string{typ.KeyOf(row)})
}

// An Accompanied is a Row that other records go with, such as an asset and the
// result of its extraction. They are of Types that the connection declares, and
// are written in the transaction of the row, behind it, so that links to it are
// resolved. They are deleted by the rule of their relation; streams of their own
// are not needed.
type Accompanied interface {
	content.Row
	// Companions returns the records, which may be accompanied themselves. It
	// gives the same ones for the same row.
	Companions() []content.Row
}

// companions returns what goes with rows, by type in the order of the
// connection's. A row of none of them is a mistake in the connection.
func (im *importing) companions(rows []content.Row) (types []*content.Type, byType map[string][]content.Row, err error) {
	byType = map[string][]content.Row{}
	for _, row := range rows {
		a, ok := row.(Accompanied)
		if !ok {
			continue
		}
		for _, c := range a.Companions() {
			i := slices.IndexFunc(im.c.spec.Types, func(t *content.Type) bool { return t.Holds(c) })
			if i < 0 {
				return nil, nil, fmt.Errorf("%w: a %T goes with a %T, and is of no type that the connection declares", content.ErrInvalid, c, row)
			}
			typ, err := im.Store.Registry().Lookup(im.c.spec.Types[i].Name())
			if err != nil {
				return nil, nil, err
			}
			byType[typ.Name()] = append(byType[typ.Name()], c)
			if !slices.Contains(types, typ) {
				types = append(types, typ)
			}
		}
	}
	return types, byType, nil
}

// checkCompanions returns why what goes with a row cannot be stored.
func (im *importing) checkCompanions(row content.Row) error {
	types, byType, err := im.companions([]content.Row{row})
	if err != nil {
		return err
	}
	for _, typ := range types {
		for _, c := range byType[typ.Name()] {
			if err := im.ownRow(typ, c); err != nil {
				return err
			}
			if err := store.Check(typ, c); err != nil {
				return fmt.Errorf("%s: %w", typ.Label(""), err)
			}
			if err := im.checkCompanions(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// accompany writes what goes with rows of a stream's type, which were written
// before. Repeated ones replace what this run has written.
func (im *importing) accompany(ctx context.Context, tx *database.Tx, stream *content.Type, rows []content.Row, repeated, unindexed bool) error {
	types, byType, err := im.companions(rows)
	if err != nil {
		return err
	}
	for _, typ := range types {
		with := byType[typ.Name()]
		counts := im.result.counts(typ.Name())
		im.state.accompanied(stream.Name(), typ.Name())
		b := store.Batch{Instance: im.options.Instance, Rows: with, Time: im.time, Version: im.c.spec.Version, Checked: true}
		if im.indexes() && !unindexed {
			b.Index = func(ctx context.Context, documents []content.Document) func(context.Context) ([]string, error) {
				return im.indexDocuments(ctx, tx, documents, counts)
			}
		}
		n, err := im.Store.Upsert(ctx, tx, im.scope, typ, b)
		if err != nil {
			return err
		}
		if n.Created+n.Updated > 0 {
			if err := im.savePosition(ctx, tx, linksState, linksWaiting); err != nil {
				return err
			}
		}
		switch {
		case repeated: // it replaces what this run has counted
			counts.Duplicates += int64(len(with)) - n.Created
			n = store.Counts{Created: n.Created}
		case im.resumed:
			n = im.recount(with, n)
		}
		counts.Seen += int64(len(with))
		counts.Created += n.Created
		counts.Updated += n.Updated
		counts.Unchanged += n.Unchanged
		counts.Duplicates += n.Duplicates
		if err := im.accompany(ctx, tx, stream, with, repeated, unindexed); err != nil {
			return err
		}
	}
	return nil
}

// accompanied notes the types whose counts belong to a stream.
func (c *checkpoint) accompanied(stream, typ string) {
	if slices.Contains(c.Companions[stream], typ) {
		return
	}
	if c.Companions == nil {
		c.Companions = map[string][]string{}
	}
	c.Companions[stream] = append(c.Companions[stream], typ)
}
