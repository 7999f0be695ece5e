package extract

import (
	"context"
	"errors"
	"strings"
)

// First returns an Extractor that asks others in order. A later one gets the
// files that an earlier one does not support, or in which it finds no text, such
// as scans for a sidecar that reads pictures. What the last one says counts; if
// it fails, the best that was said before does.
func First(extractors ...Extractor) Extractor { return first(extractors) }

type first []Extractor

// Name implements [Extractor].
func (f first) Name() string {
	names := make([]string, len(f))
	for i, e := range f {
		names[i] = e.Name()
	}
	return strings.Join(names, "+")
}

// Extract implements [Extractor].
func (f first) Extract(ctx context.Context, file File) (*Result, error) {
	var best *Result
	var failures []error
	for _, e := range f {
		r, err := e.Extract(ctx, file)
		switch StatusOf(r, err) {
		case OK, Partial, Encrypted, TooLarge:
			return r, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			best = r
		} else {
			failures = append(failures, err)
		}
	}
	if best != nil {
		if err := errors.Join(failures...); err != nil && !errors.Is(err, ErrUnsupported) {
			best.Notes = append(best.Notes, err.Error())
		}
		return best, nil
	}
	for _, err := range failures { // what may pass counts: the file is then tried again
		if s := StatusOf(nil, err); s == Failed || s == TimedOut {
			return nil, err
		}
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	return nil, ErrUnsupported
}
