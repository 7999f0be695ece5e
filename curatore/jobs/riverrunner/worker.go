package riverrunner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/curatore/curatore-go/curatore/jobs"
)

// args are those of River's jobs.
type args struct {
	Run string `json:"run" river:"unique"`
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "curatore_run" }

// insertOptions keep a run from being added while it waits for a delivery.
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

// Work implements river.Worker. It returns when the delivery has begun.
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
		if err := r.deliver(job.Args.Run); err != nil && !errors.Is(err, jobs.ErrStopped) {
			r.log.Warn("a delivery failed; the run is dispatched again by the next sweep", "run", job.Args.Run, "error", err)
		}
	})
	return nil
}
