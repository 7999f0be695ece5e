package jobs

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Get returns a run of the Scope's organization, or content.ErrNotFound.
func (s *Service) Get(ctx context.Context, scope content.Scope, id string) (Run, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return Run{}, err
	}
	var run Run
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		r, err := s.get(ctx, tx, organization, id)
		if err == nil {
			run = r.Run
		}
		return err
	})
	return run, err
}

func (s *Service) get(ctx context.Context, tx *database.Tx, organization, id string) (*record, error) {
	var r record
	err := r.scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM runs WHERE organization_id = ? AND id = ?", organization, cleanText(id, maxName)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("run %q: %w", id, content.ErrNotFound)
	}
	return &r, err
}

// The number of runs and of events that are returned at a time.
const (
	defaultRuns   = 50
	defaultEvents = 500
	maxPage       = 1000
	maxValues     = 1000 // of one kind in a Query
)

// A Query selects runs. Its zero value selects the newest of all. Of types, queues
// and statuses it names at most 1000 each.
type Query struct {
	Types     []string // an alias of a job stands for it as well
	Queues    []string
	Statuses  []Status
	Active    bool      // those that wait, are parked or at work; joins Statuses
	CreatedBy string    // a principal; empty is everybody
	Since     time.Time // created at this time or later; zero is no limit
	Until     time.Time // created before this time; zero is no limit
	Parent    string    // the id of the run that started them; empty is any
	Group     string    // the id of their group; empty is any
	Trace     string    // their trace id; empty is any
	DeadOnly  bool      // those that failed or timed out for good and were not replayed
	Limit     int       // 0 is 50; more than 1000 is 1000
	Cursor    string    // Page.Next of the page before, of the same query but for Limit; empty is the first page
}

// A Page is a part of a list of runs.
type Page struct {
	Runs []Run  `json:"runs"`
	Next string `json:"next,omitempty"` // the Cursor for the rest; empty when there is none
}

// List returns runs of the Scope's organization, the newest first.
func (s *Service) List(ctx context.Context, scope content.Scope, q Query) (Page, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return Page{}, err
	}
	limit := pageSize(q.Limit, defaultRuns)
	if q.Active {
		q.Statuses = append([]Status{Pending, Parked, Running}, q.Statuses...)
	}
	if n := max(len(q.Types), len(q.Queues), len(q.Statuses)); n > maxValues {
		return Page{}, fmt.Errorf("%w: a query of runs names %d types, queues or statuses; use at most %d", content.ErrInvalid, n, maxValues)
	}
	where, args := []string{"organization_id = ?"}, []any{organization}
	for _, status := range q.Statuses {
		if !slices.Contains(Statuses(), status) {
			return Page{}, fmt.Errorf("%w: there is no status %q; use one of %v", content.ErrInvalid, status, Statuses())
		}
	}
	where, args = among(where, args, "status", q.Statuses)
	if live := whereLive(q.Statuses); live != "" {
		where = append(where, live)
	}
	where, args = among(where, args, "type", s.withAliases(q.Types))
	where, args = among(where, args, "queue", q.Queues)
	for _, c := range []struct{ column, value string }{{"created_by", q.CreatedBy}, {"parent_id", q.Parent}, {"group_id", q.Group}, {"trace_id", q.Trace}} {
		if c.value != "" { // which is said again for the indexes of those that have one
			where, args = append(where, c.column+" = ? AND "+c.column+" <> ''"), append(args, cleanText(c.value, maxMessage))
		}
	}
	if !q.Since.IsZero() {
		where, args = append(where, "created_at >= ?"), append(args, s.db.Dialect().Time(storable(q.Since)))
	}
	if !q.Until.IsZero() {
		where, args = append(where, "created_at < ?"), append(args, s.db.Dialect().Time(storable(q.Until)))
	}
	if q.DeadOnly {
		where = append(where, "error <> '' AND status IN ('failed', 'timed_out') AND NOT EXISTS (SELECT 1 FROM runs AS again WHERE again.replay_of = runs.id AND again.replay_of <> '')")
	}
	digest := digestOf(where, args)
	if q.Cursor != "" {
		of, at, id, err := parseCursor(q.Cursor)
		if err != nil {
			return Page{}, err
		}
		if of != digest {
			return Page{}, fmt.Errorf("%w: the cursor is of another list of runs; begin without one", content.ErrInvalid)
		}
		where, args = append(where, "(created_at, id) < (?, ?)"), append(args, s.db.Dialect().Time(at), id)
	}
	page := Page{Runs: []Run{}}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, "SELECT "+columns+" FROM runs WHERE "+strings.Join(where, " AND ")+
			" ORDER BY created_at DESC, id DESC LIMIT ?", append(args, limit+1)...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var r record
			if err := r.scan(rows); err != nil {
				return err
			}
			page.Runs = append(page.Runs, r.Run)
		}
		return rows.Err()
	})
	if err != nil {
		return Page{}, fmt.Errorf("list runs: %w", err)
	}
	if len(page.Runs) > limit {
		page.Runs = page.Runs[:limit]
		last := page.Runs[limit-1]
		page.Next = cursor(digest, last.CreatedAt, last.ID)
	}
	return page, nil
}

// whereLive finds the runs with some statuses by where those stand that have not
// ended, which are few, however long the history is. It is empty when others, too,
// are asked for.
func whereLive(statuses []Status) string {
	var places []string
	for _, status := range statuses {
		switch status {
		case Pending:
			places = append(places, "SELECT id FROM waiting_runs")
		case Running:
			places = append(places, "SELECT id FROM working_runs")
		case Parked:
			places = append(places, "SELECT id FROM runs WHERE wait_reason <> '' AND status = 'parked'")
		default:
			return ""
		}
	}
	if len(places) == 0 {
		return ""
	}
	return "id IN (" + strings.Join(places, " UNION ALL ") + ")"
}

func pageSize(asked, usual int) int {
	if asked <= 0 {
		return usual
	}
	return min(asked, maxPage)
}

// withAliases adds the other names of the jobs named.
func (s *Service) withAliases(types []string) (all []string) {
	for _, name := range types {
		all = append(all, name)
		if j := s.byType[name]; j != nil {
			all = append(append(all, j.Type), j.Aliases...)
		}
	}
	return all
}

// among adds the condition that a column holds one of some values, if any.
func among[T ~string](where []string, args []any, column string, values []T) ([]string, []any) {
	if len(values) == 0 {
		return where, args
	}
	for _, v := range values {
		args = append(args, cleanText(string(v), maxName))
	}
	return append(where, column+" IN ("+database.Placeholders(len(values))+")"), args
}

// digestOf stands for the conditions of a query in its cursor, which must not be
// taken to another one.
func digestOf(where []string, args []any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", where, args))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func cursor(digest string, at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(digest + " " + at.UTC().Format(time.RFC3339Nano) + " " + id))
}

func parseCursor(s string) (digest string, at time.Time, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		var rest, when string
		digest, rest, _ = strings.Cut(string(b), " ")
		when, id, _ = strings.Cut(rest, " ")
		at, err = time.Parse(time.RFC3339Nano, when)
	}
	if err != nil || id == "" || cleanText(id, maxName) != id {
		return "", time.Time{}, "", fmt.Errorf("%w: the cursor %.100q is not one of a list of runs; begin without one", content.ErrInvalid, s)
	}
	return digest, at.UTC(), id, nil
}

// Events returns the events of a run after the one with id after, the oldest
// first; 0 begins at the first. Limit 0 is 500, more than 1000 is 1000. A run of
// another organization gives content.ErrNotFound.
func (s *Service) Events(ctx context.Context, scope content.Scope, runID string, after int64, limit int) ([]Event, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	var events []Event
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		events, err = s.events(ctx, tx, organization, runID, after, pageSize(limit, defaultEvents))
		if err == nil && len(events) == 0 {
			_, err = s.get(ctx, tx, organization, runID)
		}
		return err
	})
	return events, err
}

func (s *Service) events(ctx context.Context, tx *database.Tx, organization, runID string, after int64, limit int) (events []Event, err error) {
	rows, err := tx.Query(ctx, `SELECT id, run_id, at, level, type, message, data FROM run_events
WHERE organization_id = ? AND run_id = ? AND id > ? ORDER BY id LIMIT ?`, organization, cleanText(runID, maxName), after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Event
		if err := rows.Scan(&e.ID, &e.RunID, database.ScanTime(&e.At), &e.Level, &e.Type, &e.Message, (*[]byte)(&e.Data)); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}
