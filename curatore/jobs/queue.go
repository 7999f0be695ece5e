package jobs

import (
	"context"
	"fmt"
	"sync"

	"github.com/curatore/curatore-go/content/database"
)

// ahead is how many runs of an unlimited queue are dispatched at a time, so that
// a long queue stays in the table and not in memory.
const ahead = 1000

// A queue is a Queue with what this process knows about it.
type queue struct {
	Queue
	types  []any  // of its jobs, to bind
	oldest string // the query for the runs to dispatch

	feeding sync.Mutex // one search of the table at a time
	mu      sync.Mutex
	working int  // runs at work here
	waiting int  // dispatched by the last search and not ended yet, at most
	more    bool // the last search left runs behind
}

func newQueue(q Queue, jobs map[string]*Job) *queue {
	full := &queue{Queue: q}
	for _, j := range jobs {
		if j.Queue == q.Name {
			full.types = append(full.types, j.Type)
		}
	}
	// SQLite uses the partial index only when its condition stands in the query.
	full.oldest = `SELECT id FROM runs WHERE queue = ? AND status IN ('pending', 'running') AND status = 'pending' AND type IN (` +
		database.Placeholders(len(full.types)) + `) ORDER BY created_at, id LIMIT ?`
	return full
}

// full reports whether this process alone takes all places of the queue.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.Concurrency > 0 && q.working >= q.Concurrency
}

func (q *queue) begin() {
	q.mu.Lock()
	q.working++
	q.mu.Unlock()
}

// end counts a run out and reports whether it is time to look for others: each
// time where places are few, else when half of what was dispatched is done.
func (q *queue) end() (hungry bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.working--
	q.waiting--
	if q.Concurrency > 0 {
		return true
	}
	hungry = q.more && q.waiting < ahead/2
	q.more = q.more && !hungry // one search is enough
	return hungry
}

// running counts the runs of a queue at work in all processes.
func (q *queue) running(ctx context.Context, tx *database.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM runs WHERE queue = ? AND status IN ('pending', 'running') AND status = 'running'`, q.Name).Scan(&n)
	return n, err
}

// feed dispatches the oldest runs that wait in a queue, as many as it has places
// for.
func (s *Service) feed(ctx context.Context, q *queue) error {
	if len(q.types) == 0 {
		return nil
	}
	q.feeding.Lock()
	defer q.feeding.Unlock()
	var ids []string
	places := ahead
	err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		if q.Concurrency > 0 {
			n, err := q.running(ctx, tx)
			if err != nil {
				return err
			}
			places = min(ahead, q.Concurrency-n)
		}
		if places <= 0 {
			return nil
		}
		return tx.Select(ctx, &ids, q.oldest, append(append([]any{q.Name}, q.types...), places)...)
	})
	if err != nil {
		return fmt.Errorf("look for runs in queue %s: %w", q.Name, err)
	}
	q.mu.Lock()
	q.waiting, q.more = len(ids), len(ids) == places
	q.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	if err := s.runner.Dispatch(ctx, q.Name, ids...); err != nil {
		return fmt.Errorf("dispatch runs of queue %s: %w", q.Name, err)
	}
	return nil
}
