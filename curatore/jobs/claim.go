package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/curatore/curatore-go/content/database"
)

// deliver works on a run unless it is at work elsewhere, has ended, or has to
// wait. It is what a Runner calls.
func (s *Service) deliver(ctx context.Context, id string) error {
	if ctx.Err() != nil { // it comes too late to begin anything
		return context.Cause(ctx)
	}
	if cleanText(id, maxName) != id {
		return nil // no run has such an id, and in one statement it would spoil the claims of others
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if !s.hold(id, cancel) {
		cancel(nil)
		return nil
	}
	c := &claim{id: id}
	s.claims.ask(c)
	if c.run == nil {
		s.release(id)
		cancel(nil)
		if c.err != nil {
			return fmt.Errorf("claim run %s: %w", id, c.err)
		}
		return nil
	}
	s.at("claimed")
	s.run(ctx, cancel, c.run)
	return nil
}

// A claim asks to be the one that works on a run.
type claim struct {
	id  string
	run *record // the run, when it is claimed
	err error
}

// claimAll makes this process the one that works on some runs: those that wait,
// that it knows and accepts, and for which their queues have places.
func (s *Service) claimAll(claims []*claim) {
	ctx, cancel := context.WithTimeout(context.Background(), s.lease)
	defer cancel()
	byID := map[string]*claim{}
	ids := make([]string, len(claims))
	for i, c := range claims {
		byID[c.id], ids[i] = c, c.id
	}
	easy := s.claimEasy(ctx, ids)
	for _, r := range easy {
		byID[r.ID].run = r
	}
	if len(easy) == len(ids) {
		return
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return byID[id].run != nil })
	var claimed []*record
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if err := tx.PlanOnce(ctx); err != nil {
			return err
		}
		claimed, err = s.tryClaim(ctx, tx, ids)
		return err
	})
	if err != nil {
		s.giveBack(claimed)
		for _, id := range ids {
			byID[id].err = err
		}
		return
	}
	for _, r := range claimed {
		byID[r.ID].run = r
	}
}

// giveBack frees the places of runs that were not claimed after all.
func (s *Service) giveBack(runs []*record) {
	for _, r := range runs {
		s.queues[r.Queue].giveBack(1)
	}
}

// A waiting run might be claimed.
type waiting struct {
	ID    string `db:"id"`
	Queue string `db:"queue"`
	Type  string `db:"type"`
	Label string `db:"label"`
}

// tryClaim claims what can be claimed. It has taken places in this process for
// the runs that it returns.
func (s *Service) tryClaim(ctx context.Context, tx *database.Tx, ids []string) ([]*record, error) {
	found, err := s.waiting(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	byQueue := map[string][]string{}
	for _, w := range found {
		if q := s.queues[w.Queue]; q != nil && !q.here {
			continue // a Runner of this process has brought it, which only enqueues such
		}
		j := s.byType[w.Type]
		if j == nil || j.handle == nil || s.queues[w.Queue] == nil {
			tx.AfterEnd(func(bool) { s.reportUnknown(ctx, w) }) // who hears it may use the database
			continue
		}
		byQueue[w.Queue] = append(byQueue[w.Queue], w.ID)
	}
	var chosen []string
	took := map[string]int{}
	for _, name := range sorted(byQueue) {
		n, err := s.places(ctx, tx, s.queues[name], len(byQueue[name]))
		if err != nil {
			s.giveBackPlaces(took)
			return nil, err
		}
		took[name] = n
		chosen = append(chosen, byQueue[name][:n]...)
	}
	if len(chosen) == 0 {
		return nil, nil
	}
	claimed, err := s.takeUp(ctx, tx, chosen, "TRUE")
	if err != nil {
		s.giveBackPlaces(took)
		return nil, err
	}
	for _, r := range claimed {
		took[r.Queue]--
	}
	s.giveBackPlaces(took) // of runs that somebody else was faster to claim
	left := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.Contains(chosen, id)
	})
	if len(claimed) == len(chosen) || len(left) == 0 {
		return claimed, nil
	}
	more, err := s.tryClaim(ctx, tx, left) // for the places that were given back
	if err != nil {
		s.giveBack(claimed)
		return nil, err
	}
	return append(claimed, more...), nil
}

// claimEasy claims, in one statement without a transaction around it, the runs of
// queues without limits whose jobs accept every run. Whatever goes wrong, the others
// are left to who claims them in a transaction.
func (s *Service) claimEasy(ctx context.Context, ids []string) (claimed []*record) {
	if len(s.easyQueues) == 0 {
		return nil
	}
	err := s.db.AutoCommit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		queues, queueArg := anyOf(tx.Dialect(), "queue", s.easyQueues)
		types, typeArg := anyOf(tx.Dialect(), "type", s.easyTypes)
		claimed, err = s.takeUp(ctx, tx, ids, queues+" AND "+types, queueArg, typeArg)
		return err
	})
	if err != nil {
		s.log.DebugContext(ctx, "runs could not be claimed in one statement; a transaction tries", "error", err)
		return nil
	}
	for _, r := range claimed {
		s.queues[r.Queue].take(1)
	}
	return claimed
}

func (s *Service) giveBackPlaces(took map[string]int) {
	for name, n := range took {
		s.queues[name].giveBack(n)
	}
}

// waiting reads which of some runs wait to be claimed, and can be in this process.
// It holds none: another process would pass over a run that this one then leaves to
// it, and nobody would claim it before the next sweep.
func (s *Service) waiting(ctx context.Context, tx *database.Tx, ids []string) (found []waiting, err error) {
	const order = " ORDER BY priority DESC, created_at, id"
	if !s.picky {
		table, arg := oneByOne(tx.Dialect(), "id, queue, type, label, priority, created_at", ids, ready(tx.Dialect()), "")
		err = tx.Select(ctx, &found, "SELECT id, queue, type, label FROM "+table+order, arg)
		return found, err
	}
	table, arg := oneByOne(tx.Dialect(), columns, ids, ready(tx.Dialect()), "")
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM "+table+order, arg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r record
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		if j := s.byType[r.Type]; j != nil && !s.accepts(ctx, j, r.Run) {
			continue
		}
		found = append(found, waiting{r.ID, r.Queue, r.Type, r.Label})
	}
	return found, rows.Err()
}

// accepts asks the job. One that panics refuses, or it would end the program each
// time that the run is found.
func (s *Service) accepts(ctx context.Context, j *job, run Run) (is bool) {
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "the Accept of a job panicked; this process leaves the run to others", "type", j.Type, "run", run.ID, "panic", v, "stack", string(debug.Stack()))
			is = false
		}
	}()
	return j.Accept == nil || j.Accept(run)
}

// places takes places of a queue for up to n runs, and returns how many.
func (s *Service) places(ctx context.Context, tx *database.Tx, q *queue, n int) (int, error) {
	if q.Concurrency > 0 {
		// Who has the lock sees all claims before its own, so the count is exact.
		if err := tx.Lock(ctx, "jobs queue "+q.Name); err != nil {
			return 0, err
		}
		working, err := q.running(ctx, tx)
		if err != nil {
			return 0, err
		}
		n = max(0, min(n, q.Concurrency-working))
	}
	return q.take(n), nil
}

// takeUp moves those of some runs from pending to running that can begin now and
// meet a condition. Those that others are claiming at this moment are left out.
func (s *Service) takeUp(ctx context.Context, tx *database.Tx, ids []string, where string, args ...any) (claimed []*record, err error) {
	if err := Pending.check(Running); err != nil {
		return nil, err
	}
	d := tx.Dialect()
	these, arg := takenOneByOne(d, ids, ready(d)+" AND "+where)
	rows, err := tx.Query(ctx, `UPDATE runs SET status = 'running', attempt = attempt + 1, fence = fence + 1, not_before = NULL,
started_at = COALESCE(started_at, ?), lease_until = `+d.After()+` `+these+` RETURNING `+columns, append([]any{d.Time(s.now()), s.lease.Seconds(), arg}, args...)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var r record
	places := r.places()
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		one := r
		claimed = append(claimed, &one)
	}
	return claimed, rows.Err()
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
