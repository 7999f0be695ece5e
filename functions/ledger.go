package functions

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Ledger keeps in the database what has to survive a process: confirmations
// that wait, results under idempotency keys, and the audit of what was written.
// DB and Authority are required. It is safe for concurrent use, in many
// processes.
type Ledger struct {
	DB        *database.DB // with the core's tables
	Authority *content.Authority
	Now       func() time.Time // nil is time.Now
}

var _ offers = (*Ledger)(nil)

// keepResults is how long a result stands under its idempotency key.
const keepResults = 24 * time.Hour

// maxKey bounds an idempotency key, in bytes.
const maxKey = 200

func (l *Ledger) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

func (l *Ledger) offer(ctx context.Context, call *Call) (*Confirmation, error) {
	scope := call.Scope()
	organization, err := l.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	now := l.now()
	asked, hash := confirmationOf(call, now)
	shown, err := audited(call)
	if err != nil {
		return nil, err
	}
	err = l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if _, err := tx.Exec(ctx, "DELETE FROM function_confirmations WHERE organization_id = ? AND expires_at < ?", organization, d.Time(now)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM function_confirmations WHERE token_hash IN (SELECT token_hash FROM function_confirmations
WHERE organization_id = ? AND principal = ? ORDER BY expires_at DESC LIMIT 1000 OFFSET ?)`, organization, scope.Principal(), maxWaiting-1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO function_confirmations (token_hash, organization_id, principal, function, digest, expires_at, id, arguments) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			hash, organization, scope.Principal(), asked.Function, call.digest, d.Time(asked.Expires), asked.ID, string(shown))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offer a confirmation: %w", err)
	}
	return asked, nil
}

func (l *Ledger) redeem(ctx context.Context, call *Call, token string) (good bool, err error) {
	scope := call.Scope()
	organization, err := l.Authority.Organization(scope)
	if err != nil {
		return false, err
	}
	const mine = "organization_id = ? AND principal = ? AND function = ? AND digest = ? AND expires_at >= ?"
	err = l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		args := []any{organization, scope.Principal(), call.function.Name(), call.digest, tx.Dialect().Time(l.now())}
		statement := "DELETE FROM function_confirmations WHERE " + mine + " AND token_hash = ?"
		if token == "" {
			statement = "DELETE FROM function_confirmations WHERE token_hash = (SELECT token_hash FROM function_confirmations WHERE " + mine + " AND agreed_by <> '' ORDER BY token_hash LIMIT 1)"
		} else {
			args = append(args, tokenHash(token))
		}
		n, err := tx.Exec(ctx, statement, args...)
		good = n == 1
		return err
	})
	return good, err
}

func (l *Ledger) waiting(ctx context.Context, scope content.Scope) (list []Confirmation, err error) {
	organization, err := l.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	err = l.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, `SELECT id, principal, function, arguments, expires_at, digest FROM function_confirmations
WHERE organization_id = ? AND agreed_by = '' AND expires_at >= ? ORDER BY expires_at DESC, id`, organization, tx.Dialect().Time(l.now()))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		seen := map[string]bool{}
		for rows.Next() {
			var c Confirmation
			var of []byte
			if err := rows.Scan(&c.ID, &c.Principal, &c.Function, (*[]byte)(&c.Arguments), database.ScanTime(&c.Expires), &of); err != nil {
				return err
			}
			if call := c.Principal + "\x00" + string(of); !seen[call] { // the newest stands for all
				seen[call] = true
				list = append(list, c)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list what waits for confirmation: %w", err)
	}
	slices.Reverse(list)
	return list[:min(len(list), maxWaiting)], nil
}

func (l *Ledger) decide(ctx context.Context, scope content.Scope, id string, agree bool) (found bool, err error) {
	organization, err := l.Authority.Organization(scope)
	if err != nil || !plainText(id) {
		return false, err
	}
	err = l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		var hash, of []byte
		var principal string
		found = false
		err := tx.QueryRow(ctx, "SELECT token_hash, principal, digest FROM function_confirmations WHERE organization_id = ? AND id = ? AND agreed_by = '' AND expires_at >= ?",
			organization, id, tx.Dialect().Time(l.now())).Scan(&hash, &principal, &of)
		if errors.Is(err, content.ErrNotFound) || errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if agree {
			if _, err := tx.Exec(ctx, "UPDATE function_confirmations SET agreed_by = ? WHERE token_hash = ?", cmp.Or(scope.Principal(), "somebody"), hash); err != nil {
				return err
			}
		}
		found = true
		_, err = tx.Exec(ctx, "DELETE FROM function_confirmations WHERE organization_id = ? AND principal = ? AND digest = ? AND agreed_by = ''", organization, principal, of)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("decide what waits for confirmation: %w", err)
	}
	return found, nil
}

// earlier returns the result that a call with the same idempotency key came to,
// or nil when there was none.
func (l *Ledger) earlier(ctx context.Context, call *Call) (*Result, *Error) {
	key := call.request.IdempotencyKey
	if len(key) > maxKey || !plainText(key) {
		return nil, Errorf(CodeInvalid, "The idempotency key must be 1 to %d bytes of text.", maxKey)
	}
	organization, err := l.Authority.Organization(call.Scope())
	if err != nil {
		return nil, asError(ctx, err)
	}
	var of, result []byte
	err = l.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT digest, result FROM function_results WHERE organization_id = ? AND principal = ? AND idempotency_key = ? AND created_at >= ?",
			organization, call.Scope().Principal(), key, tx.Dialect().Time(l.now().Add(-keepResults))).Scan(&of, &result)
	})
	switch {
	case errors.Is(err, content.ErrNotFound), errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, asError(ctx, err)
	case string(of) != string(call.digest):
		return nil, &Error{Code: CodeConflict, Message: "The idempotency key was used for another call.", Hint: "Use a new key for each call."}
	case len(result) == 0:
		return nil, &Error{Code: CodeConflict, Message: "A call with this idempotency key was begun, and its result is not known yet.",
			Hint: "Look whether it was done before you call with a new key."}
	}
	var r Result
	if err := json.Unmarshal(result, &r); err != nil {
		return nil, internal(fmt.Errorf("the stored result of %s cannot be read: %w", call.function.Name(), err))
	}
	if call.Agent() {
		r.clean() // a program may have got it as it was
	}
	r.Metadata.Notes = append(r.Metadata.Notes, "This is the result of the first call with this idempotency key; it was not done again.")
	return &r, nil
}

// begin notes that a call with an idempotency key goes on.
func (l *Ledger) begin(ctx context.Context, call *Call) *Error {
	if call.request.IdempotencyKey == "" {
		return nil
	}
	organization, err := l.Authority.Organization(call.Scope())
	if err != nil {
		return asError(ctx, err)
	}
	now := l.now()
	taken := false
	err = l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if _, err := tx.Exec(ctx, "DELETE FROM function_results WHERE organization_id = ? AND created_at < ?", organization, d.Time(now.Add(-keepResults))); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO function_results (organization_id, principal, idempotency_key, digest, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (organization_id, principal, idempotency_key) DO NOTHING`, organization, call.Scope().Principal(), call.request.IdempotencyKey, call.digest, d.Time(now))
		taken = err == nil && n == 0
		return err
	})
	switch {
	case err != nil:
		return asError(ctx, err)
	case taken:
		return &Error{Code: CodeConflict, Message: "A call with this idempotency key is being carried out.", Hint: "Wait, and call again with the same key for its result."}
	}
	return nil
}

// end writes the audit of a call, unless that stands in the transaction of what
// it changed, and its result under its idempotency key. A call that changed
// nothing frees its key.
func (l *Ledger) end(ctx context.Context, call *Call, result *Result, failed *Error) error {
	organization, err := l.Authority.Organization(call.Scope())
	if err != nil {
		return err
	}
	key := call.request.IdempotencyKey
	if key == "" && failed == nil && call.written > 0 {
		return nil
	}
	return l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if failed != nil || call.written == 0 {
			if err := l.audit(ctx, tx, organization, call, failed); err != nil {
				return err
			}
		}
		where, args := " WHERE organization_id = ? AND principal = ? AND idempotency_key = ?", []any{organization, call.Scope().Principal(), key}
		switch {
		case key == "":
			return nil
		case failed != nil && call.written == 0:
			_, err := tx.Exec(ctx, "DELETE FROM function_results"+where, args...)
			return err
		case failed != nil:
			return nil // something was changed: the key stays taken
		}
		raw, err := result.JSON()
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE function_results SET result = ?"+where, append([]any{string(raw)}, args...)...)
		return err
	})
}

// Write runs do in a read-write transaction, together with the call's row in the
// audit: both are stored or neither. It is for functions that Write, and needs
// Config.Ledger; everything that database.DB.Write says holds.
func (c *Call) Write(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error {
	ledger := c.bound.engine.config.Ledger
	switch {
	case c.function.spec.Effect != Writes:
		return fmt.Errorf("%s is declared as one that reads; set Effect: functions.Writes", c.function.Name())
	case ledger == nil:
		return fmt.Errorf("%w: Config.Ledger is nil, so nothing can be written with an audit", content.ErrDisabled)
	}
	organization, err := ledger.Authority.Organization(c.Scope())
	if err != nil {
		return err
	}
	err = ledger.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := do(ctx, tx); err != nil {
			return err
		}
		return ledger.audit(ctx, tx, organization, c, nil)
	})
	if err == nil {
		c.written++
	}
	return err
}

// newID returns a UUIDv7.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
