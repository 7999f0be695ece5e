package connectortest

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-cmp/cmp"
)

// maxCancelled is about how many commits an import is cancelled at.
const maxCancelled = 6

// cancel ends imports at one commit after the other.
func (x *suite) cancel() {
	enough := errors.New("enough")
	step := max(3, (x.commits+maxCancelled-1)/maxCancelled)
	for n := 1; n <= x.commits; n += step {
		got := x.round(func(task *Task) *result {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			task.Before = func(commit int) {
				if commit == n {
					cancel(enough)
				}
			}
			_, err := x.Engine.Import(ctx, task, x.Connection, x.files(), x.Options)
			if !errors.Is(err, enough) {
				x.t.Fatalf("cancelled at commit %d: %v", n, err)
			}
			task.End("cancelled")
			return x.must(x.Task(), x.files(), x.Options)
		})
		if diff := cmp.Diff(withoutFailures(x.undisturbed.state), withoutFailures(got.state)); diff != "" {
			x.t.Fatalf("cancelled at commit %d, then imported: %s", n, diff)
		}
	}
}

// cancelledInRequest ends imports while the service hangs.
func (x *suite) cancelledInRequest() {
	enough := errors.New("enough")
	x.sample(4, func(n int) bool {
		var spoilt *bool
		got := x.round(func(task *Task) *result {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			spoilt = x.only(n, func(req *http.Request) (*http.Response, error) {
				cancel(enough)
				<-req.Context().Done() // the service hangs
				return nil, req.Context().Err()
			})
			_, err := x.Engine.Import(ctx, task, x.Connection, x.files(), x.Options)
			x.spoiler.set(nil)
			if *spoilt && !errors.Is(err, enough) {
				x.t.Errorf("cancelled in request %d: %v", n, err)
			}
			task.End("cancelled")
			return x.must(x.Task(), x.files(), x.Options)
		})
		if *spoilt {
			x.same(got, "cancelled in request %d", n)
		}
		return *spoilt
	})
}

func (x *suite) shuffled() {
	got := x.round(func(task *Task) *result {
		x.Shuffle()
		return x.must(task, x.files(), x.Options)
	})
	x.same(got, "in another order")
}
