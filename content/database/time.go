package database

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
)

// ScanTime returns a sql.Scanner that stores a time column in t, which both
// databases return differently. NULL gives the zero time.
func ScanTime(t *time.Time) sql.Scanner { return timeScanner{t, nil} }

// ScanNullTime is [ScanTime] for columns that can be NULL, which gives nil.
func ScanNullTime(t **time.Time) sql.Scanner { return timeScanner{nil, t} }

type timeScanner struct {
	t    *time.Time
	null **time.Time
}

// Scan implements sql.Scanner.
func (s timeScanner) Scan(v any) error {
	x, err := Dialect{}.Value(content.Time, v)
	if err != nil {
		return fmt.Errorf("scan time: %w", err)
	}
	at, ok := x.(time.Time)
	switch {
	case s.t != nil:
		*s.t = at
	case ok:
		*s.null = &at
	default:
		*s.null = nil
	}
	return nil
}
