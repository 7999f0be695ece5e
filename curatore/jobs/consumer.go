package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// consume notes that this process works on its queues, and on which jobs.
func (s *Service) consume(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		for _, name := range sorted(s.queues) {
			q := s.queues[name]
			if !q.here {
				continue
			}
			types, err := json.Marshal(q.types)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO job_consumers (process, queue, types, host, since, lease_until) VALUES (?, ?, ?, ?, `+d.Now()+`, `+d.After()+`)
ON CONFLICT (process, queue) DO UPDATE SET lease_until = excluded.lease_until`, s.process, name, string(types), fmt.Sprintf("%s, process %d", host, os.Getpid()), s.lease.Seconds()); err != nil {
				return fmt.Errorf("note that this process works on queue %s: %w", name, err)
			}
		}
		s.consumed = time.Now()
		// Those that died are of no more use to anyone.
		_, err := tx.Exec(ctx, "DELETE FROM job_consumers WHERE lease_until < "+d.After(), -10*s.lease.Seconds())
		return err
	})
}

// stayConsumer renews that, in good time.
func (s *Service) stayConsumer(ctx context.Context) error {
	if time.Since(s.consumed) < s.lease/3 {
		return nil
	}
	return s.consume(ctx)
}

// leave notes that this process works no more.
func (s *Service) leave(ctx context.Context) error {
	// Short, also when ctx has ended: others need not wait for the lease.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM job_consumers WHERE process = ?", s.process)
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "other processes believe for some seconds that this one works", "error", err)
	}
	return nil
}

// A Consumer is a process that works on a queue.
type Consumer struct {
	Process string    `json:"process"` // an id
	Host    string    `json:"host"`    // where it runs, for people
	Types   []string  `json:"types"`   // of the jobs that it has for the queue
	Since   time.Time `json:"since"`   // UTC, of the database
}

// consumers reads the live ones by queue.
func consumers(ctx context.Context, tx *database.Tx) (map[string][]Consumer, error) {
	var rows []struct {
		Queue   string `db:"queue"`
		Process string `db:"process"`
		Host    string `db:"host"`
		Types   []byte `db:"types"`
		Since   any    `db:"since"`
	}
	if err := tx.Select(ctx, &rows, "SELECT queue, process, host, types, since FROM job_consumers WHERE lease_until >= "+tx.Dialect().Now()+" ORDER BY queue, since, process"); err != nil {
		return nil, err
	}
	all := map[string][]Consumer{}
	for _, r := range rows {
		c := Consumer{Process: r.Process, Host: r.Host}
		if err := json.Unmarshal(r.Types, &c.Types); err != nil {
			return nil, fmt.Errorf("the consumer %s of queue %s: %w", r.Process, r.Queue, err)
		}
		if err := database.ScanTime(&c.Since).Scan(r.Since); err != nil {
			return nil, err
		}
		all[r.Queue] = append(all[r.Queue], c)
	}
	return all, nil
}
