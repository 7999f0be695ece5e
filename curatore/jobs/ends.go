package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/curatore/curatore-go/content/database"
)

// A finishRow travels to the database as JSON.
type finishRow struct {
	ID       string          `json:"id"`
	Fence    int64           `json:"fence"`
	Status   Status          `json:"status"`
	Phase    string          `json:"phase,omitempty"`
	Done     int64           `json:"done,omitempty"`
	Total    int64           `json:"total,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    string          `json:"error,omitempty"`
	Failed   int             `json:"failed,omitempty"`
	Lost     int             `json:"lost,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Until    string          `json:"until,omitempty"`
	Pause    *float64        `json:"pause,omitempty"` // seconds
	Finished string          `json:"finished,omitempty"`
	*note                    // the last one, on Postgres
	Notes    []note          `json:"notes,omitempty"` // those before it, on Postgres
}

// On Postgres the same statement stores the last events. It returns nothing when it
// has moved all runs, and else which.
const (
	finishSet = `UPDATE runs SET status = m.status, phase = COALESCE(m.phase, ''), done = COALESCE(m.done, 0), total = COALESCE(m.total, 0), result = COALESCE(m.result, runs.result),
error = COALESCE(m.error, ''), failures = runs.failures + COALESCE(m.failed, 0), lost = runs.lost + COALESCE(m.lost, 0), wait_reason = COALESCE(m.reason, ''),
lease_until = NULL, finished_at = m.finished, not_before = COALESCE(m.until, `
	finishWhere = `
WHERE runs.id = m.id AND runs.fence = m.fence AND runs.status = 'running' RETURNING runs.id`
	finishSQLite = finishSet + `strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', m.pause || ' seconds'))
FROM (SELECT value ->> 'id' AS id, value ->> 'fence' AS fence, value ->> 'status' AS status, value ->> 'phase' AS phase, value ->> 'done' AS done,
value ->> 'total' AS total, value -> 'result' AS result, value ->> 'error' AS error, value ->> 'failed' AS failed, value ->> 'lost' AS lost, value ->> 'reason' AS reason,
value ->> 'until' AS until, value ->> 'pause' AS pause, value ->> 'finished' AS finished FROM json_each(?)) AS m` + finishWhere
	finishPostgres = `WITH moved AS (` + finishSet + `clock_timestamp() + m.pause * interval '1 second')
FROM jsonb_to_recordset(?::jsonb) AS m(id text, fence bigint, status text, phase text, done bigint, total bigint, result jsonb, error text,
failed bigint, lost bigint, reason text, until timestamptz, pause double precision, finished timestamptz,
at timestamptz, level text, type text, message text, data jsonb, notes jsonb)` + finishWhere + `, runs.organization_id, m.at, m.level, m.type, m.message, m.data, m.notes),
told AS (INSERT INTO run_events (organization_id, run_id, at, level, type, message, data)
SELECT organization_id, id, at, level, type, message, data FROM (
SELECT organization_id, id, n, (value ->> 'at')::timestamptz AS at, value ->> 'level' AS level, value ->> 'type' AS type, value ->> 'message' AS message, value -> 'data' AS data
FROM moved, jsonb_array_elements(notes) WITH ORDINALITY AS earlier (value, n) WHERE notes IS NOT NULL
UNION ALL SELECT organization_id, id, NULL, at, level, type, message, data FROM moved) AS notes ORDER BY id, n NULLS LAST)
SELECT CASE WHEN count(*) < ? THEN COALESCE(string_agg(id, ' '), '') END FROM moved`
)

// storeEnds updates the rows of runs that this process still holds, and stores their
// events. It returns the others.
func (s *Service) storeEnds(ctx context.Context, tx *database.Tx, all []*finish) (left []*finish, err error) {
	store, together := s.storeEndsSQLite, tx.Dialect().Name() == database.Postgres
	if together {
		store = s.storeEndsPostgres
	}
	rows := make([]finishRow, len(all))
	for i, f := range all {
		if rows[i] = f.row; together {
			last := len(f.notes) - 1
			rows[i].note, rows[i].Notes = &f.notes[last], f.notes[:last]
		}
	}
	encoded, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("encode the ends of runs: %w", err)
	}
	return store(ctx, tx, all, string(encoded))
}

func (s *Service) storeEndsPostgres(ctx context.Context, tx *database.Tx, all []*finish, rows string) (left []*finish, err error) {
	var some sql.NullString
	if err := tx.QueryRow(ctx, finishPostgres, rows, len(all)).Scan(&some); err != nil {
		return nil, err
	}
	if !some.Valid {
		for _, f := range all {
			f.moved = true
		}
		return nil, nil
	}
	return notMoved(all, strings.Fields(some.String)), nil
}

func (s *Service) storeEndsSQLite(ctx context.Context, tx *database.Tx, all []*finish, rows string) (left []*finish, err error) {
	var ids []string
	if err := tx.Select(ctx, &ids, finishSQLite, rows); err != nil {
		return nil, err
	}
	left = notMoved(all, ids)
	var moved []told
	for _, f := range all {
		if f.moved {
			moved = append(moved, f.task.told(f.notes))
		}
	}
	return left, s.tell(ctx, tx, moved...)
}

// notMoved marks those that were moved, and returns the others.
func notMoved(all []*finish, ids []string) (left []*finish) {
	moved := make(map[string]bool, len(ids))
	for _, id := range ids {
		moved[id] = true
	}
	for _, f := range all {
		if f.moved = moved[f.row.ID]; !f.moved {
			left = append(left, f)
		}
	}
	return left
}
