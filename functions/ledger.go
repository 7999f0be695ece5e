package functions

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
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

func (l *Ledger) offer(ctx context.Context, scope content.Scope, function string, digest []byte) (string, time.Time, error) {
	organization, err := l.Authority.Organization(scope)
	if err != nil {
		return "", time.Time{}, err
	}
	token, hash := newToken()
	now := l.now()
	expires := now.Add(confirmFor)
	err = l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if _, err := tx.Exec(ctx, "DELETE FROM function_confirmations WHERE organization_id = ? AND expires_at < ?", organization, d.Time(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO function_confirmations (token_hash, organization_id, principal, function, digest, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			hash, organization, scope.Principal(), function, digest, d.Time(expires))
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("offer a confirmation: %w", err)
	}
	return token, expires, nil
}

func (l *Ledger) redeem(ctx context.Context, scope content.Scope, token, function string, digest []byte) (good bool, err error) {
	organization, err := l.Authority.Organization(scope)
	if err != nil {
		return false, err
	}
	err = l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM function_confirmations
WHERE token_hash = ? AND organization_id = ? AND principal = ? AND function = ? AND digest = ? AND expires_at >= ?`,
			tokenHash(token), organization, scope.Principal(), function, digest, tx.Dialect().Time(l.now()))
		good = n == 1
		return err
	})
	return good, err
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
