package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// maxShown bounds, in bytes, the values and reasons that a failure keeps; the
// whole payload stands beside them.
const maxShown = 200

// failureOf makes the Failure of a record. The first of its Values, if any, is
// the one at fault.
func failureOf(typ *content.Type, r *Record, err error) Failure {
	f := Failure{Type: typ.Name(), Scope: scopeRecord, Key: storable(r.Key, store.MaxKey), File: storable(r.Place.File, maxShown), Line: r.Place.Line,
		Reason: storable(err.Error(), 2*maxShown), raw: r.Raw}
	if r.Err != nil && len(r.Values) > 0 {
		f.Column, f.Value = storable(r.Values[0].Column, maxShown), storable(r.Values[0].Value, maxShown)
	}
	return f
}

// failureOfValue makes the Failure of a value that was left out of a record.
func failureOfValue(typ *content.Type, r *Record, v BadValue) Failure {
	if v.Err == nil {
		v.Err = errors.New("it cannot be read")
	}
	f := failureOf(typ, r, v.Err)
	f.Scope, f.Column, f.Value, f.raw = scopeField, storable(v.Column, maxShown), storable(v.Value, maxShown), nil
	return f
}

// The scopes of a Failure.
const (
	scopeRecord = "record"
	scopeField  = "field"
)

// storable cuts a text and takes out what no database stores as text.
func storable(s string, limit int) string {
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\u2400")
}

// list adds the first failures to the result.
func (im *importing) list(failures []Failure) {
	for _, f := range failures {
		if len(im.result.Failures) >= maxListed {
			return
		}
		f.raw = nil
		im.result.Failures = append(im.result.Failures, f)
		im.task.Warn(jobs.EventError, f.String(), f)
	}
}

// saveFailures stores failures, with their payloads.
func (im *importing) saveFailures(ctx context.Context, tx *database.Tx, failures []Failure) error {
	org, run := im.organization, im.task.Run().ID
	const width, chunk = 15, 500
	now := tx.Dialect().Time(im.now())
	for len(failures) > 0 {
		n := min(chunk, len(failures))
		var args []any
		for _, f := range failures[:n] {
			args = append(args, im.Store.NewID(), org, run, im.c.Name(), im.options.Instance, f.Type, f.Key, f.Scope, f.File, f.Line,
				f.Column, f.Value, f.Reason, f.raw, now)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO import_failures (id, organization_id, run_id, connection, instance, type, key, scope, file, line, column_name, value, reason, raw, created_at) VALUES "+
			database.Rows(n, width), args...); err != nil {
			return fmt.Errorf("keep failures: %w", err)
		}
		failures = failures[n:]
	}
	return nil
}

// failuresOf selects the failures of other runs of the same instance, and unsettled
// those that neither a later import nor a replay has settled.
const (
	failuresOf = " FROM import_failures WHERE organization_id = ? AND connection = ? AND instance = ? AND type = ? AND run_id <> ?"
	unsettled  = failuresOf + " AND replayed_at IS NULL"
)

func (im *importing) unsettledArgs(typ *content.Type) []any {
	return []any{im.organization, im.c.Name(), im.options.Instance, typ.Name(), im.task.Run().ID}
}

// lookForOpen finds out whether there are failures to settle.
func (im *importing) lookForOpen(ctx context.Context, typ *content.Type) error {
	err := im.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Get(ctx, &im.open, "SELECT EXISTS (SELECT 1"+unsettled+")", im.unsettledArgs(typ)...)
	})
	if err != nil {
		return fmt.Errorf("look for earlier failures of %s: %w", typ.Name(), err)
	}
	return nil
}

// settle marks earlier failures of records that have come again: what failed
// then is out of date, and must not be replayed over what is stored now.
func (im *importing) settle(ctx context.Context, tx *database.Tx, typ *content.Type, keys ...[]string) error {
	if !im.open {
		return nil
	}
	const chunk = 500
	for part := range slices.Chunk(slices.Concat(keys...), chunk) {
		args := append([]any{tx.Dialect().Time(im.now())}, im.unsettledArgs(typ)...)
		for _, key := range part {
			args = append(args, key)
		}
		// One length, so that few statements are prepared.
		for range chunk - len(part) {
			args = append(args, part[0])
		}
		if _, err := tx.Exec(ctx, settleAll+" AND key IN ("+database.Placeholders(chunk)+")", args...); err != nil {
			return fmt.Errorf("settle failures: %w", err)
		}
	}
	return nil
}

var settleAll = "UPDATE import_failures SET replayed_at = ?" + strings.TrimPrefix(unsettled, " FROM import_failures")

// settleAll marks all earlier failures of a type: a whole snapshot has given
// each record anew, and those that still fail have failed anew.
func (im *importing) settleAll(ctx context.Context, tx *database.Tx, typ *content.Type) error {
	if _, err := tx.Exec(ctx, settleAll, append([]any{tx.Dialect().Time(im.now())}, im.unsettledArgs(typ)...)...); err != nil {
		return fmt.Errorf("settle failures: %w", err)
	}
	return nil
}
