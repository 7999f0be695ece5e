package jobs

import (
	"context"
	"fmt"
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
	// of @hourly, @daily, @weekly, @monthly.
	Cron string
	// Zone is an IANA time zone, such as "Europe/Berlin"; empty is UTC. Of times
	// that the change to summer time leaves out nothing is fired, of those that
	// come twice in autumn one is.
	Zone   string
	Missed Missed // what happens to times at which no process worked
	// Options of its runs. Their UniqueKey is the schedule's name when it is empty:
	// while a run of it is live, no other is stored.
	Options Options
	// Organizations returns the organizations to start a run for; nil are all.
	Organizations func(ctx context.Context, tx *database.Tx) (ids []string, err error)
}

// Missed is what happens when the time of a [Schedule] was more than a minute
// ago, because no process worked then.
type Missed int

// The policies for missed times.
const (
	FireOnce   Missed = iota // one run for all that were missed
	SkipMissed               // none; the next is that of the next time
)

// missedAfter is how late a schedule may be that is not called missed.
const missedAfter = time.Minute

// cronForm is the form of Schedule.Cron.
var cronForm = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

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
		sc.Options.UniqueKey = "schedule " + sc.Name
	}
	sc.fire = func(ctx context.Context, tx *database.Tx, scope content.Scope) error {
		_, err := t.Enqueue(ctx, tx, scope, args, sc.Options)
		return err
	}
	t.s.schedule(sc, t.j)
}

func (s *Service) schedule(sc *schedule, j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := func(format string, args ...any) {
		s.mistakes = append(s.mistakes, fmt.Errorf("%w: schedule %q: "+format, append([]any{content.ErrInvalid, sc.Name}, args...)...))
	}
	var err error
	if !nameForm.MatchString(sc.Name) || len(sc.Name) > maxName {
		wrong("a name begins with a lower-case letter and goes on with those, digits, _ and -")
	}
	if sc.when, err = cronForm.Parse(sc.Cron); err != nil {
		wrong(`%q is not a cron expression such as "30 2 * * *": %v`, sc.Cron, err)
	}
	if sc.zone, err = time.LoadLocation(sc.Zone); err != nil || sc.Zone == "Local" {
		wrong("there is no time zone %q; use a name such as Europe/Berlin", sc.Zone)
	}
	if sc.Options.After != "" || sc.Options.Group != "" || sc.Options.Parent != "" || !sc.Options.NotBefore.IsZero() {
		wrong("its Options have a parent, a group or a time, which no run of it can share")
	}
	if err := sc.Options.check(); err != nil {
		wrong("%v", err)
	}
	for _, other := range s.schedules {
		if other.Name == sc.Name {
			wrong("it is declared twice; give one of them another name")
		}
	}
	if s.state != idle {
		wrong("it is declared after the start, when nobody asks for it")
	}
	if j.queue == nil {
		return // its mistakes are known
	}
	if j.queue.here {
		s.schedules = append(s.schedules, sc)
	}
}

// next is the first time of a schedule after a moment. It is zero when there is
// none within some years.
func (sc *schedule) next(after time.Time) time.Time { return sc.when.Next(after.In(sc.zone)).UTC() }

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

// fireSchedules starts the runs of schedules whose time has come.
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
	for _, name := range due {
		for _, sc := range s.schedules {
			if sc.Name != name {
				continue
			}
			if err := s.fireOne(ctx, sc); err != nil {
				return fmt.Errorf("fire schedule %s: %w", name, err)
			}
		}
	}
	return nil
}

// fireOne moves a schedule on, and starts its runs in the same transaction. Of
// several processes one moves it.
func (s *Service) fireOne(ctx context.Context, sc *schedule) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if err := tx.Lock(ctx, "jobs schedule "+sc.Name); err != nil {
			return err
		}
		var planned time.Time
		if err := tx.QueryRow(ctx, "SELECT next_at FROM job_schedules WHERE name = ?", sc.Name).Scan(database.ScanTime(&planned)); err != nil {
			return err
		}
		now, err := databaseTime(ctx, tx)
		if err != nil || planned.After(now) {
			return err // another process was faster
		}
		if _, err := tx.Exec(ctx, "UPDATE job_schedules SET next_at = ?, fired_at = ? WHERE name = ?", d.Time(sc.next(now)), d.Time(now), sc.Name); err != nil {
			return err
		}
		if sc.Missed == SkipMissed && now.Sub(planned) > missedAfter {
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
		return sc.Organizations(ctx, tx)
	}
	err = tx.Select(ctx, &ids, "SELECT id FROM organizations ORDER BY id")
	return ids, err
}
