package connectors

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// A Lister is a Session that can list the keys of a type without its records. An
// incremental import with Options.Reconcile deletes what is not among them.
type Lister interface {
	// Keys gives all keys of a type. It ends with its first error, and then
	// nothing is deleted. Nil says that this type cannot be listed.
	Keys(typ *content.Type) func(ctx context.Context) iter.Seq2[string, error]
}

// A Fetcher is a Session that can fetch single records. Those that failed in
// earlier imports of an incremental stream, which would not come again by
// themselves, are fetched behind it.
type Fetcher interface {
	// Fetch gives the records of a type with these keys, up to 100; those that are
	// gone are left out, or given as tombstones.
	Fetch(ctx context.Context, typ *content.Type, keys []string) iter.Seq2[Record, error]
}

// An Estimator is a Session that can tell how much it will read, for progress.
type Estimator interface {
	// Estimate returns a Total for each stream, by its name, where it is known.
	Estimate(ctx context.Context) (map[string]int64, error)
}

// Stored reads what is stored of a connection's types, in the organization and
// the instance of the import at work: of types that it shares with others, its own
// records. It sees what was committed.
type Stored struct {
	store    *store.Store
	scope    content.Scope
	instance string
	types    []*content.Type // of the connection
}

// Row returns the record with a key, or content.ErrNotFound.
func (s *Stored) Row(ctx context.Context, typ *content.Type, key string) (content.Row, error) {
	row, err := s.store.GetByKey(ctx, s.scope, typ, s.instance, key)
	if group := groupOf(s.types, typ); err == nil && group != "" && typ.GroupOf(row) != group {
		return nil, fmt.Errorf("%w: %s %.80q", content.ErrNotFound, typ.Label(""), key)
	}
	return row, err
}

// Each gives the records that a query selects, in its order, page by page; its
// Limit is the size of a page. Records of other instances are left out.
func (s *Stored) Each(ctx context.Context, typ *content.Type, q store.Query) iter.Seq2[content.Row, error] {
	return func(yield func(content.Row, error) bool) {
		for {
			rows, next, err := s.page(ctx, typ, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if q.Cursor = next; next == "" {
				return
			}
		}
	}
}

// page returns one page of what Each gives, and the cursor of the next one.
func (s *Stored) page(ctx context.Context, typ *content.Type, q store.Query) (rows []content.Row, next string, err error) {
	if group := groupOf(s.types, typ); group != "" {
		q.Filters = append(slices.Clone(q.Filters), content.Filter{Field: typ.GroupField().Name, Op: content.Equal, Values: []string{group}})
	}
	page, err := s.store.List(ctx, s.scope, typ, q)
	if err != nil {
		return nil, "", err
	}
	rows = slices.DeleteFunc(page.Items, func(row content.Row) bool { return content.RecordOf(row).Instance != s.instance })
	return rows, page.NextCursor, nil
}

// estimate fills in totals.
func (im *importing) estimate(ctx context.Context, session Session, streams []Stream) error {
	e, ok := session.(Estimator)
	if !ok {
		return nil
	}
	totals, err := e.Estimate(ctx)
	if err != nil {
		return err
	}
	for i := range streams {
		if streams[i].Total == 0 {
			streams[i].Total = max(0, totals[streams[i].name()])
		}
	}
	return nil
}

// complete does what optional abilities of the session allow, behind its
// incremental streams.
func (im *importing) complete(ctx context.Context, session Session, streams []Stream) error {
	if im.options.DryRun {
		return nil
	}
	for _, s := range streams {
		if s.Mode != Incremental || s.name() != s.Type.Name() {
			continue
		}
		if f, ok := session.(Fetcher); ok && !slices.Contains(im.state.Fetched, s.Type.Name()) {
			if err := im.fetchFailed(ctx, s, f); err != nil {
				return fmt.Errorf("fetch what failed before of %s: %w", s.Type.Name(), err)
			}
			im.state.Fetched = append(im.state.Fetched, s.Type.Name())
		}
		l, ok := session.(Lister)
		if !im.options.Reconcile || !ok || slices.Contains(im.state.Listed, s.Type.Name()) {
			continue
		}
		if keys := l.Keys(s.Type); keys != nil {
			if err := im.reconcile(ctx, s, keys); err != nil {
				return fmt.Errorf("list the keys of %s: %w", s.Type.Name(), err)
			}
			im.state.Listed = append(im.state.Listed, s.Type.Name())
		}
	}
	return nil
}

// maxFetched bounds the failed records that one import fetches again; the next
// one goes on.
const (
	maxFetched = 1000
	fetchChunk = 100
)

// fetchFailed imports once more what failed in earlier runs.
func (im *importing) fetchFailed(ctx context.Context, s Stream, f Fetcher) error {
	var keys []string
	if err := im.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &keys, "SELECT DISTINCT key"+unsettled+" AND scope = ? AND key <> '' ORDER BY key LIMIT ?", append(im.unsettledArgs(s.Type), scopeRecord, maxFetched)...)
	}); err != nil || len(keys) == 0 {
		return err
	}
	im.open = true
	im.state.Stream, im.state.Position, im.state.Batch = "", "", 0
	single := Stream{Type: s.Type, Mode: Incremental, Name: s.name() + "#fetched"}
	for chunk := range slices.Chunk(keys, fetchChunk) {
		var batch []Record
		for r, err := range f.Fetch(ctx, s.Type, chunk) {
			if err != nil {
				return err
			}
			r.Position = nil
			batch = append(batch, r)
		}
		if len(batch) == 0 {
			continue
		}
		if err := im.batch(ctx, single, batch, false, 0); err != nil {
			return err
		}
	}
	return nil
}

// reconcile deletes what a listing of all keys does not have. After a crash it
// begins anew.
func (im *importing) reconcile(ctx context.Context, s Stream, keys func(context.Context) iter.Seq2[string, error]) error {
	set, err := im.openSeen(ctx, im.task.Run().ID, s.Type)
	if err != nil {
		return err
	}
	if err := im.drop(ctx, set); err != nil {
		return err
	}
	if set, err = im.openSeen(ctx, im.task.Run().ID, s.Type); err != nil {
		return err
	}
	var list []string
	batch := int64(0)
	flush := func() error {
		if len(list) == 0 {
			return nil
		}
		slices.Sort(list)
		list = slices.Compact(list)
		batch++
		err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := set.Add(ctx, tx, batch, list)
			return err
		})
		list = list[:0]
		return err
	}
	for key, err := range keys(ctx) {
		if err != nil {
			return err
		}
		if list = append(list, key); len(list) == batchRecords {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if err := im.prune(ctx, s, set, s.Type.Plural()); err != nil {
		return err
	}
	return im.drop(ctx, set)
}
