package jobs

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Queue is where runs wait for their turn: those of the highest priority
// first, of these the oldest. Its zero values are useful: a queue without limits
// whose runs are tried once.
type Queue struct {
	Name        string // such as "salesforce": lower-case letters, digits, _ and -
	Label       string // for people; empty means the name
	Description string
	Icon        string // one of content.Icons, or empty
	Color       string // one of content.Colors, or empty

	// Concurrency is how many runs of the queue work at a time, in all processes
	// together and for all organizations, PerProcess how many in one. 0 means any
	// number.
	Concurrency int
	PerProcess  int

	Timeout  time.Duration // of one attempt of a job that sets none; 0 means any time
	Retry    Retry         // of a job that sets none
	NoCancel bool          // its runs cannot be cancelled
	NoReplay bool          // its runs that failed cannot be tried again by hand
}

// A Retry says how often a run that fails is tried, and how long it waits in
// between: Backoff after the first failure, twice as long after each further
// one, up to MaxBackoff. Of each wait a random part, up to half, is left out, so
// that runs which failed together do not come back together.
type Retry struct {
	MaxAttempts int           // 0 and 1 mean that a run is tried once
	Backoff     time.Duration // 0 means 10 seconds
	MaxBackoff  time.Duration // 0 means 15 minutes
}

// A Job declares a kind of work: how it looks in a list of jobs and how it is
// run. What it does is given to [Register].
type Job struct {
	Type         string   // stored in runs, so it must not change: lower-case letters, digits, _ and -
	Aliases      []string // earlier Types: their runs are runs of this job
	Label        string   // for people, such as "Salesforce import"; empty means the type
	Icon         string   // one of content.Icons, or empty
	Color        string   // one of content.Colors, or empty
	Queue        string   // the name of a declared Queue, or of a built-in one
	ResourceType string   // what Run.ResourceID is the id of, such as "connection"; may be empty
	Children     bool     // it starts runs of its own
	Phases       []string // that Progress names, in their order; may be empty
	Completed    string   // the message of success, before the run's label; empty means Label and " completed"
	Failed       string   // the message of failure; empty means Label and " failed"

	// Timeout is how long one attempt may take before its context is cancelled.
	// 0 means the queue's.
	Timeout time.Duration
	// Retry is in place of the queue's, unless it is zero.
	Retry Retry
	// Resumable says that the job, started again with its checkpoint, goes on
	// where it left off. A run whose process ended then waits to go on, in any
	// process that has the job. A run of another job is marked failed, unless its
	// Retry allows another attempt.
	Resumable bool
	// Accept reports whether this process can work on a run that waits, such as
	// one whose input it holds; a run that it refuses goes on waiting, for
	// another process. It is asked inside a transaction each time the run is
	// found, so it must be quick and not use the database. Nil accepts all.
	Accept func(run Run) bool
}

// named returns the declaration with the defaults of what is for people.
func (j Job) named() Job {
	j.Label = cmp.Or(j.Label, j.Type)
	j.Completed = cmp.Or(j.Completed, j.Label+" completed")
	j.Failed = cmp.Or(j.Failed, j.Label+" failed")
	return j
}

// declared returns the declaration of a type, of one that this process does not know
// by its name.
func (s *Service) declared(typ string) *Job {
	if j := s.byType[typ]; j != nil {
		return &j.Job
	}
	unknown := Job{Type: typ}.named()
	return &unknown
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// checkQueues returns every mistake in the declarations of queues.
func checkQueues(queues []Queue) (mistakes []error) {
	seen := map[string]bool{}
	for _, q := range queues {
		wrong := func(format string, args ...any) {
			mistakes = append(mistakes, fmt.Errorf("%w: queue %q: "+format, append([]any{content.ErrInvalid, q.Name}, args...)...))
		}
		switch {
		case !nameForm.MatchString(q.Name) || len(q.Name) > maxName:
			wrong("a name begins with a lower-case letter and goes on with those, digits, _ and -")
			continue
		case seen[q.Name]:
			wrong("it is declared twice; give one of them another name")
			continue
		}
		seen[q.Name] = true
		if q.Concurrency < 0 || q.PerProcess < 0 {
			wrong("its concurrency is negative; 0 means any number")
		}
		if q.Timeout < 0 {
			wrong("its time-out is %s; 0 means any time", q.Timeout)
		}
		checkRetry(q.Retry, wrong)
		checkLooks(q.Icon, q.Color, wrong)
	}
	return mistakes
}

// check returns every mistake in the declaration of a job.
func (j *Job) check(queues map[string]*queue) (mistakes []error) {
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%w: job %q: "+format, append([]any{content.ErrInvalid, j.Type}, args...)...))
	}
	all := append([]string{j.Type}, j.Aliases...)
	for i, name := range all {
		if slices.Contains(all[:i], name) {
			wrong("the type %q is named twice; leave one out", name)
		}
		if !nameForm.MatchString(name) || len(name) > maxName {
			wrong("the type %q does not begin with a lower-case letter and go on with those, digits, _ and -", name)
		}
	}
	if queues[j.Queue] == nil {
		wrong("there is no queue %q; declared are %s", j.Queue, names(queues))
	}
	if j.Timeout < 0 {
		wrong("its time-out is %s; 0 means that of its queue", j.Timeout)
	}
	for i, phase := range j.Phases {
		if phase == "" || slices.Contains(j.Phases[:i], phase) {
			wrong("the phase %q is empty or comes twice", phase)
		}
	}
	checkRetry(j.Retry, wrong)
	checkLooks(j.Icon, j.Color, wrong)
	return mistakes
}

func checkRetry(r Retry, wrong func(string, ...any)) {
	if r.MaxAttempts < 0 || r.Backoff < 0 || r.MaxBackoff < 0 {
		wrong("its Retry has a negative value; 0 means the default")
	}
}

func checkLooks(icon, color string, wrong func(string, ...any)) {
	if icon != "" && !slices.Contains(content.Icons(), icon) {
		wrong("there is no icon %q; use one of %s", icon, strings.Join(content.Icons(), ", "))
	}
	if color != "" && !slices.Contains(content.Colors(), color) {
		wrong("there is no color %q; use one of %s", color, strings.Join(content.Colors(), ", "))
	}
}

// A job is a Job as the Service knows it.
type job struct {
	Job
	queue  *queue
	handle func(ctx context.Context, task *Task) (any, error) // nil: only other processes work on it
}

// timeout is how long one attempt may take; 0 is any time.
func (j *job) timeout() time.Duration { return cmp.Or(j.Timeout, j.queue.Timeout) }

// retry is the policy of the job or of its queue, with the defaults filled in.
func (j *job) retry() Retry {
	r := j.Retry
	if r == (Retry{}) {
		r = j.queue.Retry
	}
	return Retry{max(r.MaxAttempts, 1), cmp.Or(r.Backoff, 10*time.Second), cmp.Or(r.MaxBackoff, 15*time.Minute)}
}

// names lists the keys of a map for a message.
func names[T any](m map[string]T) string {
	if len(m) == 0 {
		return "none"
	}
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
