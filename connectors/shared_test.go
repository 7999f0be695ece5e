package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// newArchive opens a database with a connection whose records are files, and puts
// two files of another connection beside them.
func newArchive(t *testing.T, kind string) *shop {
	t.Helper()
	s := newShop(t, kind, content.Orphan, func(spec *connectors.Spec[settings]) {
		spec.Types = []*content.Type{asset.Type("shop"), asset.ResultType("shop")}
	})
	if err := s.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := s.store.Upsert(ctx, tx, s.scope, s.typ("asset"), store.Batch{Rows: []content.Row{archived("other", "1", "ok"), archived("other", "2", "ok")}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// archived is a file with an id, which was read with this outcome.
func archived(source, id, status string) *asset.Asset {
	return &asset.Asset{Key: asset.Key(source, id), Source: source, Path: id, File: asset.File{Filename: id, Text: "text of " + id, Extraction: asset.Extraction{Status: status}}}
}

func (s *shop) archive() []string {
	return s.texts(`SELECT a.asset_key, COALESCE(e.extraction_status, '') FROM assets a
LEFT JOIN extraction_results e ON e.asset_id = a.id AND e.deleted_at IS NULL WHERE a.deleted_at IS NULL ORDER BY a.asset_key`)
}

// A full sync of a type that connections share deletes the connection's own records
// alone, and what goes with a record is written and deleted with it.
func TestSharedTypes(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			s := newArchive(t, kind)
			give := func(ids ...string) connectors.Stream {
				var records []connectors.Record
				for _, id := range ids {
					records = append(records, connectors.Record{Row: archived("shop", id, "ok")})
				}
				return s.stream("asset", false, records...)
			}
			s.must(connectors.Options{}, give("a", "b", "c"))
			result, _ := s.must(connectors.Options{DryRun: true}, give("a", "b"))
			if n := *result.Streams["asset"]; n.Deleted != 1 || n.Unchanged != 2 || result.Streams["extraction_result"].Unchanged != 2 {
				t.Errorf("the dry run counts %+v, %+v", n, *result.Streams["extraction_result"])
			}
			result, _ = s.must(connectors.Options{}, give("a", "b"))
			if n := *result.Streams["asset"]; n.Deleted != 1 || result.Streams["extraction_result"].Deleted != 1 {
				t.Errorf("the sync counts %+v, %+v", n, *result.Streams["extraction_result"])
			}
			if d := cmp.Diff([]string{"other:1 | ", "other:2 | ", "shop:a | ok", "shop:b | ok"}, s.archive()); d != "" {
				t.Error(d)
			}
			// What is read with another outcome is a new result, though nothing else has changed.
			result, _ = s.must(connectors.Options{}, s.stream("asset", false, connectors.Record{Row: archived("shop", "a", "broken")}, connectors.Record{Row: archived("shop", "b", "ok")}))
			if n := *result.Streams["extraction_result"]; n.Updated != 1 || n.Unchanged != 1 {
				t.Errorf("%+v", n)
			}
			if d := cmp.Diff([]string{"other:1 | ", "other:2 | ", "shop:a | broken", "shop:b | ok"}, s.archive()); d != "" {
				t.Error(d)
			}
		})
	}
}

// A connection cannot write or delete what another one has, whatever it gives.
func TestSharedTypesOfOthers(t *testing.T) {
	s := newArchive(t, database.SQLite)
	stolen := archived("other", "1", "ok")
	posing := archived("shop", "1", "ok")
	posing.Source = "other"
	foreign := archived("shop", "1", "ok")
	foreign.Key = "other:1"
	before := s.archive()
	for name, r := range map[string]connectors.Record{
		"row": {Row: stolen}, "group": {Row: posing}, "key": {Row: foreign}, "tombstone": {Key: "other:1", Deleted: true},
		"failure": {Key: "other:1", Err: errors.New("cannot be read")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := s.load(connectors.Options{}, s.stream("asset", false, r)); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "is shared by several connections") {
				t.Errorf("got %v", err)
			}
			if d := cmp.Diff(before, s.archive()); d != "" {
				t.Error(d)
			}
		})
	}
}

// A run that dies anywhere and goes on has done and counted the same in the end.
func TestCompanionsAfterACrash(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		s := newArchive(t, kind)
		s.engine.BatchRecords = 3
		var records []connectors.Record
		for i := range 10 {
			records = append(records, connectors.Record{Row: archived("shop", fmt.Sprint(i%8), "ok")})
		}
		for _, numbered := range []bool{true, false} {
			var want []string
			for dieAt := 0; dieAt < 40; dieAt++ {
				s.exec("DELETE FROM extraction_results WHERE source = ?", "shop")
				s.exec("DELETE FROM assets WHERE source = ?", "shop")
				f := s.task()
				f.DieAt = dieAt
				s.streams = []connectors.Stream{s.stream("asset", numbered, records...)}
				result, err := s.engine.Import(t.Context(), f, s.conn, nil, connectors.Options{})
				if died := errors.Is(err, connectortest.ErrDied); died {
					result, err = s.engine.Import(t.Context(), f.Again(), s.conn, nil, connectors.Options{})
				} else if dieAt > 0 {
					f.End("completed")
					break
				}
				if err != nil {
					t.Fatal(dieAt, err)
				}
				f.End("completed")
				counts := func(name string) string {
					c := *result.Streams[name]
					return fmt.Sprintf("%s: %d seen, %d created, %d duplicates", name, c.Seen, c.Created, c.Duplicates)
				}
				got := append(s.archive(), counts("asset"), counts("extraction_result"))
				if want == nil {
					want = got
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s, numbered %v, dead at commit %d: %s", kind, numbered, dieAt, d)
				}
			}
		}
	}
}
