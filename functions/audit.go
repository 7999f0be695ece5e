package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// An Entry is a row of the audit: who had a function write, with what, and what
// came of it. Rows are never changed and go only with their organization; the
// database refuses anything else.
type Entry struct {
	ID        string // UUIDv7: in the order of time
	At        time.Time
	Principal string
	Caller    string // "agent" or "program"
	Function  string
	Arguments json.RawMessage // without the values of sensitive parameters; {"bytes": n} when they are long
	Confirmed bool            // by a person
	Outcome   string          // "done", or the code of the error
	Error     string          // what the caller was told, of a call that failed
}

// maxAudited bounds the arguments in the audit, in bytes.
const maxAudited = 16 << 10

// audit inserts the row of a call.
func (l *Ledger) audit(ctx context.Context, tx *database.Tx, organization string, call *Call, failed *Error) error {
	caller, outcome, text := "program", "done", ""
	if call.Agent() {
		caller = "agent"
	}
	if failed != nil {
		outcome, text = string(failed.Code), failed.Error()
	}
	args, err := audited(call)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO audit_entries (id, organization_id, at, principal, caller, function, arguments, confirmed, outcome, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		newID(), organization, tx.Dialect().Time(l.now()), call.Scope().Principal(), caller, call.function.Name(), string(args),
		tx.Dialect().Bind(content.Bool, call.confirmed), outcome, plain(text))
	if err != nil {
		return fmt.Errorf("audit %s: %w", call.function.Name(), err)
	}
	return nil
}

// audited returns the arguments as the audit shows them.
func audited(call *Call) (json.RawMessage, error) {
	args := call.args
	if len(call.function.spec.Sensitive) > 0 {
		var values map[string]json.RawMessage
		if err := json.Unmarshal(args, &values); err != nil {
			return nil, err
		}
		for _, name := range call.function.spec.Sensitive {
			if _, given := values[name]; given {
				values[name] = json.RawMessage(`"[redacted]"`)
			}
		}
		var err error
		if args, err = encode(values); err != nil {
			return nil, err
		}
	}
	if len(args) > maxAudited || strings.Contains(string(args), `\u0000`) { // JSONB refuses NUL
		return json.RawMessage(fmt.Sprintf(`{"bytes":%d}`, len(args))), nil
	}
	return args, nil
}

// plain returns text that both databases hold.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// plainText reports whether both databases hold a text as it is.
func plainText(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// Entries returns rows of the audit of the Scope's organization, the newest
// first: those before the row with the given id, or the newest of all for "".
// Limit 0 is 100, and at most 1,000.
func (l *Ledger) Entries(ctx context.Context, scope content.Scope, before string, limit int) (entries []Entry, err error) {
	organization, err := l.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = 100
	}
	where, args := "organization_id = ?", []any{organization}
	if before != "" {
		where, args = where+" AND id < ?", append(args, plain(before))
	}
	err = l.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, "SELECT id, at, principal, caller, function, arguments, confirmed, outcome, error FROM audit_entries WHERE "+where+
			" ORDER BY id DESC LIMIT ?", append(args, min(limit, 1000))...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var e Entry
			var confirmed any
			if err := rows.Scan(&e.ID, database.ScanTime(&e.At), &e.Principal, &e.Caller, &e.Function, (*[]byte)(&e.Arguments), &confirmed, &e.Outcome, &e.Error); err != nil {
				return err
			}
			value, err := tx.Dialect().Value(content.Bool, confirmed)
			if err != nil {
				return err
			}
			e.Confirmed, _ = value.(bool)
			entries = append(entries, e)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return entries, nil
}
