package riverrunner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"regexp"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/curatore/curatore-go/curatore/jobs"
)

// args are those of River's jobs: runs of one queue.
type args struct {
	Runs []string `json:"runs"`
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "curatore_run" }

// batches cuts what is dispatched at once into River's jobs. Few runs go one by
// one, so that processes share them; of many it takes a fiftieth, since a job of
// River's costs as much as a run. The same runs make the same jobs, which are not
// added again while they wait.
func batches(runs []string) iter.Seq[[]string] {
	return slices.Chunk(runs, 1+len(runs)/50)
}

// insertOptions keep a job from being added while one like it waits.
func insertOptions(queue string) *river.InsertOpts {
	return &river.InsertOpts{Queue: queue, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled}}}
}

var riverForm = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)

// riverName is what River calls a queue: its own name, unless River does not take
// it.
func riverName(queue string) string {
	if len(queue) <= 60 && riverForm.MatchString(queue) {
		return queue
	}
	sum := sha256.Sum256([]byte(queue))
	return "curatore-" + hex.EncodeToString(sum[:16])
}

// soon repeats at once what a process that stopped has given back.
type soon struct{}

func (soon) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Second) }

// A worker hands runs over to goroutines of this process.
type worker struct {
	river.WorkerDefaults[args]
	r *Runner
}

// patience is how long a run waits here for a place before it is offered to other
// processes again, and pause how long until then.
const (
	patience = 5 * time.Second
	pause    = time.Second
)

// Work implements river.Worker. It returns when the deliveries have begun.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	r := w.r
	r.mu.Lock()
	l, ended := r.lanes[job.Queue], r.ended
	r.mu.Unlock()
	if l == nil {
		return errors.New("this process does not listen to the queue")
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for _, run := range job.Args.Runs {
		if err := w.hand(ctx, l, ended, timer, run); err != nil {
			return err // those that were handed over are not harmed by another delivery
		}
	}
	return nil
}

// hand begins the delivery of a run when there is a place for it.
func (w *worker) hand(ctx context.Context, l *lane, ended context.Context, timer *time.Timer, run string) error {
	r := w.r
	select {
	case l.places <- struct{}{}:
	case <-timer.C:
		return river.JobSnooze(pause)
	case <-ended.Done():
		return river.JobSnooze(0)
	case <-ctx.Done():
		return river.JobSnooze(0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		<-l.places
		return river.JobSnooze(0)
	}
	r.work.Go(func() {
		defer func() { <-l.places }()
		if err := r.deliver(run); err != nil && !errors.Is(err, jobs.ErrStopped) {
			r.log.Warn("a delivery failed; the run is dispatched again by the next sweep", "run", run, "error", err)
		}
	})
	return nil
}
