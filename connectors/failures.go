package connectors

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// maxShown bounds, in bytes, the values and reasons that a failure keeps; the
// whole payload stands beside them.
const maxShown = 200

func failureOf(typ *content.Type, r *Record, err error) Failure {
	return Failure{Type: typ.Name(), Scope: "record", Key: storable(r.Key, store.MaxKey), File: r.Place.File, Line: r.Place.Line,
		Reason: storable(err.Error(), 2*maxShown), raw: r.Raw}
}

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
		f.Value, f.raw = storable(f.Value, maxShown), nil
		im.result.Failures = append(im.result.Failures, f)
		im.task.Warn("error", f.String(), f)
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
			args = append(args, im.Store.NewID(), org, run, im.c.Name(), im.options.Instance, f.Type, f.Key, f.Scope, storable(f.File, maxShown), f.Line,
				storable(f.Column, maxShown), storable(f.Value, maxShown), f.Reason, f.raw, now)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO import_failures (id, organization_id, run_id, connection, instance, type, key, scope, file, line, column_name, value, reason, raw, created_at) VALUES "+
			database.Rows(n, width), args...); err != nil {
			return fmt.Errorf("keep failures: %w", err)
		}
		failures = failures[n:]
	}
	return nil
}
