package localrunner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/jobstest"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	const why = "the Service of the other process finds the run in the table"
	jobstest.Run(t, jobstest.Config{New: func(*testing.T, *database.DB) jobs.Runner { return localrunner.New(localrunner.Config{}) },
		Lacks: map[jobstest.Capability]string{jobstest.Shared: why, jobstest.Kept: why}})
}

// One goroutine for a queue delivers in the order of the dispatches, and a run
// that waits is not added again.
func TestOrder(t *testing.T) {
	r := localrunner.New(localrunner.Config{PerQueue: 1})
	var got []string
	let, done := make(chan struct{}), make(chan struct{})
	if err := r.Start(t.Context(), func(_ context.Context, id string) error {
		<-let
		if got = append(got, id); id == "last" {
			close(done)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"first"}
	if err := r.Dispatch(t.Context(), "q", "first"); err != nil {
		t.Fatal(err)
	}
	let <- struct{}{} // "first" waits no longer, so the rest is not mixed up with it
	for i := range 10 {
		want = append(want, fmt.Sprint(i))
	}
	want = append(want, "last")
	for range 3 {
		if err := r.Dispatch(t.Context(), "q", want[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	close(let)
	<-done
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got = slices.Compact(got); !slices.Equal(got[:len(want)], want) {
		t.Errorf("delivered %v, want %v", got, want)
	}
}

// No more than PerQueue runs of a queue are at work.
func TestPerQueue(t *testing.T) {
	const limit = 3
	r := localrunner.New(localrunner.Config{PerQueue: limit})
	var now, most, all atomic.Int64
	done := make(chan struct{})
	if err := r.Start(t.Context(), func(context.Context, string) error {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		now.Add(-1)
		if all.Add(1) == 100 {
			close(done)
		}
		return errors.New("errors do not stop a goroutine")
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := r.Dispatch(t.Context(), "q", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	if most.Load() > limit {
		t.Errorf("%d runs at a time, want %d at most", most.Load(), limit)
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
