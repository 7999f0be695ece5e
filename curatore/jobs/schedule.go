package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Schedule starts runs of a job at times of the day, by the database's clock:
// once for each time, however many processes have it.
type Schedule struct {
	Name string // unique among schedules: lower-case letters, digits, _ and -
	// Cron is five fields, minute to day of the week, such as "30 2 * * *", or one
	// of @hourly, @daily, @weekly, @monthly, @yearly; or a pause, such as "@every 90s".
	Cron string
	// Zone is an IANA time zone, such as "Europe/Berlin"; empty is UTC. Times that the
	// change to summer time leaves out are not fired, of those that come twice in
	// autumn the first is. A schedule for each hour, with * for it, fires in each hour
	// that passes.
	Zone   string
	Missed Missed // what happens to times at which no process worked
	// Options of its runs. Their UniqueKey is the schedule's name when it is empty:
	// while a run of it is live, no other is stored.
	Options Options
	// Organizations returns the organizations to start a run for; nil are all. When
	// it fails, nothing is fired, and it is asked again within Config.Poll.
	Organizations func(ctx context.Context, tx *database.Tx) (ids []string, err error)
}

// Missed is what happens when the time of a [Schedule] was more than a minute
// ago, or two Config.Poll when these are longer, because no process worked then.
type Missed int

// The policies for missed times.
const (
	FireOnce   Missed = iota // one run for all that were missed
	SkipMissed               // none; the next is that of the next time
)

// missedAfter is how late a schedule may be that is not called missed.
func (s *Service) missedAfter() time.Duration { return max(time.Minute, 2*s.poll) }

// maxScheduleName leaves room in the unique key of its runs.
const maxScheduleName = maxName - len(scheduleKey)

// scheduleKey stands before the name of a schedule in the unique key of its runs.
const scheduleKey = "schedule "

// schedulePrincipal is who has started the runs of schedules.
const schedulePrincipal = "schedule"

// A schedule is a Schedule and how to start its runs.
type schedule struct {
	Schedule
	when cron.Schedule
	zone *time.Location
	fire func(ctx context.Context, tx *database.Tx, scope content.Scope) error
}

// Schedule starts a run with args at the times of a schedule, in the processes
// that work on the job's queue. Mistakes are reported by [Service.Start].
func (t *Typed[A]) Schedule(declaration Schedule, args A) {
	sc := &schedule{Schedule: declaration}
	if sc.Options.UniqueKey == "" {
		sc.Options.UniqueKey = scheduleKey + sc.Name
	}
	sc.fire = func(ctx context.Context, tx *database.Tx, scope content.Scope) error {
		_, err := t.Enqueue(ctx, tx, scope, args, sc.Options)
		return err
	}
	_, err := config(t.j, args)
	t.s.schedule(sc, t.j, err)
}

// schedule adds a schedule, or remembers what is wrong with it, beside its arguments.
func (s *Service) schedule(sc *schedule, j *job, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := func(format string, args ...any) {
		s.mistakes = append(s.mistakes, fmt.Errorf("%w: schedule %q: "+format, append([]any{content.ErrInvalid, sc.Name}, args...)...))
	}
	if err != nil {
		wrong("%v", err)
	}
	if !nameForm.MatchString(sc.Name) || len(sc.Name) > maxScheduleName {
		wrong("a name begins with a lower-case letter and goes on with those, digits, _ and -")
	}
	if sc.when, err = parseCron(sc.Cron); err != nil {
		wrong(`%q is not a cron expression such as "30 2 * * *": %v`, sc.Cron, err)
	}
	if sc.zone, err = time.LoadLocation(sc.Zone); err != nil || sc.Zone == "Local" {
		wrong("there is no time zone %q; use a name such as Europe/Berlin", sc.Zone)
	}
	if o := sc.Options; o.ID != "" || o.After != "" || o.Group != "" || o.Parent != "" || !o.NotBefore.IsZero() {
		wrong("its Options have an id, a parent, a group or a time, which no run of it can share")
	}
	if err := sc.Options.check(); err != nil {
		wrong("%v", err)
	}
	for _, other := range s.schedules {
		if other.Name == sc.Name {
			wrong("it is declared twice; give one of them another name")
		}
	}
	switch {
	case s.state != idle:
		s.log.Error("a schedule is declared after the start, and is not heeded; declare it before", "schedule", sc.Name)
	case j.queue != nil && j.queue.here: // else its mistakes are known, or others work on it
		s.schedules = append(s.schedules, sc)
	}
}

// planSchedules stores when each schedule fires first, or, when its times were
// changed, next.
func (s *Service) planSchedules(ctx context.Context) error {
	if len(s.schedules) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := databaseTime(ctx, tx)
		if err != nil {
			return err
		}
		for _, sc := range s.schedules {
			next := sc.next(now)
			if next.IsZero() {
				return fmt.Errorf("%w: schedule %q: %q never comes", content.ErrInvalid, sc.Name, sc.Cron)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO job_schedules (name, cron, zone, next_at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
SET cron = excluded.cron, zone = excluded.zone, next_at = excluded.next_at WHERE job_schedules.cron <> excluded.cron OR job_schedules.zone <> excluded.zone`,
				sc.Name, sc.Cron, sc.Zone, tx.Dialect().Time(next)); err != nil {
				return fmt.Errorf("plan schedule %s: %w", sc.Name, err)
			}
		}
		return nil
	})
}

func databaseTime(ctx context.Context, tx *database.Tx) (now time.Time, err error) {
	err = tx.QueryRow(ctx, "SELECT "+tx.Dialect().Now()).Scan(database.ScanTime(&now))
	return now, err
}

// fireSchedules starts the runs of schedules whose time has come. One that fails
// does not keep others from it.
func (s *Service) fireSchedules(ctx context.Context) error {
	if len(s.schedules) == 0 {
		return nil
	}
	var due []string
	if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &due, "SELECT name FROM job_schedules WHERE next_at <= "+tx.Dialect().Now())
	}); err != nil {
		return fmt.Errorf("look for schedules: %w", err)
	}
	var errs []error
	for _, sc := range s.schedules {
		if !slices.Contains(due, sc.Name) {
			continue
		}
		if err := s.fireOne(ctx, sc); err != nil {
			errs = append(errs, fmt.Errorf("fire schedule %s: %w", sc.Name, err))
		}
	}
	return errors.Join(errs...)
}

// fireOne moves a schedule on, and starts its runs in the same transaction. Of
// several processes one moves it. A time that another version of the program has
// planned is left to that, unless it does not come to it.
func (s *Service) fireOne(ctx context.Context, sc *schedule) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if err := tx.Lock(ctx, "jobs schedule "+sc.Name); err != nil {
			return err
		}
		now, err := databaseTime(ctx, tx)
		if err != nil {
			return err
		}
		var planned time.Time
		var own bool
		if err := tx.QueryRow(ctx, "SELECT next_at, cron = ? AND zone = ? FROM job_schedules WHERE name = ?", sc.Cron, sc.Zone, sc.Name).
			Scan(database.ScanTime(&planned), &own); err != nil {
			return err
		}
		late := now.Sub(planned)
		missed := late > s.missedAfter()
		if late < 0 || !own && !missed {
			return nil
		}
		if _, err := tx.Exec(ctx, "UPDATE job_schedules SET next_at = ?, fired_at = ?, cron = ?, zone = ? WHERE name = ?",
			d.Time(sc.next(now)), d.Time(now), sc.Cron, sc.Zone, sc.Name); err != nil {
			return err
		}
		if missed && sc.Missed == SkipMissed {
			return nil
		}
		organizations, err := sc.organizations(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range organizations {
			if err := sc.fire(ctx, tx, s.authority.Mint(id, schedulePrincipal)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (sc *schedule) organizations(ctx context.Context, tx *database.Tx) (ids []string, err error) {
	if sc.Organizations != nil {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("its Organizations panicked: %v\n%s", v, debug.Stack())
			}
		}()
		return sc.Organizations(ctx, tx)
	}
	err = tx.Select(ctx, &ids, "SELECT id FROM organizations ORDER BY id")
	return ids, err
}
