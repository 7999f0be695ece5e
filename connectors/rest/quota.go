package rest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// A Daily is a number of requests that a service takes each day. Services with
// one forget nothing when a program starts anew, so that it is counted in the
// database.
type Daily struct {
	Limit int64          // 0 counts nothing
	Zone  *time.Location // at whose midnight it begins again; nil is UTC
}

// reset returns the midnight after a time.
func (d Daily) reset(now time.Time) time.Time {
	zone := d.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, day := now.In(zone).Date()
	return time.Date(y, m, day+1, 0, 0, 0, 0, zone).UTC()
}

// A Ledger counts the requests of one credential, in the table quota_ledger, for
// all processes and organizations that use it. It is safe for concurrent use.
type Ledger struct {
	DB         *database.DB
	Service    string
	Credential string // a fingerprint, never the credential
	Daily      Daily
	Now        func() time.Time
}

// Spend counts one request, if at least keep more are left behind it. Otherwise
// the error is a [LimitError] with the time of the reset. A request that the
// service refuses counts too, as services do.
func (l *Ledger) Spend(ctx context.Context, keep int64) error {
	now := l.Now().UTC()
	resets := l.Daily.reset(now)
	var spent bool
	var left, used int64
	var until time.Time
	err := l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		at, end := tx.Dialect().Time(now), tx.Dialect().Time(resets)
		if _, err := tx.Exec(ctx, `INSERT INTO quota_ledger (service, credential, resets_at, used) VALUES (?, ?, ?, 0)
ON CONFLICT (service, credential) DO NOTHING`, l.Service, l.Credential, end); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE quota_ledger SET used = 0, closed = ?, resets_at = ? WHERE service = ? AND credential = ? AND resets_at <= ?",
			false, end, l.Service, l.Credential, at); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE quota_ledger SET used = used + 1 WHERE service = ? AND credential = ? AND closed = ? AND used + ? < ?",
			l.Service, l.Credential, false, keep, l.Daily.Limit)
		if err != nil {
			return err
		}
		spent = n > 0
		used, until, err = l.row(ctx, tx)
		left = l.Daily.Limit - used
		return err
	})
	if err != nil {
		return fmt.Errorf("quota of %s: %w", l.Service, err)
	}
	if spent {
		return nil
	}
	reason := fmt.Sprintf("%d of %d requests of the day are made", used, l.Daily.Limit)
	if left > 0 && keep > 0 {
		reason += fmt.Sprintf(", and %d are kept for what is more urgent", keep)
	}
	return &LimitError{Service: l.Service, Until: until, Reason: reason}
}

// Close notes that the service takes no more requests until a time, whatever was
// counted: others use the same credential, or its limit is another one.
func (l *Ledger) Close(ctx context.Context, until time.Time) error {
	err := l.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO quota_ledger (service, credential, resets_at, used, closed) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (service, credential) DO UPDATE SET resets_at = excluded.resets_at, closed = excluded.closed`,
			l.Service, l.Credential, tx.Dialect().Time(until.UTC()), true)
		return err
	})
	if err != nil {
		return fmt.Errorf("quota of %s: %w", l.Service, err)
	}
	return nil
}

// Left returns how many requests are left, and until when that holds.
func (l *Ledger) Left(ctx context.Context) (left int64, until time.Time, err error) {
	now := l.Now().UTC()
	err = l.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		var used int64
		var closed bool
		err := tx.QueryRow(ctx, "SELECT used, closed, resets_at FROM quota_ledger WHERE service = ? AND credential = ?", l.Service, l.Credential).
			Scan(&used, &closed, database.ScanTime(&until))
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && !until.After(now):
			left, until = l.Daily.Limit, l.Daily.reset(now)
			return nil
		case err == nil && !closed:
			left = max(0, l.Daily.Limit-used)
		}
		return err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("quota of %s: %w", l.Service, err)
	}
	return left, until, nil
}

func (l *Ledger) row(ctx context.Context, tx *database.Tx) (used int64, until time.Time, err error) {
	err = tx.QueryRow(ctx, "SELECT used, resets_at FROM quota_ledger WHERE service = ? AND credential = ?", l.Service, l.Credential).
		Scan(&used, database.ScanTime(&until))
	return used, until, err
}
