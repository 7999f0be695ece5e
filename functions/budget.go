package functions

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// A Budget bounds what one call may return and take. A result that has more is
// shortened, which its metadata say, or refused with [CodeTooLarge]; see
// [Shortener]. Zero means no bound, but for Bytes.
type Budget struct {
	Rows   int           // elements of a [Shortener]
	Bytes  int           // of [Result.Data]; 0 means 64 KiB, which stays below the 25,000 tokens at which clients cut
	Tokens int           // of [Result.Data], as Config.CountTokens counts them
	Time   time.Duration // from the check of the arguments to the result
}

// within returns the tighter of each bound.
func (b Budget) within(other Budget) Budget {
	return Budget{Rows: tighter(b.Rows, other.Rows), Bytes: tighter(b.Bytes, other.Bytes),
		Tokens: tighter(b.Tokens, other.Tokens), Time: tighter(b.Time, other.Time)}
}

func tighter[T ~int | ~int64](a, b T) T {
	if a <= 0 || b <= 0 {
		return max(a, b, 0)
	}
	return min(a, b)
}

// countTokens estimates tokens: English and JSON have three to four bytes each.
func countTokens(data []byte) int { return (len(data) + 2) / 3 }

// fits returns how large a part of data may stay, 1 or more when it fits, and
// what it has too much of.
func (e *Engine) fits(b Budget, data []byte) (part float64, excess string) {
	part = 1
	if len(data) > b.Bytes {
		part, excess = float64(b.Bytes)/float64(len(data)), fmt.Sprintf("has %d bytes; at most %d can be returned", len(data), b.Bytes)
	}
	if b.Tokens > 0 {
		if n := e.config.CountTokens(data); n > b.Tokens && float64(b.Tokens)/float64(n) < part {
			part, excess = float64(b.Tokens)/float64(n), fmt.Sprintf("has about %d tokens; at most %d can be returned", n, b.Tokens)
		}
	}
	return part, excess
}

// deadline bounds a call in time, by the tighter of its budget and its function.
func (c *Call) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := tighter(c.budget.Time, c.function.spec.Timeout)
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s took longer than %s: %w", c.function.Name(), limit, context.DeadlineExceeded))
}

// rows brings a list down to the number of elements of the budget.
func (c *Call) rows(ctx context.Context, out any) error {
	list, ok := out.(Shortener)
	if !ok || c.budget.Rows <= 0 || list.Len() <= c.budget.Rows {
		return nil
	}
	if err := list.Shorten(ctx, c, c.budget.Rows); err != nil {
		return err
	}
	c.metadata.Truncated = true
	c.Note("cut to %d elements, the most that this caller gets at a time", c.budget.Rows)
	return nil
}

// withDefaults fills in what a Config leaves out.
func (c Config) withDefaults() Config {
	c.MaxArguments = cmp.Or(c.MaxArguments, 256<<10)
	c.Budget.Bytes = cmp.Or(c.Budget.Bytes, c.MaxResult, 64<<10)
	if c.CountTokens == nil {
		c.CountTokens = countTokens
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
