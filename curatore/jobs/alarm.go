package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// An Alarm is something that somebody should look at. It is raised once, and
// again when it had ceased to hold.
type Alarm struct {
	Kind  AlarmKind
	Queue string
	Type  string // of the run; only for UnknownJob
	Label string // as it is stored with the run; only for UnknownJob
	RunID string // one of the runs concerned; may be empty
	Text  string // for people
}

// An AlarmKind is a kind of [Alarm].
type AlarmKind string

// The kinds of alarms.
const (
	UnknownJob AlarmKind = "unknown_job" // a run waits whose type no live process has
	TooOld     AlarmKind = "too_old"     // a run could begin, and has waited for Config.TooOld
	Unconsumed AlarmKind = "unconsumed"  // runs wait in a queue on which no live process works
)

// raise raises an alarm, unless it was raised before and still holds.
func (s *Service) raise(ctx context.Context, a Alarm) {
	key := string(a.Kind) + " " + a.Queue + " " + a.Type
	s.mu.Lock()
	known := s.alarmed[key]
	s.alarmed[key] = true
	s.mu.Unlock()
	if known {
		return
	}
	s.log.WarnContext(ctx, a.Text, "alarm", a.Kind, "queue", a.Queue, "type", a.Type, "run", a.RunID)
	if s.alarm == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "Config.Alarm panicked", "alarm", a.Kind, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	s.alarm(a)
}

// lookForAlarms raises what holds now and forgets what does not any more.
func (s *Service) lookForAlarms(ctx context.Context) error {
	var all []Alarm
	err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		unknown, err := s.unknownJobs(ctx, tx)
		if err != nil {
			return err
		}
		queues, err := s.health(ctx, tx)
		if err != nil {
			return err
		}
		all = unknown
		for _, h := range queues {
			switch {
			case h.Pending > 0 && len(h.Consumers) == 0:
				all = append(all, Alarm{Kind: Unconsumed, Queue: h.Queue, Text: fmt.Sprintf("%d runs wait in queue %s, on which no live process works", h.Pending, h.Label)})
			case h.OldestAge > s.tooOld:
				all = append(all, Alarm{Kind: TooOld, Queue: h.Queue, Text: fmt.Sprintf("a run has waited %s in queue %s", h.OldestAge.Round(time.Second), h.Label)})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for alarms: %w", err)
	}
	holds := map[string]bool{}
	for _, a := range all {
		holds[string(a.Kind)+" "+a.Queue+" "+a.Type] = true
	}
	s.mu.Lock()
	for key := range s.alarmed {
		if !holds[key] {
			delete(s.alarmed, key)
		}
	}
	s.mu.Unlock()
	for _, a := range all {
		s.raise(ctx, a)
	}
	return nil
}

// unknownJobs finds the types of runs that wait and that no live process has.
func (s *Service) unknownJobs(ctx context.Context, tx *database.Tx) (all []Alarm, err error) {
	live, err := consumers(ctx, tx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, group := range live {
		for _, c := range group {
			for _, t := range c.Types {
				known[t] = true
			}
		}
	}
	var rows []struct {
		Type  string `db:"type"`
		Queue string `db:"queue"`
		Label string `db:"label"`
		ID    string `db:"id"`
		N     int    `db:"n"`
	}
	if err := tx.Select(ctx, &rows, "SELECT type, queue, (SELECT label FROM runs WHERE runs.id = w.id) AS label, id, n FROM (SELECT type, queue, min(id) AS id, count(*) AS n FROM waiting_runs WHERE "+due(tx.Dialect())+" GROUP BY type, queue) AS w ORDER BY type, queue"); err != nil {
		return nil, err
	}
	for _, r := range rows {
		if known[r.Type] || len(live[r.Queue]) == 0 { // which is another alarm
			continue
		}
		all = append(all, Alarm{Kind: UnknownJob, Queue: r.Queue, Type: r.Type, Label: r.Label, RunID: r.ID,
			Text: fmt.Sprintf("%d runs wait for a process that knows the job %s, such as %q", r.N, r.Type, r.Label)})
	}
	return all, nil
}

// reportUnknown raises the alarm for a run that was delivered here and whose job
// this process does not have.
func (s *Service) reportUnknown(ctx context.Context, w waiting) {
	s.raise(ctx, Alarm{Kind: UnknownJob, Queue: w.Queue, Type: w.Type, Label: w.Label, RunID: w.ID,
		Text: fmt.Sprintf("a run waits for a process that knows the job %s: %q", w.Type, w.Label)})
}
