package functions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Confirmation is what a person is asked before an agent changes something.
// An agent's call of a function that Writes does not run: its Error has the code
// [CodeConfirmation] and carries one of these, which the program shows to the
// person on whose behalf the agent acts. When they agree, the program makes the
// same call again, with the Token in its Request. Where the person is asked in
// another place than the agent's conversation, [Bound.Waiting] lists what waits,
// and after [Bound.Decide] the agent's next call passes without a token.
//
// Either is good for one call, of that function, with those arguments, by that
// principal, for ten minutes. The token is not in what a model reads, so a model
// that was told to confirm on its own cannot.
type Confirmation struct {
	ID        string // by which a person names it: 8 letters and digits, no secret
	Principal string // on whose behalf the agent acts
	Function  string
	Arguments json.RawMessage // as they would be used, defaults included; in a list without what is sensitive
	Token     string          // empty in a list
	Expires   time.Time
}

// String says what is to be confirmed, in one line. Characters that nobody sees,
// or that change the direction of others, are written as escapes: a person agrees
// to what they read.
func (c *Confirmation) String() string { return c.Function + " " + escaped(c.Arguments) }

// confirmFor is how long a person may take.
const confirmFor = 10 * time.Minute

// maxWaiting bounds a list of what waits, and what one principal may have waiting.
const maxWaiting = 100

// offers keep what waits for confirmation.
type offers interface {
	// offer stores what a call wants, for the person who may confirm it.
	offer(ctx context.Context, call *Call) (*Confirmation, error)
	// redeem uses a confirmation up, and reports whether it was for this call. An
	// empty token stands for what a person has agreed to elsewhere.
	redeem(ctx context.Context, call *Call, token string) (bool, error)
	// waiting lists what nobody has decided, the oldest first.
	waiting(ctx context.Context, scope content.Scope) ([]Confirmation, error)
	// decide agrees to what waits under an id, or forgets it. It reports whether
	// there was such a thing.
	decide(ctx context.Context, scope content.Scope, id string, agree bool) (bool, error)
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
	if err := e.check(ctx, call); err != nil {
		return nil, err
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

// check asks the function whether the call can succeed at all. A panic is an
// internal error, as in the handler.
func (e *Engine) check(ctx context.Context, call *Call) (failed *Error) {
	if call.function.spec.Check == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			failed = internal(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	if err := call.function.spec.Check(ctx, call); err != nil {
		return asError(ctx, err)
	}
	return nil
}

// confirm lets a call pass that a person has confirmed, and otherwise returns
// the error that asks for it.
func (e *Engine) confirm(ctx context.Context, call *Call) *Error {
	name, token := call.function.Name(), call.request.Confirmation
	good, err := e.offers.redeem(ctx, call, token)
	switch {
	case err != nil:
		return asError(ctx, err)
	case good:
		call.confirmed = true
		return nil
	case token != "":
		return &Error{Code: CodeForbidden, Message: "The confirmation is not for this call, was used before, or has expired."}
	}
	asked, err := e.offers.offer(ctx, call)
	if err != nil {
		return asError(ctx, err)
	}
	return &Error{Code: CodeConfirmation, Message: fmt.Sprintf("%s changes something and waits for a person to confirm it, under the id %s. Nothing has been done yet.", name, asked.ID),
		Hint:         "Tell the person what you want to do and why. Call it again, unchanged, only when they say that they have agreed.",
		Confirmation: asked}
}

// confirmationOf begins what a call asks a person.
func confirmationOf(call *Call, now time.Time) (c *Confirmation, hash []byte) {
	c = &Confirmation{ID: newConfirmationID(), Principal: call.Scope().Principal(), Function: call.function.Name(), Arguments: call.args, Expires: now.Add(confirmFor)}
	c.Token, hash = newToken()
	return c, hash
}

// newConfirmationID returns eight characters that people can copy: 40 bits.
func newConfirmationID() string {
	var bits [5]byte
	_, _ = rand.Read(bits[:]) // it never fails
	return base32.StdEncoding.EncodeToString(bits[:])
}

// Waiting returns what agents of the organization want to change and nobody has
// decided yet, the oldest first, at most 100. It is for a program that asks a
// person elsewhere than in the agent's conversation: in a terminal, on a page. To
// an agent, and to who may only read, it is refused. Without a [Ledger] it is what
// this principal's agents want, in this process.
func (b Bound) Waiting(ctx context.Context) ([]Confirmation, error) {
	if err := b.decides(); err != nil {
		return nil, err
	}
	list, err := b.engine.offers.waiting(ctx, b.scope)
	if err != nil {
		return nil, asError(ctx, err)
	}
	return list, nil
}

// Decide agrees to what waits under an id, so that the agent's next call of
// exactly that passes, once and before it expires; or it forgets what waits. It is
// the caller's business to know that this principal may agree. What is not, or no
// longer, there is CodeNotFound.
func (b Bound) Decide(ctx context.Context, id string, agree bool) error {
	if err := b.decides(); err != nil {
		return err
	}
	found, err := b.engine.offers.decide(ctx, b.scope, strings.ToUpper(strings.TrimSpace(id)), agree)
	switch {
	case err != nil:
		return asError(ctx, err)
	case !found:
		return &Error{Code: CodeNotFound, Message: "Nothing waits under the id " + show(id) + ".", Hint: "It may have been decided, or have expired after ten minutes."}
	}
	return nil
}

// decides refuses those who must not decide what agents may do.
func (b Bound) decides() error {
	if b.engine == nil || b.agent || b.reads || b.scope == (content.Scope{}) {
		return &Error{Code: CodeForbidden, Message: "This caller may not decide what waits for a person."}
	}
	return nil
}
