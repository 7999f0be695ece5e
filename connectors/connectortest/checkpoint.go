package connectortest

import (
	"context"
	"errors"

	"github.com/google/go-cmp/cmp"
)

// same checks that an import has ended like one that was not disturbed.
func (x *suite) same(got outcome, format string, args ...any) {
	x.t.Helper()
	if diff := cmp.Diff(x.undisturbed.state, got.state); diff != "" {
		x.t.Fatalf(format+": %s", append(args, diff)...)
	}
}

// counted checks that it has counted the same as well.
func (x *suite) counted(got outcome, format string, args ...any) {
	x.t.Helper()
	x.same(got, format, args...)
	if diff := cmp.Diff(x.undisturbed.result.Streams, got.result.Streams); diff != "" {
		x.t.Fatalf(format+": %s", append(args, diff)...)
	}
}

// diesOnce has a process die at one commit after the other, before it and behind it in
// turn, and another one go on.
func (x *suite) diesOnce() {
	for n := 1; n <= x.commits; n++ {
		got := x.round(func(task *Task) *result {
			task.DieAt, task.After = n, n%2 == 0
			_, err := x.Engine.Import(context.Background(), task, x.Connection, x.files(), x.Options)
			if !errors.Is(err, ErrDied) {
				x.t.Fatalf("at commit %d: %v", n, err)
			}
			return x.must(task.Again(), x.files(), x.Options)
		})
		x.counted(got, "the process died at commit %d", n)
	}
}

// diesAlways has each process that goes on die too, as soon as it has got further:
// before the commit that follows, or right behind the one it made.
func (x *suite) diesAlways() {
	for _, behind := range []bool{false, true} {
		deaths := 0
		got := x.round(func(task *Task) *result {
			at, reached := 1, map[string]bool{}
			for {
				task.DieAt, task.After = at, behind
				r, err := x.Engine.Import(context.Background(), task, x.Connection, x.files(), x.Options)
				if err == nil {
					task.End("completed")
					return r
				}
				if !errors.Is(err, ErrDied) {
					x.t.Fatalf("after %d deaths: %v", deaths, err)
				}
				// One that begins anew each time comes one commit further with each.
				if deaths++; deaths > 4*x.commits*x.commits {
					x.t.Fatalf("it has died %d times and does not end; an import has %d commits", deaths, x.commits)
				}
				at++
				if !reached[string(task.Saved)] { // it has got further
					at, reached[string(task.Saved)] = 1, true
				}
				task = task.Again()
			}
		})
		x.counted(got, "it died %d times (behind the commit: %v)", deaths, behind)
		if deaths < x.commits/2 {
			x.t.Errorf("it died %d times only; an import has %d commits", deaths, x.commits)
		}
	}
}

// oddPositions are those that a later version of the connection may have stored: the
// import begins anew, and ends the same.
func (x *suite) oddPositions() {
	got := x.round(func(task *Task) *result {
		x.exec("UPDATE connection_state SET position = ? WHERE organization_id = ? AND stream NOT LIKE '#%'", `{"v":9999}`, x.organization)
		return x.must(task, x.files(), x.Options)
	})
	x.same(got, "positions of another version")
}
