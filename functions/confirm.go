package functions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Confirmation is what a person is asked before an agent changes something.
// An agent's call of a function that Writes does not run: its Error has the code
// [CodeConfirmation] and carries one of these, which the program shows to the
// person on whose behalf the agent acts. When they agree, the program makes the
// same call again, with the Token in its Request.
//
// The token is good for one call, of that function, with those arguments, by
// that principal, for ten minutes. It is not in what a model reads, so a model
// that was told to confirm on its own cannot.
type Confirmation struct {
	Function  string
	Arguments json.RawMessage // as they would be used, defaults included
	Token     string
	Expires   time.Time
}

// String says what is to be confirmed, in one line.
func (c *Confirmation) String() string { return c.Function + " " + string(c.Arguments) }

// confirmFor is how long a person may take.
const confirmFor = 10 * time.Minute

// offers keep what waits for confirmation.
type offers interface {
	// offer stores a token for a call and returns it.
	offer(ctx context.Context, scope content.Scope, function string, digest []byte) (token string, expires time.Time, err error)
	// redeem uses a token up, and reports whether it was for this call.
	redeem(ctx context.Context, scope content.Scope, token, function string, digest []byte) (bool, error)
}

// digest stands for a function and its arguments.
func digest(function string, args []byte) []byte {
	h := sha256.New()
	h.Write([]byte(function + "\x00"))
	h.Write(args)
	return h.Sum(nil)
}

// newToken returns 256 random bits as text, and what is kept of them.
func newToken() (token string, hash []byte) {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // it never fails
	token = base64.RawURLEncoding.EncodeToString(bits[:])
	return token, tokenHash(token)
}

func tokenHash(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// write runs a call of a function that Writes.
func (e *Engine) write(ctx context.Context, call *Call) (*Result, *Error) {
	f, r := call.function, call.request
	call.digest = digest(f.Name(), call.args)
	ledger := e.config.Ledger
	if r.IdempotencyKey != "" {
		if ledger == nil {
			return nil, &Error{Code: CodeDisabled, Message: "Idempotency keys are not kept here.", Cause: fmt.Errorf("%w: Config.Ledger is nil", content.ErrDisabled)}
		}
		if result, err := ledger.earlier(ctx, call); err != nil || result != nil {
			return result, err
		}
	}
	if call.bound.agent && !f.spec.Unconfirmed {
		if err := e.confirm(ctx, call); err != nil {
			return nil, err
		}
	}
	if ledger == nil {
		return e.finish(ctx, call)
	}
	if err := ledger.begin(ctx, call); err != nil {
		return nil, err
	}
	result, failed := e.finish(ctx, call)
	if err := ledger.end(context.WithoutCancel(ctx), call, result, failed); err != nil && e.config.Logger != nil {
		e.config.Logger.ErrorContext(ctx, "the audit of a call could not be written", "function", f.Name(), "error", err)
	}
	return result, failed
}

// confirm lets a call pass that a person has confirmed, and otherwise returns
// the error that asks for it.
func (e *Engine) confirm(ctx context.Context, call *Call) *Error {
	scope, name := call.Scope(), call.function.Name()
	if token := call.request.Confirmation; token != "" {
		good, err := e.offers.redeem(ctx, scope, token, name, call.digest)
		switch {
		case err != nil:
			return asError(ctx, err)
		case !good:
			return &Error{Code: CodeForbidden, Message: "The confirmation is not for this call, was used before, or has expired."}
		}
		return nil
	}
	token, expires, err := e.offers.offer(ctx, scope, name, call.digest)
	if err != nil {
		return asError(ctx, err)
	}
	return &Error{Code: CodeConfirmation, Message: fmt.Sprintf("%s changes something and waits for a person to confirm it. Nothing has been done yet.", name),
		Hint:         "Do not call it again: tell the person what you want to do and why.",
		Confirmation: &Confirmation{Function: name, Arguments: call.args, Token: token, Expires: expires}}
}

// memory keeps offers in this process.
type memory struct {
	now func() time.Time

	mu     sync.Mutex
	offers []memoryOffer // the oldest first
}

type memoryOffer struct {
	scope        content.Scope
	hash, digest []byte
	expires      time.Time
}

// maxOffers bounds what callers can make a process remember.
const maxOffers = 1000

func (m *memory) offer(_ context.Context, scope content.Scope, _ string, digest []byte) (string, time.Time, error) {
	token, hash := newToken()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.offers) >= maxOffers {
		m.offers = m.offers[1:]
	}
	expires := m.now().Add(confirmFor)
	m.offers = append(m.offers, memoryOffer{scope, hash, digest, expires})
	return token, expires, nil
}

func (m *memory) redeem(_ context.Context, scope content.Scope, token, _ string, digest []byte) (bool, error) {
	hash := tokenHash(token)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.offers {
		if subtle.ConstantTimeCompare(o.hash, hash) != 1 {
			continue
		}
		if o.scope != scope || subtle.ConstantTimeCompare(o.digest, digest) != 1 || m.now().After(o.expires) {
			return false, nil
		}
		m.offers = append(m.offers[:i:i], m.offers[i+1:]...)
		return true, nil
	}
	return false, nil
}
