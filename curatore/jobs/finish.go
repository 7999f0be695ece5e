package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	Phase    string          `json:"phase"`
	Done     int64           `json:"done"`
	Total    int64           `json:"total"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    string          `json:"error"`
	Failed   int             `json:"failed"`
	Lost     int             `json:"lost"`
	Reason   string          `json:"reason"`
	Until    string          `json:"until,omitempty"`
	Pause    *float64        `json:"pause,omitempty"` // seconds
	Finished string          `json:"finished,omitempty"`
}

const (
	finishSet = `UPDATE runs SET status = m.status, phase = m.phase, done = m.done, total = m.total, result = COALESCE(m.result, runs.result),
error = m.error, failures = runs.failures + m.failed, lost = runs.lost + m.lost, wait_reason = m.reason, lease_until = NULL, finished_at = m.finished, not_before = COALESCE(m.until, `
	finishWhere = `
WHERE runs.id = m.id AND runs.fence = m.fence AND runs.status = 'running' RETURNING runs.id`
	finishSQLite = finishSet + `strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', m.pause || ' seconds'))
FROM (SELECT value ->> 'id' AS id, value ->> 'fence' AS fence, value ->> 'status' AS status, value ->> 'phase' AS phase, value ->> 'done' AS done,
value ->> 'total' AS total, value -> 'result' AS result, value ->> 'error' AS error, value ->> 'failed' AS failed, value ->> 'lost' AS lost, value ->> 'reason' AS reason,
value ->> 'until' AS until, value ->> 'pause' AS pause, value ->> 'finished' AS finished FROM json_each(?)) AS m` + finishWhere
	finishPostgres = finishSet + `clock_timestamp() + m.pause * interval '1 second')
FROM jsonb_to_recordset(?::jsonb) AS m(id text, fence bigint, status text, phase text, done bigint, total bigint, result jsonb, error text,
failed bigint, lost bigint, reason text, until timestamptz, pause double precision, finished timestamptz)` + finishWhere
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
		for _, f := range all {
			f.moved = false
		}
		if err := storeEnds(ctx, tx, all); err != nil {
			return err
		}
		var told []told
		groups := map[string]string{} // their organizations
		for _, f := range all {
			if !f.moved {
				continue
			}
			told = append(told, f.task.told(f.notes))
			if f.to.Ended() && f.task.run.GroupID != "" {
				groups[f.task.run.GroupID] = f.task.organization
			}
		}
		if err := s.tell(ctx, tx, told...); err != nil {
			return err
		}
		s.at("finishing")
		for _, group := range sorted(groups) {
			if err := s.leaveGroup(ctx, tx, groups[group], group); err != nil {
				return err
			}
		}
		return nil
	})
}

// storeEnds updates the rows of runs that this process still holds. A row that
// somebody was changing, such as one who wants the run cancelled, is one that a
// second statement sees.
func storeEnds(ctx context.Context, tx *database.Tx, all []*finish) error {
	query := finishSQLite
	if tx.Dialect().Name() == database.Postgres {
		query = finishPostgres
	}
	left := all
	for range 2 {
		rows := make([]finishRow, len(left))
		for i, f := range left {
			rows[i] = f.row
		}
		encoded, err := json.Marshal(rows)
		if err != nil {
			return fmt.Errorf("encode the ends of runs: %w", err)
		}
		var ids []string
		if err := tx.Select(ctx, &ids, query, string(encoded)); err != nil {
			return err
		}
		moved := make(map[string]bool, len(ids))
		for _, id := range ids {
			moved[id] = true
		}
		var others []*finish
		for _, f := range left {
			if f.moved = moved[f.row.ID]; !f.moved {
				others = append(others, f)
			}
		}
		if left = others; len(left) == 0 {
			break
		}
	}
	return nil
}

// finish stores how an attempt ended. Only the holder of the fence can.
func (s *Service) finish(ctx context.Context, t *Task, out outcome) {
	select {
	case t.turn <- struct{}{}: // a goroutine that the job left behind may be in Commit
		defer func() { <-t.turn }()
	case <-s.gaveUp:
		return
	}
	t.over.Store(true)
	err := out.err
	encoded, encodeErr := encode(out.result)
	if encodeErr != nil && err == nil {
		err = Permanent(fmt.Errorf("the result of the job cannot be stored: %w", encodeErr))
	}
	f := t.finishing(t.verdict(err), encoded)
	s.at("handled")
	// It is tried for as long as this process works and no other has taken the run
	// over, which the fence tells; after the lease others may.
	for began, pause := time.Now(), 20*time.Millisecond; ; pause = min(2*pause, time.Second) {
		s.finishes.ask(f)
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
	}
}

// finishing makes what is stored of an ending.
func (t *Task) finishing(e ending, result json.RawMessage) *finish {
	e.text, e.reason = cleanText(e.text, maxMessage), cleanText(e.reason, maxMessage)
	d := t.draft(false)
	f := &finish{task: t, to: e.to, notes: append(d.notes, t.lastNote(e)), row: finishRow{ID: t.run.ID, Fence: t.fence, Status: e.to,
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
		f.row.Result, f.row.Finished = result, t.s.now().UTC().Format(noteTime)
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
