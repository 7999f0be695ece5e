package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

// changes is an incremental stream over a log of changes, which notes from where
// it was read.
func (s *shop) changes(log []connectors.Record, from *[]string) connectors.Stream {
	stream := s.stream("customer", true, log...)
	read := stream.Read
	stream.Mode = connectors.Incremental
	stream.Read = func(ctx context.Context, position string) iter.Seq2[connectors.Record, error] {
		*from = append(*from, position)
		return read(ctx, position)
	}
	return stream
}

func TestIncrementalStreams(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 10
		var from []string
		log := rows(many(25)...)
		result, _ := s.must(connectors.Options{}, s.changes(log, &from))
		if diff := cmp.Diff(&connectors.Counts{Seen: 25, Created: 25, Indexed: 25}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		// Only what has changed since; nothing is deleted but by a tombstone.
		log = append(log, connectors.Record{Row: &customer{Key: "c00001", Name: "Changed"}}, tombstone("c00002"))
		result, _ = s.must(connectors.Options{Force: true}, s.changes(log, &from))
		if diff := cmp.Diff(&connectors.Counts{Seen: 1, Updated: 1, Deleted: 1, Indexed: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		// A dry run reads the same and keeps the position.
		log = append(log, connectors.Record{Row: &customer{Key: "new", Name: "New"}})
		s.must(connectors.Options{DryRun: true}, s.changes(log, &from))
		// Another instance begins at the beginning.
		s.must(connectors.Options{Instance: "other"}, s.changes(log[:3], &from))
		s.must(connectors.Options{}, s.changes(log, &from))
		s.must(connectors.Options{}, s.changes(log, &from))
		if want := []string{"", "25", "27", "", "27", "28"}; !slices.Equal(from, want) {
			t.Errorf("read from %q, want %q", from, want)
		}
		if got := s.texts("SELECT instance, stream, position FROM connection_state WHERE stream NOT LIKE '#%' ORDER BY 1"); !slices.Equal(got, []string{" | customer | 28", "other | customer | 3"}) {
			t.Errorf("positions %q", got)
		}
	})
}

// The position is that of what is stored: an import that breaks off goes on
// behind its last batch, and one that resumes goes on where the run was.
func TestIncrementalStreamsThatBreakOff(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 10
		var from []string
		log := rows(many(35)...)
		log[27].Position = nil
		task := s.task()
		task.DieAt = 4 // the turn, two batches, and the third
		s.streams = []connectors.Stream{s.changes(log, &from)}
		_, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{})
		if !errors.Is(err, connectortest.ErrDied) {
			t.Fatal(err)
		}
		stored := len(s.stored())
		if stored == 0 || stored == 35 {
			t.Fatalf("%d are stored", stored)
		}
		if kind == "sqlite" { // the run goes on
			if _, err := s.engine.Import(context.Background(), task.Again(), s.conn, nil, connectors.Options{}); err != nil {
				t.Fatal(err)
			}
		} else { // it has failed; the next run begins where it ended
			task.End("failed")
			s.must(connectors.Options{}, s.changes(log, &from))
		}
		if want := []string{"", fmt.Sprint(stored)}; !slices.Equal(from, want) {
			t.Errorf("read from %q, want %q", from, want)
		}
		if n := len(s.stored()); n != 35 {
			t.Errorf("%d are stored", n)
		}
	})
}

// What is handed over has its place within its run: the run goes on there after a
// crash, the next one begins at its beginning, and nothing goes for being absent.
func TestPush(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 10
		var from []string
		push := func(log []connectors.Record) connectors.Stream {
			stream := s.changes(log, &from)
			stream.Mode = connectors.Push
			return stream
		}
		task := s.task()
		task.DieAt = 4 // the turn, two batches, and the third
		s.streams = []connectors.Stream{push(rows(many(35)...))}
		if _, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{}); !errors.Is(err, connectortest.ErrDied) {
			t.Fatal(err)
		}
		result, err := s.engine.Import(context.Background(), task.Again(), s.conn, nil, connectors.Options{})
		if err != nil {
			t.Fatal(err)
		}
		task.End("completed")
		if diff := cmp.Diff(&connectors.Counts{Seen: 35, Created: 35, Indexed: 35}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		s.must(connectors.Options{Force: true}, push(rows(many(3)...)))
		if want := []string{"", "20", ""}; !slices.Equal(from, want) {
			t.Errorf("read from %q, want %q", from, want)
		}
		if n := len(s.stored()); n != 35 {
			t.Errorf("%d are stored", n)
		}
		if got := s.texts("SELECT stream, position FROM connection_state WHERE stream NOT LIKE '#%'"); len(got) > 0 {
			t.Errorf("positions are kept: %q", got)
		}
	})
}
