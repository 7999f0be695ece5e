package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

// A log of changes, each at a time. Pulling gives those of a window, both ends
// included, in the order of their times.
type changeLog struct {
	entries []logged
	windows []string
	breakAt int // the record at which the connection is lost; 0 is none
}

type logged struct {
	at  time.Time
	key string
}

func (l *changeLog) pull(s *shop, state string) connectors.Stream {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return connectors.Pull{Type: s.typ("customer"), Start: start, LookBack: 10 * time.Minute, Now: func() time.Time { return s.clock }, State: state,
		Read: func(_ context.Context, w connectors.Window, from string) iter.Seq2[connectors.Record, error] {
			l.windows = append(l.windows, fmt.Sprintf("%s-%s at %q", w.From.Format("02 15:04"), w.To.Format("02 15:04"), from))
			return func(yield func(connectors.Record, error) bool) {
				skip, _ := strconv.Atoi(from)
				n := 0
				for _, e := range l.entries {
					if e.at.Before(w.From) || e.at.After(w.To) {
						continue
					}
					if n++; n <= skip {
						continue
					}
					if n == l.breakAt {
						yield(connectors.Record{}, errors.New("connection reset"))
						return
					}
					if !yield(connectors.Record{Row: &customer{Key: e.key, Name: e.key}, Position: number(n)}, nil) {
						return
					}
				}
			}
		}}.Stream()
}

// Records that share the time of the cursor, or come late, are not lost, and
// nothing is read twice for good.
func TestPull(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 2
		l := &changeLog{}
		add := func(at time.Time, keys ...string) {
			for _, k := range keys {
				l.entries = append(l.entries, logged{at, k})
			}
			slices.SortStableFunc(l.entries, func(a, b logged) int { return a.at.Compare(b.at) })
		}
		ten := s.clock.Add(time.Hour) // when the first import runs
		add(ten.Add(-time.Hour), "a", "b")
		add(ten, "c")
		s.must(connectors.Options{}, l.pull(s, "x"))
		add(ten, "d")                      // at the very time of the cursor
		add(ten.Add(-5*time.Minute), "e")  // committed late
		add(ten.Add(-30*time.Minute), "f") // too late for any look-back
		result, _ := s.must(connectors.Options{}, l.pull(s, "x"))
		if n := result.Streams["customer"]; n.Seen != 3 || n.Created != 2 || n.Unchanged != 1 {
			t.Errorf("%+v", *n)
		}
		result, _ = s.must(connectors.Options{}, l.pull(s, "x"))
		if n := result.Streams["customer"]; n.Seen != 0 {
			t.Errorf("nothing new: %+v", *n)
		}
		// Other filters: all of it again.
		result, _ = s.must(connectors.Options{}, l.pull(s, "y"))
		if n := result.Streams["customer"]; n.Seen != 6 || n.Created != 1 {
			t.Errorf("other filters: %+v", *n)
		}
		want := []string{`01 00:00-01 10:00 at ""`, `01 09:50-01 11:00 at ""`, `01 10:50-01 12:00 at ""`, `01 00:00-01 13:00 at ""`}
		if d := cmp.Diff(want, l.windows); d != "" {
			t.Error(d)
		}
		// A window that breaks off is read on, with its old bound, and then the next.
		l.windows = nil
		add(s.clock.Add(20*time.Minute), "g", "h", "i", "j", "k")
		l.breakAt = 4
		if _, _, err := s.load(connectors.Options{}, l.pull(s, "y")); err == nil {
			t.Error("it did not break off")
		}
		l.breakAt = 0
		result, _ = s.must(connectors.Options{}, l.pull(s, "y"))
		if n := result.Streams["customer"]; n.Created != 2 || len(s.stored()) != 11 {
			t.Errorf("read on: %+v, %v", *n, s.stored())
		}
		want = []string{`01 12:50-01 14:00 at ""`, `01 12:50-01 14:00 at "3"`, `01 13:50-01 15:00 at ""`}
		if d := cmp.Diff(want, l.windows); d != "" {
			t.Error(d)
		}
		s.exec("UPDATE connection_state SET position = 'nonsense' WHERE stream = 'customer'")
		if _, _, err := s.load(connectors.Options{}, l.pull(s, "y")); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	})
}
