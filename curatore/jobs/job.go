package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Queue is where runs wait for their turn, the oldest first.
type Queue struct {
	Name  string // such as "salesforce": lower-case letters, digits, _ and -
	Label string // for people; empty means the name
	// Concurrency is how many runs of the queue work at a time, in all processes
	// together and for all organizations. 0 means any number.
	Concurrency int
}

// A Job is a kind of work.
type Job struct {
	Type  string // stored in runs, so it must not change: lower-case letters, digits, _ and -
	Label string // for people, such as "Salesforce import"; empty means the type
	Queue string // the name of a registered Queue
	// Timeout is how long one attempt may take before its context is cancelled.
	// 0 means any time.
	Timeout time.Duration
	// Resumable says that Handle, started again with its checkpoint, goes on
	// where it left off. A run whose process ended then waits to go on, in any
	// process that has the job; a run of another job is marked failed.
	Resumable bool
	// Accept reports whether this process can work on a run that waits, such as
	// one whose input it holds; a run that it refuses goes on waiting, for
	// another process. It is asked inside a transaction each time the run is
	// found, so it must be quick and not use the database. Nil accepts all.
	Accept func(run Run) bool
	// Handle does the work. What it returns as result is encoded as JSON and
	// kept, also beside an error. It runs again after a crash if Resumable, so
	// effects belong into [Task.Commit]. It should return soon after its context
	// is cancelled. A panic in it fails the run and nothing else.
	Handle func(ctx context.Context, task *Task) (result any, err error)
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// checkDeclarations returns the queues and jobs by name, or every mistake in
// them.
func checkDeclarations(queues []Queue, jobs []Job) (map[string]*Queue, map[string]*Job, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%w: "+format, append([]any{content.ErrInvalid}, args...)...))
	}
	byName := map[string]*Queue{}
	for _, q := range queues {
		switch {
		case !nameForm.MatchString(q.Name) || len(q.Name) > maxName:
			wrong("queue %q: a name begins with a lower-case letter and goes on with those, digits, _ and -", q.Name)
			continue
		case byName[q.Name] != nil:
			wrong("queue %q is declared twice; give one of them another name", q.Name)
			continue
		case q.Concurrency < 0:
			wrong("queue %q: its concurrency is %d; 0 means any number", q.Name, q.Concurrency)
		}
		q.Label = cmp.Or(q.Label, q.Name)
		byName[q.Name] = &q
	}
	byType := map[string]*Job{}
	for _, j := range jobs {
		switch {
		case !nameForm.MatchString(j.Type) || len(j.Type) > maxName:
			wrong("job %q: a type begins with a lower-case letter and goes on with those, digits, _ and -", j.Type)
			continue
		case byType[j.Type] != nil:
			wrong("job %q is declared twice; give one of them another type", j.Type)
			continue
		}
		if byName[j.Queue] == nil {
			wrong("job %q: there is no queue %q; declared are %s", j.Type, j.Queue, names(byName))
		}
		if j.Handle == nil {
			wrong("job %q has no Handle", j.Type)
		}
		if j.Timeout < 0 {
			wrong("job %q: its time-out is %s; 0 means any time", j.Type, j.Timeout)
		}
		j.Label = cmp.Or(j.Label, j.Type)
		byType[j.Type] = &j
	}
	return byName, byType, errors.Join(mistakes...)
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
