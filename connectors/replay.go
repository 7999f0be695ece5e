package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
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
func (e *Engine) Replay(ctx context.Context, task Task, c *Connection, options Options) (*Result, error) {
	im, err := e.importing(task, c, options)
	if err != nil {
		return nil, err
	}
	im.state.Result = im.result
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
	for _, typ := range im.c.spec.Types {
		if typ, err = im.Store.Registry().Lookup(typ.Name()); err != nil {
			return err
		}
		tried := map[string]bool{} // keys of records whose left-out values were tried
		for after := ""; ; {
			page, err := im.failures(ctx, typ, " AND id > ? ORDER BY id LIMIT ?", after, replayPage)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].ID
			if err := im.replayAll(ctx, typ, page, tried, read); err != nil {
				return err
			}
		}
	}
	if err := im.links(ctx); err != nil {
		return err
	}
	return im.index(ctx)
}

// A stored is a failure as it was kept.
type stored struct {
	ID     string `db:"id"`
	Key    string `db:"key"`
	Scope  string `db:"scope"`
	Column string `db:"column_name"`
	File   string `db:"file"`
	Line   int    `db:"line"`
	Raw    []byte `db:"raw"`
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

// replayAll replays a page of failures in one transaction.
func (im *importing) replayAll(ctx context.Context, typ *content.Type, page []stored, tried map[string]bool, read func(string, []byte) Record) error {
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
	err      error    // why it still fails
}

// again reads a failed record once more: from the payload kept with the failure,
// or, when only values were left out, from that of the stored record. The error
// is one of the database.
func (im *importing) again(ctx context.Context, typ *content.Type, f stored, read func(string, []byte) Record) (a retrial, err error) {
	raw := f.Raw
	a.failures = []stored{f}
	a.record = Record{Key: f.Key, Place: Place{File: f.File, Line: f.Line}}
	if f.Scope == scopeField {
		if a.failures, err = im.failures(ctx, typ, " AND key = ? AND scope = ? ORDER BY id", f.Key, scopeField); err != nil {
			return a, err
		}
		row, err := im.Store.GetByKey(ctx, im.scope, typ, im.options.Instance, f.Key)
		if errors.Is(err, content.ErrNotFound) {
			a.gone = true
			return a, nil
		}
		if err != nil {
			return a, err
		}
		raw = content.RecordOf(row).Raw
	}
	if len(raw) == 0 {
		a.err = fmt.Errorf("%w: its payload was not kept; import it again", content.ErrInvalid)
		return a, nil
	}
	r, err := reread(typ, raw, read)
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

// reread calls the connection's function and checks what it gives.
func reread(typ *content.Type, raw []byte, read func(string, []byte) Record) (r Record, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its Replay panicked: %v", v)
		}
	}()
	r = read(typ.Name(), raw)
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
	return r, r.Err
}

func ids(failures []stored) (list []string) {
	for _, f := range failures {
		list = append(list, f.ID)
	}
	return list
}
