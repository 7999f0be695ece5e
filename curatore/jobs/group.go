package jobs

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

// A Group is runs that belong together, such as those of all files of an upload.
// Runs join it through Options.Group. It is complete when it is sealed and all
// its runs have ended, however they ended. Runs that were enqueued with
// Options.After then begin, once.
type Group struct {
	ID          string         `json:"id"` // UUIDv7
	Label       string         `json:"label"`
	CreatedBy   string         `json:"created_by"`
	CreatedAt   time.Time      `json:"created_at"`   // UTC
	Sealed      bool           `json:"sealed"`       // no more runs are expected
	CompletedAt *time.Time     `json:"completed_at"` // nil until it is complete
	Counts      map[Status]int `json:"counts"`       // of its runs, by their status; exact
}

// Total is how many runs have joined.
func (g Group) Total() (n int) {
	for _, count := range g.Counts {
		n += count
	}
	return n
}

// NewGroup stores a group in the caller's transaction.
func (s *Service) NewGroup(ctx context.Context, tx *database.Tx, scope content.Scope, label string) (Group, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return Group{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Group{}, fmt.Errorf("make an id: %w", err)
	}
	g := Group{ID: id.String(), Label: cleanText(label, maxMessage), CreatedBy: cleanText(scope.Principal(), maxMessage), CreatedAt: s.now().UTC(), Counts: map[Status]int{}}
	_, err = tx.Exec(ctx, "INSERT INTO run_groups (id, organization_id, label, created_by, created_at) VALUES (?, ?, ?, ?, ?)",
		g.ID, organization, g.Label, g.CreatedBy, tx.Dialect().Time(g.CreatedAt))
	return g, err
}

// SealGroup says in the caller's transaction that no more runs join, but those
// which its own runs start before they end. A group whose runs have all ended is
// complete at once. Sealing again does nothing.
func (s *Service) SealGroup(ctx context.Context, tx *database.Tx, scope content.Scope, id string) error {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return err
	}
	if over, err := completed(ctx, tx, organization, id, " FOR UPDATE"); over || err != nil {
		return err
	}
	d := tx.Dialect()
	if _, err := tx.Exec(ctx, "UPDATE run_groups SET sealed = ? WHERE id = ? AND organization_id = ?", d.Bind(content.Bool, true), id, organization); err != nil {
		return err
	}
	return s.completeGroup(ctx, tx, id)
}

// Group returns a group with its counts as they are now, or
// content.ErrNotFound.
func (s *Service) Group(ctx context.Context, scope content.Scope, id string) (g Group, err error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return Group{}, err
	}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		var counts []byte
		err := tx.QueryRow(ctx, "SELECT id, label, created_by, created_at, sealed, completed_at, counts FROM run_groups WHERE organization_id = ? AND id = ?", organization, cleanText(id, maxName)).
			Scan(&g.ID, &g.Label, &g.CreatedBy, database.ScanTime(&g.CreatedAt), &g.Sealed, database.ScanNullTime(&g.CompletedAt), &counts)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("group %q: %w", id, content.ErrNotFound)
		case err != nil:
			return err
		case counts != nil: // its runs may be gone by now
			return json.Unmarshal(counts, &g.Counts)
		}
		g.Counts, err = countGroup(ctx, tx, id)
		return err
	})
	return g, err
}

func countGroup(ctx context.Context, tx *database.Tx, id string) (map[Status]int, error) {
	var rows []struct {
		Status Status `db:"status"`
		N      int    `db:"n"`
	}
	if err := tx.Select(ctx, &rows, "SELECT status, count(*) AS n FROM runs WHERE group_id = ? AND group_id <> '' GROUP BY status", id); err != nil {
		return nil, err
	}
	counts := map[Status]int{}
	for _, r := range rows {
		counts[r.Status] = r.N
	}
	return counts, nil
}

// completed reports whether a group is complete. With hold, such as " FOR UPDATE",
// whoever joins or leaves it waits for the end of the transaction.
func completed(ctx context.Context, tx *database.Tx, organization, id, hold string) (over bool, err error) {
	if tx.Dialect().Name() == database.SQLite { // which has one writer
		hold = ""
	}
	var at *time.Time
	err = tx.QueryRow(ctx, "SELECT completed_at FROM run_groups WHERE organization_id = ? AND id = ?"+hold, organization, cleanText(id, maxName)).Scan(database.ScanNullTime(&at))
	if errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("group %q: %w", id, content.ErrNotFound)
	}
	return at != nil, err
}

// leaveGroup takes note that a run of a group has ended. Holding the group makes
// each see all ends before its own, so that the last one, and no other, finds
// none left. An empty id is no group.
func (s *Service) leaveGroup(ctx context.Context, tx *database.Tx, organization, id string) error {
	if id == "" {
		return nil
	}
	over, err := completed(ctx, tx, organization, id, " FOR UPDATE")
	switch {
	case errors.Is(err, content.ErrNotFound): // it was removed before its runs
		return nil
	case over || err != nil:
		return err
	}
	return s.completeGroup(ctx, tx, id)
}

// completeGroup completes a group which is sealed and none of whose runs is
// live, and lets those begin that wait for it. The caller holds it.
func (s *Service) completeGroup(ctx context.Context, tx *database.Tx, id string) error {
	d := tx.Dialect()
	n, err := tx.Exec(ctx, `UPDATE run_groups SET completed_at = ? WHERE id = ? AND sealed = ? AND completed_at IS NULL AND NOT EXISTS
(SELECT 1 FROM runs WHERE live_group = ? AND live_group <> '')`,
		d.Time(s.now()), id, d.Bind(content.Bool, true), id)
	if err != nil || n == 0 {
		return err
	}
	counts, err := countGroup(ctx, tx, id)
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(counts)
	if err != nil {
		return fmt.Errorf("encode the counts of group %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, "UPDATE run_groups SET counts = ? WHERE id = ?", string(encoded), id); err != nil {
		return err
	}
	var after []string
	if err := tx.Select(ctx, &after, "SELECT id FROM runs WHERE after_group = ? AND after_group <> '' AND status = 'parked'", id); err != nil {
		return err
	}
	for _, run := range after {
		r, err := s.move(ctx, tx, move{id: run, from: Parked, to: Pending})
		if errors.Is(err, errNotMoved) {
			continue // it was cancelled
		}
		if err != nil {
			return err
		}
		s.dispatchAfter(ctx, tx, &r.Run)
	}
	return nil
}
