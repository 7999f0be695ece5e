package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// A finish asks to store what became of a run, in this process's hands until
// now, with its result, its progress and its last events.
type finish struct {
	task  *Task
	to    Status
	row   finishRow
	notes []note
	moved bool // false: another process has the run, or it is gone
	err   error
}

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
	Notes    []note          `json:"notes,omitempty"` // on Postgres
}

// On Postgres the same statement stores the last events and wakes other processes.
// It returns how many runs it has moved, and when these are not all, which.
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
failed bigint, lost bigint, reason text, until timestamptz, pause double precision, finished timestamptz, notes jsonb)` + finishWhere + `, runs.organization_id, m.notes),
told AS (INSERT INTO run_events (organization_id, run_id, at, level, type, message, data)
SELECT organization_id, id, (value ->> 'at')::timestamptz, value ->> 'level', value ->> 'type', value ->> 'message', value -> 'data'
FROM moved, jsonb_array_elements(notes) WITH ORDINALITY AS all_notes (value, n) ORDER BY id, n)
SELECT CASE WHEN count(*) < ? THEN COALESCE(string_agg(id, ' '), '') END, (SELECT count(pg_notify(?, value)) FROM jsonb_array_elements_text(?::jsonb) AS tidings (value)) FROM moved`
)

// finishAll stores what became of some runs, in one transaction. When that
// fails, each has one of its own, so that none suffers from another.
func (s *Service) finishAll(all []*finish) {
	ctx, cancel := context.WithTimeout(context.Background(), s.lease)
	defer cancel()
	err := s.tryFinish(ctx, all)
	if err == nil || len(all) == 1 {
		for _, f := range all {
			f.err = err
		}
		return
	}
	for _, f := range all {
		f.err = s.tryFinish(ctx, []*finish{f})
	}
}

func (s *Service) tryFinish(ctx context.Context, all []*finish) error {
	slices.SortFunc(all, func(a, b *finish) int { return cmp.Compare(a.row.ID, b.row.ID) }) // rows are locked in one order
	for _, f := range all {
		if err := Running.check(f.to); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.PlanOnce(ctx); err != nil {
			return err
		}
		if err := s.storeEnds(ctx, tx, all); err != nil {
			return err
		}
		s.at("finishing")
		groups := map[string]string{} // their organizations
		for _, f := range all {
			if f.moved && f.to.Ended() && f.task.run.GroupID != "" {
				groups[f.task.run.GroupID] = f.task.organization
			}
		}
		for _, group := range sorted(groups) {
			if err := s.leaveGroup(ctx, tx, groups[group], group); err != nil {
				return err
			}
		}
		return nil
	})
}

// storeEnds updates the rows of runs that this process still holds, and stores their
// events. A row that somebody was changing, such as one who wants the run cancelled,
// is one that a second statement sees.
func (s *Service) storeEnds(ctx context.Context, tx *database.Tx, all []*finish) error {
	store, together := s.storeEndsSQLite, tx.Dialect().Name() == database.Postgres
	if together {
		store = s.storeEndsPostgres
	}
	left := all
	for range 2 {
		rows, told := make([]finishRow, len(left)), make([]told, len(left))
		for i, f := range left {
			rows[i], told[i] = f.row, f.task.told(f.notes)
			if together {
				rows[i].Notes = f.notes
			}
		}
		encoded, err := json.Marshal(rows)
		if err != nil {
			return fmt.Errorf("encode the ends of runs: %w", err)
		}
		left, err = store(ctx, tx, left, string(encoded), told)
		if err != nil || len(left) == 0 {
			return err
		}
	}
	return nil
}

func (s *Service) storeEndsPostgres(ctx context.Context, tx *database.Tx, all []*finish, rows string, told []told) (left []*finish, err error) {
	tidings, err := json.Marshal(s.tidingsOf(told))
	if err != nil {
		return nil, fmt.Errorf("encode tidings: %w", err)
	}
	var some sql.NullString
	if err := tx.QueryRow(ctx, finishPostgres, rows, len(all), channel, string(tidings)).Scan(&some, new(int)); err != nil {
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

func (s *Service) storeEndsSQLite(ctx context.Context, tx *database.Tx, all []*finish, rows string, told []told) (left []*finish, err error) {
	var ids []string
	if err := tx.Select(ctx, &ids, finishSQLite, rows); err != nil {
		return nil, err
	}
	left = notMoved(all, ids)
	for i, f := range all {
		if !f.moved {
			told[i].notes = nil
		}
	}
	return left, s.tell(ctx, tx, told...)
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

// finish stores how an attempt ended. Only the holder of the fence can. It returns
// before that is done; over, which must be quick, is called then.
func (s *Service) finish(ctx context.Context, t *Task, out outcome, over func()) {
	select {
	case t.turn <- struct{}{}: // a goroutine that the job left behind may be in Commit
		t.over.Store(true) // and later ones are refused
		<-t.turn
	case <-s.gaveUp:
		over()
		return
	}
	err := out.err
	encoded, encodeErr := encode(out.result)
	if encodeErr != nil && err == nil {
		err = Permanent(fmt.Errorf("the result of the job cannot be stored: %w", encodeErr))
	}
	f := t.finishing(t.verdict(err), encoded)
	s.at("handled")
	s.finishes.tell(f, func() {
		if f.err == nil && f.moved {
			over()
			return
		}
		go func() {
			defer over()
			s.insist(ctx, t, f)
		}()
	})
}

// insist stores the end of a run which could not be stored at once. It tries for as
// long as this process works and no other has taken the run over, which the fence
// tells; after the lease others may.
func (s *Service) insist(ctx context.Context, t *Task, f *finish) {
	for began, pause := time.Now(), 20*time.Millisecond; ; pause = min(2*pause, time.Second) {
		switch {
		case f.err == nil && f.moved:
			return
		case f.err == nil:
			s.log.WarnContext(ctx, "a run had been taken over by another process, or deleted, when it ended", "type", t.job.Type, "run", t.run.ID)
			return
		case time.Since(began) > s.lease && s.stopping():
			s.log.ErrorContext(ctx, "the end of a run could not be stored", "type", t.job.Type, "run", t.run.ID, "status", f.to, "error", f.err)
			return
		}
		select {
		case <-time.After(pause):
		case <-s.gaveUp:
			return
		}
		s.finishes.ask(f)
	}
}

// finishing makes what is stored of an ending.
func (t *Task) finishing(e ending, result json.RawMessage) *finish {
	e.text, e.reason = cleanText(e.text, maxMessage), cleanText(e.reason, maxMessage)
	d, last := t.draft(false), t.lastNote(e)
	f := &finish{task: t, to: e.to, notes: append(d.notes, last), row: finishRow{ID: t.run.ID, Fence: t.fence, Status: e.to,
		Phase: d.phase, Done: d.done, Total: d.total, Error: e.text, Reason: e.reason}}
	if e.failed {
		f.row.Failed = 1
	}
	if e.lost {
		f.row.Lost = 1
	}
	if e.until != nil {
		f.row.Until = e.until.UTC().Format(noteTime)
	}
	if e.pause != nil {
		seconds := e.pause.Seconds()
		f.row.Pause = &seconds
	}
	if e.to.Ended() {
		f.row.Result, f.row.Finished = result, last.At
	}
	return f
}

// lastNote makes the event that closes a run or an attempt.
func (t *Task) lastNote(e ending) note {
	name := ""
	if t.run.Label != t.job.Label {
		name = ": " + t.run.Label
	}
	var data any
	if stop := (*interrupted)(nil); errors.As(e.err, &stop) {
		data = map[string]string{"error": cleanText(stop.Error(), maxMessage)} // what the job made of it
	}
	say := func(level Level, kind, message string) note {
		return newNote(t.s.now(), level, kind, message, data)
	}
	switch e.to {
	case Pending:
		return say(Warn, EventReleased, t.job.Label+" waits to go on from its last checkpoint"+name)
	case Parked:
		if e.failed {
			return say(Warn, EventRetry, t.job.Failed+name+"; "+e.reason)
		}
		return say(Info, EventParked, t.job.Label+" is parked"+name+" - "+e.reason)
	case Completed:
		return say(Info, EventCompleted, t.job.Completed+name)
	case TimedOut:
		return say(Error, EventTimedOut, t.job.Label+" timed out"+name+" - "+e.text)
	case Cancelled:
		return say(Warn, EventCancelled, t.job.Label+" cancelled"+name+" - "+e.text)
	}
	return say(Error, EventFailed, t.job.Failed+name+" - "+e.text)
}
