package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content"
)

// domainError turns what a driver returned into an error that callers can tell
// apart without knowing the driver. The driver's error stays in the chain.
func domainError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); cause != ctx.Err() {
			return fmt.Errorf("%w: %w", ctx.Err(), cause)
		}
		return ctx.Err()
	}
	for _, known := range []error{content.ErrNotFound, content.ErrConflict, content.ErrBusy} {
		if errors.Is(err, known) {
			return err
		}
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %w", content.ErrNotFound, err)
	}
	for _, domain := range []error{sqliteError(err), postgresError(err)} {
		if domain != nil {
			return fmt.Errorf("%w: %w", domain, err)
		}
	}
	return err
}
