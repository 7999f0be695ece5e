package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// ahead is how many runs of a queue are dispatched at a time, so that a long
// queue stays in the table and not in memory, and a run of high priority does
// not stand behind a long one.
const ahead = 500

// A queue is a Queue with what this process knows about it.
type queue struct {
	Queue
	types []string // of the jobs that this process works on
	picky bool     // one of them has an Accept
	here  bool     // this process works on it

	feeding sync.Mutex // one search of the table at a time
	mu      sync.Mutex
	working int  // runs at work here
	waiting int  // dispatched by the last search and not ended yet, at most
	more    bool // the last search left runs behind
}

// limit is how many of its runs this process works on at most; 0 is any number.
func (q *queue) limit() int {
	switch {
	case q.PerProcess == 0:
		return q.Concurrency
	case q.Concurrency == 0:
		return q.PerProcess
	}
	return min(q.PerProcess, q.Concurrency)
}

// busy reports whether it is better not to dispatch n more runs of the queue now:
// this process takes all places of it, or others wait that come first.
func (q *queue) busy(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.here && (q.more || q.waiting+n > 2*ahead) {
		return true
	}
	return q.limit() > 0 && q.working >= q.limit()
}

// take takes up to n places in this process and returns how many.
func (q *queue) take(n int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.PerProcess > 0 {
		n = max(0, min(n, q.PerProcess-q.working))
	}
	q.working += n
	return n
}

// giveBack frees places whose runs did not begin.
func (q *queue) giveBack(n int) {
	q.mu.Lock()
	q.working -= n
	q.mu.Unlock()
}

// end counts a run out and reports whether it is time to look for others: each
// time where places are few, else when half of what was dispatched is done.
func (q *queue) end() (hungry bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.working--
	q.waiting = max(0, q.waiting-1)
	if q.limit() > 0 {
		return true
	}
	hungry = q.more && q.waiting < ahead/2
	q.more = q.more && !hungry // one search is enough
	return hungry
}

// free is how many runs of the queue are worth dispatching, by what this process
// knows.
func (q *queue) free() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.limit() == 0 {
		return ahead
	}
	return max(0, min(ahead, q.limit()-q.working))
}

// running counts the runs of a queue at work in all processes.
func (q *queue) running(ctx context.Context, tx *database.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM working_runs WHERE queue = ?`, q.Name).Scan(&n)
	return n, err
}

// due is the condition that one of the waiting_runs can be claimed now.
func due(d database.Dialect) string { return "(not_before IS NULL OR not_before <= " + d.Now() + ")" }

// ready is the same of a row of runs.
func ready(d database.Dialect) string { return "status = 'pending' AND " + due(d) }

// feed dispatches the runs that come first in a queue, as many as it has places
// for.
func (s *Service) feed(ctx context.Context, q *queue) error {
	if !q.here || len(q.types) == 0 {
		return nil
	}
	q.feeding.Lock()
	defer q.feeding.Unlock()
	places := q.free()
	if places == 0 {
		return nil
	}
	var ids []string
	look := func(ctx context.Context, tx *database.Tx) error {
		if q.Concurrency > 0 {
			n, err := q.running(ctx, tx)
			if err != nil {
				return err
			}
			places = min(places, q.Concurrency-n)
		}
		if places <= 0 {
			return nil
		}
		types, arg := anyOf(tx.Dialect(), "type", q.types)
		if q.picky { // some of the first ones may be for another process
			places = min(ahead, places+50)
		}
		return tx.Select(ctx, &ids, "SELECT id FROM waiting_runs WHERE queue = ? AND "+due(tx.Dialect())+" AND "+types+
			" ORDER BY priority DESC, created_at, id LIMIT ?", q.Name, arg, places)
	}
	err := s.db.Peek(ctx, look)
	if errors.Is(err, content.ErrBusy) { // perhaps the connection was lost long ago
		places, ids = q.free(), nil
		err = s.db.Read(ctx, look)
	}
	if err != nil {
		return fmt.Errorf("look for runs in queue %s: %w", q.Name, err)
	}
	q.mu.Lock()
	q.waiting, q.more = len(ids), len(ids) == places
	q.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	if err := s.askFor(ctx, q.Name, ids); err != nil {
		return fmt.Errorf("dispatch runs of queue %s: %w", q.Name, err)
	}
	return nil
}
