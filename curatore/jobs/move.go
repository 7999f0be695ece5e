package jobs

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/curatore/curatore-go/content/database"
)

// A move is a change of the status of one run. Runs are claimed and finished many
// at a time, in claim.go and finish.go, under the same state machine; there is no
// other way to change it.
type move struct {
	id       string
	from, to Status
	set      string // further columns to set, such as "error = ?"
	setArgs  []any
	where    string // further conditions, such as "fence = ?"
	args     []any
}

// errNotMoved: the run is not there, not in the status that it should leave, or
// does not meet the conditions.
var errNotMoved = errors.New("the run is not in the expected state")

// move makes the change as one statement and returns the row after it. When it ends
// the run, its group is to be left.
func (s *Service) move(ctx context.Context, tx *database.Tx, m move) (*record, error) {
	if err := m.from.check(m.to); err != nil {
		return nil, err
	}
	set, setArgs := []string{"status = ?"}, []any{m.to}
	if m.set != "" {
		set, setArgs = append(set, m.set), append(setArgs, m.setArgs...)
	}
	if m.to != Running {
		set = append(set, "lease_until = NULL")
	}
	if m.to != Parked {
		set = append(set, "wait_reason = ''")
	}
	switch {
	case m.to == Pending: // since now, as Health tells
		set = append(set, "not_before = "+tx.Dialect().Now())
	case m.to != Parked:
		set = append(set, "not_before = NULL")
	}
	if m.to.Ended() {
		set, setArgs = append(set, "finished_at = ?"), append(setArgs, tx.Dialect().Time(s.now()))
	}
	where, args := "id = ? AND status = ?", []any{m.id, m.from}
	if m.where != "" {
		where, args = where+" AND "+m.where, append(args, m.args...)
	}
	var r record
	err := r.scan(tx.QueryRow(ctx, "UPDATE runs SET "+strings.Join(set, ", ")+" WHERE "+where+" RETURNING "+columns, append(setArgs, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNotMoved
	}
	return &r, err
}
