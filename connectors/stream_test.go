package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

// note is a type that the shop does not declare.
type note struct {
	content.Record
	Key  string `db:"note_key" content:"key"`
	Name string `db:"name" content:"title"`
}

func TestStreamsThatBreak(t *testing.T) {
	yields := func(give func(yield func(connectors.Record, error) bool)) func(context.Context, string) iter.Seq2[connectors.Record, error] {
		return func(context.Context, string) iter.Seq2[connectors.Record, error] { return give }
	}
	one := connectors.Record{Row: &customer{Key: "1", Name: "One"}}
	notes := content.Define(content.Spec[note]{Name: "note", Label: "Note"})
	for _, test := range []struct {
		name   string
		stream func(s *shop) connectors.Stream
		want   string
		stored int
	}{
		{"error in the middle", func(s *shop) connectors.Stream {
			return connectors.Stream{Type: s.typ("customer"), Read: yields(func(yield func(connectors.Record, error) bool) {
				if yield(one, nil) {
					yield(connectors.Record{}, errors.New("connection reset"))
				}
			})}
		}, "connection reset", 1},
		{"panic in the middle", func(s *shop) connectors.Stream {
			return connectors.Stream{Type: s.typ("customer"), Read: yields(func(yield func(connectors.Record, error) bool) {
				yield(one, nil)
				panic("index out of range")
			})}
		}, `reading customer panicked: index out of range; the event "panic" of the run has the stack`, 0},
		{"panic of Read", func(s *shop) connectors.Stream {
			return connectors.Stream{Type: s.typ("customer"), Read: func(context.Context, string) iter.Seq2[connectors.Record, error] { panic("no client") }}
		}, "reading customer panicked: no client", 0},
		{"panic of a record's Read", func(s *shop) connectors.Stream {
			var list []connectors.Record
			for i := range 10 {
				list = append(list, connectors.Record{Key: fmt.Sprint(i), Read: func() connectors.Record {
					if i == 7 {
						panic("nil pointer")
					}
					return connectors.Record{Row: &customer{Key: fmt.Sprint(i), Name: "x"}}
				}})
			}
			return s.stream("customer", true, list...)
		}, "reading customer panicked: nil pointer", 0},
		{"a type that is not declared", func(*shop) connectors.Stream {
			return connectors.Rows(notes, func(context.Context) iter.Seq2[*note, error] { return func(func(*note, error) bool) {} })
		}, "a stream gives note, which the connection does not declare among its Types", 0},
		{"rows of another type", func(s *shop) connectors.Stream {
			return s.stream("customer", true, one, connectors.Record{Row: &order{Key: "o"}})
		}, "invalid: the stream of customer gave a *connectors_test.order", 0},
		{"nil rows", func(s *shop) connectors.Stream {
			return connectors.Rows(s.typ("customer"), func(context.Context) iter.Seq2[*customer, error] {
				return func(yield func(*customer, error) bool) { yield(nil, nil) }
			})
		}, "invalid: the stream of customer gave a *connectors_test.customer", 0},
		{"a record that is none", func(s *shop) connectors.Stream {
			return connectors.Stream{Type: s.typ("customer"), Read: yields(func(yield func(connectors.Record, error) bool) { yield(connectors.Record{}, nil) })}
		}, "invalid: the stream of customer gave a record without Row, Read and Err", 0},
		{"a record whose Read gives nothing", func(s *shop) connectors.Stream {
			return s.stream("customer", true, connectors.Record{Key: "1", Read: func() connectors.Record { return connectors.Record{} }})
		}, `the stream of customer gave neither a row nor an error for "1"`, 0},
		{"a record whose Read gives another key", func(s *shop) connectors.Stream {
			return s.stream("customer", true, connectors.Record{Key: "1", Read: func() connectors.Record { return connectors.Record{Row: &customer{Key: "2"}} }})
		}, `the stream of customer gave the key "1", and a row with the key "2"`, 0},
		{"no type", func(s *shop) connectors.Stream { return connectors.Stream{Read: s.customers().Read} }, "stream 1 has no Type or no Read", 0},
		{"no Read", func(s *shop) connectors.Stream { return connectors.Stream{Type: s.typ("customer")} }, "stream 1 has no Type or no Read", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t, "sqlite", content.Orphan)
			_, task, err := s.load(connectors.Options{}, test.stream(s))
			if err == nil || !strings.Contains(err.Error(), "import shop: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %s", err, test.want)
			}
			if got := len(s.stored()); got != test.stored {
				t.Errorf("%d stored, want %d", got, test.stored)
			}
			if strings.Contains(test.want, "panicked") && !slices.ContainsFunc(task.Events, func(e string) bool { return strings.HasPrefix(e, "error panic: panic: ") }) {
				t.Errorf("events %q", task.Events)
			}
			// It deletes nothing, and the next import is as if nothing had happened.
			s.must(connectors.Options{}, s.customers(many(3)...))
		})
	}
}

// Records that are read late count with the bytes that they hold: a few huge ones
// are a batch, so that memory does not grow with them.
func TestBatchesOfHugeRecords(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	const records, size = 200, 1 << 19 // four of which fill a batch
	var given, read, most atomic.Int64
	stream := connectors.Stream{Type: s.typ("customer"), Read: func(context.Context, string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			for i := range records {
				most.Store(max(most.Load(), given.Add(1)-read.Load()))
				key := fmt.Sprint(i)
				if !yield(connectors.Record{Key: key, Size: size, Fingerprint: []byte(key), Position: number(i + 1), Read: func() connectors.Record {
					read.Add(1)
					return connectors.Record{Row: &customer{Key: key, Name: "x"}}
				}}, nil) {
					return
				}
			}
		}
	}}
	s.must(connectors.Options{}, stream)
	if n := most.Load(); read.Load() != records || n > 20 {
		t.Errorf("%d of %d records were held at once, %d were read", n, records, read.Load())
	}
}

func TestOpenThatBreaks(t *testing.T) {
	broken := errors.New("no such host")
	for _, test := range []struct {
		name string
		open func() (connectors.Session, error)
		want string
	}{
		{"error", func() (connectors.Session, error) { return nil, broken }, "import shop: no such host"},
		{"nothing", func() (connectors.Session, error) { return nil, nil }, "import shop: its Open returned neither a session nor an error"},
	} {
		s := newShop(t, "sqlite", content.Orphan, func(spec *connectors.Spec[settings]) {
			spec.Open = func(context.Context, connectors.Input[settings]) (connectors.Session, error) { return test.open() }
		})
		_, task, err := s.load(connectors.Options{})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
		if len(task.Events) != 0 {
			t.Errorf("%s: events %q", test.name, task.Events)
		}
	}
}

// closing is a session that tells when it is closed.
type closing struct {
	streams []connectors.Stream
	closed  *int
	err     error
}

func (c closing) Streams() []connectors.Stream { return c.streams }

func (c closing) Close() error { *c.closed++; return c.err }

func (c closing) Describe() map[string]any { return map[string]any{"encoding": "utf-8"} }

func TestSessionsAreClosed(t *testing.T) {
	closed := 0
	problem := errors.New("the file was removed")
	var session closing
	s := newShop(t, "sqlite", content.Orphan, func(spec *connectors.Spec[settings]) {
		spec.Open = func(context.Context, connectors.Input[settings]) (connectors.Session, error) { return session, nil }
	})
	session = closing{[]connectors.Stream{s.customers(many(3)...)}, &closed, nil}
	s.must(connectors.Options{})
	session.err = problem
	if _, _, err := s.load(connectors.Options{}); !errors.Is(err, problem) {
		t.Error(err)
	}
	session.streams = []connectors.Stream{{}}
	if _, _, err := s.load(connectors.Options{}); !errors.Is(err, problem) || !strings.Contains(err.Error(), "no Type") {
		t.Error(err)
	}
	if closed != 3 {
		t.Errorf("closed %d times", closed)
	}
}

func TestCancelledImport(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 10
		s.must(connectors.Options{}, s.customers(&customer{Key: "old", Name: "Old"}))
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		waits := make(chan struct{})
		all := many(100)
		task := s.task()
		s.streams = []connectors.Stream{{Type: s.typ("customer"), Read: func(ctx context.Context, _ string) iter.Seq2[connectors.Record, error] {
			return func(yield func(connectors.Record, error) bool) {
				for i, c := range all {
					if i == 55 {
						cancel(cause)
						<-ctx.Done() // a source that notices
						close(waits)
						yield(connectors.Record{}, context.Cause(ctx))
						return
					}
					if !yield(connectors.Record{Row: c, Position: number(i + 1)}, nil) {
						return
					}
				}
			}
		}}}
		_, err := s.engine.Import(ctx, task, s.conn, nil, connectors.Options{})
		if !errors.Is(err, cause) {
			t.Fatal(err)
		}
		<-waits
		// Whole batches are stored; nothing was deleted.
		stored := s.stored()
		if n := len(stored) - 1; n%10 != 0 || n > 50 || !slices.Contains(stored, "old") {
			t.Errorf("%d are stored", n)
		}
		task.End("cancelled")
		result, _ := s.must(connectors.Options{Force: true}, s.customers(all...))
		c := result.Streams["customer"]
		if int(c.Unchanged) != len(stored)-1 || c.Seen != 100 || c.Deleted != 1 {
			t.Errorf("%+v, stored before: %d", *c, len(stored))
		}
		if n := s.count("SELECT count(*) FROM customers WHERE indexed_at IS NULL AND deleted_at IS NULL"); n != 0 {
			t.Errorf("%d wait to be indexed", n)
		}
	})
}

// A stream is read ahead by little: a source that is fast does not fill memory
// while the database is slow.
func TestBackPressure(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	s.engine.BatchRecords = 10
	var commits atomic.Int64
	task := s.task()
	task.Committed = func() { commits.Add(1) }
	most := 0
	s.streams = []connectors.Stream{{Type: s.typ("customer"), Read: func(context.Context, string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			for i, c := range many(500) {
				most = max(most, i-10*int(commits.Load()))
				if !yield(connectors.Record{Row: c}, nil) {
					return
				}
			}
		}
	}}}
	if _, err := s.engine.Import(t.Context(), task, s.conn, nil, connectors.Options{}); err != nil {
		t.Fatal(err)
	}
	if most > 40 { // one batch is written, one waits, one is being filled
		t.Errorf("%d records are read ahead", most)
	}
}
