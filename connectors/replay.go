package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// replayPage is how many failures are read and replayed at a time. Their
// payloads may be long.
const replayPage = 100

// Replay tries again the records that failed in earlier imports of an instance,
// from the payloads that were kept, and those that were stored without a value
// that could not be read. It does so after the settings or the program were
// mended, and needs the Spec's Replay function, but no source.
//
// A failure that succeeds is settled: its replayed_at is set. So is one whose
// record has come again in a later import, or is gone; these are passed over. A
// record that would lose a value which is stored now fails again. Nothing is
// deleted. The Result counts records as an import does; failures of payloads
// that were not kept count as failed.
//
// With Options.All the records that are stored are mapped again too, from what was
// kept of them, as after a change of the program that reads a payload in another
// way. What comes out the same is not written. A record of which nothing can be made
// any more, or that would lose a value, counts as failed and stays as it is.
//
// A task that has a checkpoint goes on from there.
func (e *Engine) Replay(ctx context.Context, task Task, c *Connection, options Options) (*Result, error) {
	im, err := e.importing(task, c, options)
	if err != nil {
		return nil, err
	}
	defer im.merger.Stop()
	if err := im.goOn(); err != nil {
		return im.result, fmt.Errorf("replay %s: %w", c.Name(), err)
	}
	if err := im.replay(ctx); err != nil {
		return im.result, fmt.Errorf("replay %s: %w", c.Name(), err)
	}
	return im.result, nil
}

func (im *importing) replay(ctx context.Context) error {
	if im.options.DryRun {
		return fmt.Errorf("%w: a replay has no dry run", content.ErrInvalid)
	}
	if im.c.spec.Replay == nil {
		return fmt.Errorf("%w: the connection has no Replay function; import again", content.ErrInvalid)
	}
	in, err := im.input(nil)
	if err != nil {
		return err
	}
	read, err := im.c.spec.Replay(ctx, in)
	if err != nil {
		return err
	}
	if err := im.takeTurn(ctx); err != nil {
		return err
	}
	if im.state.Began.IsZero() {
		im.state.Began = im.now()
	}
	for _, typ := range im.c.spec.Types {
		if typ, err = im.Store.Registry().Lookup(typ.Name()); err != nil {
			return err
		}
		if slices.Contains(im.state.Read, typ.Name()) {
			continue
		}
		if err := im.replayType(ctx, typ, in.Stored, read); err != nil {
			return err
		}
		im.state.finish(typ.Name())
	}
	if err := im.links(ctx); err != nil {
		return err
	}
	return im.index(ctx)
}

// replayType replays the failures of a type, and with Options.All maps its stored
// records anew, but for those that were tried because of a failure. The checkpoint
// tells how far it is in either.
func (im *importing) replayType(ctx context.Context, typ *content.Type, all *Stored, read func(context.Context, Payload) Record) error {
	tried, err := im.tried(ctx, typ) // keys of records whose left-out values were tried
	if err != nil {
		return err
	}
	for im.state.Stream = typ.Name(); im.state.Position == ""; {
		page, err := im.failures(ctx, typ, " AND id > ? ORDER BY id LIMIT ?", im.state.Failure, replayPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		im.state.Failure = page[len(page)-1].ID
		if err := im.replayAll(ctx, typ, page, tried, read); err != nil {
			return err
		}
	}
	if !im.options.All {
		return nil
	}
	for more := true; more; {
		rows, next, err := all.page(ctx, typ, store.Query{Limit: replayPage, Order: []store.Order{{Field: "created_at"}}, Cursor: im.state.Position})
		if err != nil {
			return err
		}
		if im.state.Position, more = next, next != ""; !more {
			im.state.finish(typ.Name())
		}
		rows = slices.DeleteFunc(rows, func(row content.Row) bool { return tried[typ.KeyOf(row)] })
		page := make([]stored, len(rows))
		for i, row := range rows {
			page[i] = stored{Key: typ.KeyOf(row), Scope: scopeStored, row: row}
		}
		if err := im.replayAll(ctx, typ, page, tried, read); err != nil {
			return err
		}
		im.task.Progress(PhaseImporting, im.result.counts(typ.Name()).Seen, 0)
	}
	return nil
}

// tried returns the keys whose left-out values an interrupted attempt has tried: those
// of failures up to where it came, settled or not.
func (im *importing) tried(ctx context.Context, typ *content.Type) (map[string]bool, error) {
	tried := map[string]bool{}
	if im.state.Failure == "" {
		return tried, nil
	}
	var keys []string
	if err := im.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &keys, "SELECT DISTINCT key"+failuresOf+" AND (replayed_at IS NULL OR replayed_at >= ?) AND scope = ? AND id <= ?",
			append(im.unsettledArgs(typ), tx.Dialect().Time(im.state.Began), scopeField, im.state.Failure)...)
	}); err != nil {
		return nil, fmt.Errorf("read the failures of %s: %w", typ.Name(), err)
	}
	for _, key := range keys {
		tried[key] = true
	}
	return tried, nil
}

// scopeStored is the scope of a stored record that has not failed, to be mapped
// again.
const scopeStored = "stored"

// A stored is a failure as it was kept, or a stored record.
type stored struct {
	ID     string `db:"id"`
	Key    string `db:"key"`
	Scope  string `db:"scope"`
	Column string `db:"column_name"`
	File   string `db:"file"`
	Line   int    `db:"line"`
	Raw    []byte `db:"raw"`

	row content.Row // of scopeStored
}

// failures returns unsettled failures.
func (im *importing) failures(ctx context.Context, typ *content.Type, which string, args ...any) (page []stored, err error) {
	err = im.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &page, "SELECT id, key, scope, column_name, file, line, raw"+unsettled+which, append(im.unsettledArgs(typ), args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("read the failures of %s: %w", typ.Name(), err)
	}
	return page, nil
}

// replayAll replays a page of failures, or of stored records, in one transaction.
func (im *importing) replayAll(ctx context.Context, typ *content.Type, page []stored, tried map[string]bool, read func(context.Context, Payload) Record) error {
	todo := &sorted{}
	var settled []string
	for _, f := range page {
		if f.Scope == scopeField {
			if tried[f.Key] {
				continue
			}
			tried[f.Key] = true
		}
		a, err := im.again(ctx, typ, f, read)
		if err != nil {
			return err
		}
		if a.gone {
			settled = append(settled, ids(a.failures)...)
			continue
		}
		if a.left {
			continue
		}
		todo.seen++
		if a.err != nil {
			todo.failures = append(todo.failures, failureOf(typ, &a.record, a.err))
			continue
		}
		todo.records = append(todo.records, &a.record)
		for _, v := range a.record.Values {
			failure := failureOfValue(typ, &a.record, v)
			failure.kept = f.Scope == scopeField // it is one of those that were tried
			todo.failures = append(todo.failures, failure)
		}
		for _, s := range a.failures {
			if s.Scope == scopeRecord || !slices.ContainsFunc(a.record.Values, func(v BadValue) bool { return v.Column == s.Column }) {
				settled = append(settled, s.ID)
			}
		}
	}
	counts := im.result.counts(typ.Name())
	before := im.result.clone()
	im.list(todo.failures)
	err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		counts.Seen += todo.seen
		counts.fail(todo.failures)
		if _, err := im.upsert(ctx, tx, typ, todo.records, nil, true, counts); err != nil { // all are read and checked
			return err
		}
		fresh := slices.DeleteFunc(slices.Clone(todo.failures), func(f Failure) bool { return f.kept || f.Scope == scopeRecord })
		if err := im.saveFailures(ctx, tx, fresh); err != nil {
			return err
		}
		for part := range slices.Chunk(settled, replayPage) {
			args := []any{tx.Dialect().Time(im.now()), im.organization}
			for _, id := range part {
				args = append(args, id)
			}
			if _, err := tx.Exec(ctx, "UPDATE import_failures SET replayed_at = ? WHERE organization_id = ? AND id IN ("+database.Placeholders(len(part))+")", args...); err != nil {
				return fmt.Errorf("settle failures: %w", err)
			}
		}
		im.task.SetCheckpoint(im.state)
		return nil
	})
	if err != nil {
		im.restore(before)
	}
	return err
}

// A retrial is a failed record that was read once more.
type retrial struct {
	record   Record
	failures []stored // that are tried with it
	gone     bool     // the record is not stored any more
	left     bool     // it stays as it is: nothing was kept of it to be mapped again
	err      error    // why it still fails
}

// again reads a failed record once more: from the payload kept with the failure,
// or, when only values were left out or nothing had failed, from that of the stored
// record. The error is one of the database.
func (im *importing) again(ctx context.Context, typ *content.Type, f stored, read func(context.Context, Payload) Record) (a retrial, err error) {
	p := Payload{Type: typ.Name(), Raw: f.Raw, Stored: f.row}
	a.failures = []stored{f}
	a.record = Record{Key: f.Key, Place: Place{File: f.File, Line: f.Line}}
	switch f.Scope {
	case scopeField:
		if a.failures, err = im.failures(ctx, typ, " AND key = ? AND scope = ? ORDER BY id", f.Key, scopeField); err != nil {
			return a, err
		}
	case scopeStored:
		a.failures = nil
	}
	if p.Stored == nil && f.Key != "" {
		p.Stored, err = im.Store.GetByKey(ctx, im.scope, typ, im.options.Instance, f.Key)
		if errors.Is(err, content.ErrNotFound) {
			p.Stored, err = nil, nil
		}
		if err != nil {
			return a, err
		}
	}
	if f.Scope == scopeField && p.Stored == nil {
		a.gone = true
		return a, nil
	}
	if f.Scope != scopeRecord {
		p.Raw = content.RecordOf(p.Stored).Raw
	}
	if len(p.Raw) == 0 && f.Scope != scopeStored {
		a.err = errNotKept
		return a, nil
	}
	r, err := reread(ctx, typ, p, read)
	if a.left = f.Scope == scopeStored && errors.Is(err, errNotKept); a.left {
		return a, nil
	}
	if r.Key == "" {
		r.Key = f.Key
	}
	r.Place, a.record, a.err = a.record.Place, r, err
	if err != nil || f.Scope == scopeRecord {
		return a, nil
	}
	if r.Key != f.Key {
		a.err = fmt.Errorf("%w: its payload now has the key %.40q", content.ErrInvalid, r.Key)
	}
	for _, v := range r.Values {
		if !slices.ContainsFunc(a.failures, func(s stored) bool { return s.Column == v.Column }) {
			a.err = fmt.Errorf("%w: %s was read when it was imported, and cannot be read now: %v", content.ErrInvalid, v.Column, v.Err)
		}
	}
	return a, nil
}

// errNotKept is why a record cannot be read once more.
var errNotKept = fmt.Errorf("%w: its payload was not kept; import it again", content.ErrInvalid)

// reread calls the connection's function and checks what it gives.
func reread(ctx context.Context, typ *content.Type, p Payload, read func(context.Context, Payload) Record) (r Record, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its Replay panicked: %v", v)
		}
	}()
	r = read(ctx, p)
	if r.Row == nil && r.Read == nil && r.Err == nil && !r.Deleted {
		return Record{}, errNotKept
	}
	if err := r.identify(typ); err != nil {
		return Record{}, err
	}
	if r.Deleted {
		return r, fmt.Errorf("%w: the source marks it as deleted, and a replay deletes nothing", content.ErrInvalid)
	}
	if r.Err == nil {
		if err := r.complete(typ); err != nil {
			return r, err
		}
	}
	if r.Row != nil && r.Row == p.Stored { // changed in place: the store fills in the rest
		*content.RecordOf(r.Row) = content.Record{Raw: content.RecordOf(r.Row).Raw}
	}
	return r, r.Err
}

func ids(failures []stored) (list []string) {
	for _, f := range failures {
		list = append(list, f.ID)
	}
	return list
}
