package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// A Function is one that a connection adds to those that follow from its types:
// what a model or a program may ask the service itself, as it is now. [Define] makes
// one; the zero Function is reported by [Check].
type Function[S any] struct {
	bind func(inputOf[S]) *functions.Function
}

// An inputOf makes the Input of an instance, on behalf of an organization.
type inputOf[S any] func(ctx context.Context, scope content.Scope, instance string) (Input[S], error)

// Define declares a function of a connection, as functions.Define does one of a
// program. Its Call also gives what the service is asked with.
//
// A service that is unavailable, asks for patience or refuses the credential is told
// to the model as that, and so are settings that are wrong.
func Define[S, In, Out any](spec functions.Spec, handle func(ctx context.Context, call *Call[S], in In) (Out, error)) Function[S] {
	return Function[S]{bind: func(input inputOf[S]) *functions.Function {
		return functions.Define(spec, func(ctx context.Context, call *functions.Call, in In) (Out, error) {
			out, err := handle(ctx, &Call[S]{Call: call, input: input}, in)
			return out, told(err)
		})
	}}
}

// A Call is one invocation of a connection's function, with a way to its service.
type Call[S any] struct {
	*functions.Call
	input inputOf[S]
}

// Input returns what an import of the calling organization would begin with: the
// settings of an instance ("" for the only one), the secrets, the clients with their
// pace and quotas, what is stored. It has no files and no run.
func (c *Call[S]) Input(ctx context.Context, instance string) (Input[S], error) {
	return c.input(ctx, c.Scope(), instance)
}

// A setupError is one of the settings of a connection, and not of what was asked.
type setupError struct{ error }

func (e setupError) Unwrap() error { return e.error }

// told says to the model what has to do with the service or the settings, and not
// with what it has asked. The rest of it is in the Cause.
func told(err error) error {
	e := &functions.Error{Cause: err}
	var limit *rest.LimitError
	switch {
	case err == nil, errors.As(err, new(*functions.Error)):
		return err
	case errors.As(err, new(setupError)):
		e.Code, e.Message, e.Hint = functions.CodeDisabled, "The settings of the connection do not let its service be asked.", setUp
	case errors.As(err, &limit):
		e.Code, e.Message = functions.CodeBusy, "The service takes no more requests until "+limit.Until.UTC().Format(time.RFC3339)+"."
	case errors.Is(err, rest.ErrUnavailable):
		e.Code, e.Message, e.Hint = functions.CodeBusy, "The service is not available.", "Try again later, or use what was imported."
	case errors.Is(err, rest.ErrUnauthorized), errors.Is(err, rest.ErrForbidden):
		e.Code, e.Message, e.Hint = functions.CodeForbidden, "The service refuses the credentials of the connection.", setUp
	default:
		return err
	}
	return e
}

const setUp = "Whoever set up the connection has to correct them; use what was imported."

// Inputs makes the Input of an instance of a connection, on behalf of an
// organization, with its stored settings.
type Inputs func(ctx context.Context, scope content.Scope, c *Connection, instance string) (Input[json.RawMessage], error)

// Functions returns the connection's own functions. Their calls take their Input from
// inputs, which may be nil where nothing is called.
func (c *Connection) Functions(inputs Inputs) (list []*functions.Function) {
	for _, bind := range c.functions {
		list = append(list, bind(func(ctx context.Context, scope content.Scope, instance string) (Input[json.RawMessage], error) {
			return inputs(ctx, scope, c, instance)
		}).Of(c.Name()))
	}
	return list
}

// Input returns what a session of the connection would be made from, on behalf of the
// scope's organization, without files and run.
func (e *Engine) Input(scope content.Scope, c *Connection, options Options) (Input[json.RawMessage], error) {
	im, err := e.onBehalf(scope, c, options)
	if err != nil {
		return Input[json.RawMessage]{}, err
	}
	return im.input(nil)
}
