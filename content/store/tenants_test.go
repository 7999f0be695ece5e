//go:build !race

package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/content/store/storetest"
)

// A tenant is an organization in a database, alone or beside another one, with a
// clock and ids that depend on nothing but what it does.
type tenant struct {
	*storetest.World
	ids  int
	tick int
}

// act makes the tenant's clock and ids those of the store.
func (o *tenant) act() *tenant {
	o.Store.NewID = func() string { o.ids++; return fmt.Sprintf("id-%06d", o.ids) }
	o.Store.Now = func() time.Time {
		o.tick++
		return time.Date(2026, 1, 1, 0, 0, o.tick, 0, time.UTC)
	}
	return o
}

// dump returns everything that the organization has, but for its id.
func (o *tenant) dump(t *testing.T) (lines []string) {
	t.Helper()
	ctx := context.Background()
	o.Write(t, func(ctx context.Context, tx *database.Tx) error {
		for _, typ := range o.Store.Registry().Types() {
			rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT id, instance, created_at, title_key, updated_at, deleted_at, indexed_at, row_hash, document_hash, %q, %q FROM %q WHERE organization_id = ? ORDER BY id`,
				typ.Key().Name, typ.Parent().Name, typ.Table()), o.ID(t))
			if err != nil {
				return err
			}
			for rows.Next() {
				values, dest := make([]any, 11), make([]any, 11)
				for i := range values {
					dest[i] = &values[i]
				}
				if err := rows.Scan(dest...); err != nil {
					return err
				}
				lines = append(lines, fmt.Sprint(typ.Name(), values))
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	stats, err := o.Store.Stats(ctx, o.Scope, o.Company)
	if err != nil {
		t.Fatal(err)
	}
	return append(lines, fmt.Sprint(stats))
}

// step does one random thing and tells what came of it.
func (o *tenant) step(t *testing.T, g generator) string {
	t.Helper()
	ctx := context.Background()
	o.act()
	types := o.Store.Registry().Types()
	typ := types[g.IntN(len(types))]
	key := func() string { return fmt.Sprint("k", g.IntN(12)) }
	say := func(v ...any) string { return fmt.Sprintln(append([]any{typ.Name()}, v...)...) }
	switch op := g.IntN(10); op {
	case 0, 1, 2, 3, 4:
		b := store.Batch{Instance: g.of("", "", "two"), Version: g.IntN(8) / 7}
		for range 1 + g.IntN(6) {
			row := typ.New()
			for _, f := range typ.Fields() {
				if f.Has(content.Key) || f.Name == "above" || f.Name == "parent_key" {
					f.Set(row, key())
				} else if f.Kind == content.String && f.Imported() && !f.Has(content.Key) {
					f.Set(row, g.of("a", "b", "c"))
				}
			}
			b.Rows = append(b.Rows, row)
		}
		return say("upsert", o.Batch(t, typ, b))
	case 5, 6:
		n, err := o.Store.ResolveLinks(ctx, o.Scope, typ, g.of("", "two"), o.DB.Write)
		return say("links", n, err)
	case 7:
		all, err := o.Store.IDs(ctx, o.Scope, typ)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, id := range all {
			if g.IntN(3) == 0 {
				ids = append(ids, id)
			}
		}
		var would, did store.Deletion
		o.Write(t, func(ctx context.Context, tx *database.Tx) error {
			if would, err = o.Store.WouldDelete(ctx, tx, o.Scope, typ, ids); err != nil {
				return err
			}
			did, err = o.Store.Delete(ctx, tx, o.Scope, typ, ids)
			return err
		})
		describe := func(d store.Deletion) (s string) {
			for _, p := range d.ByParent {
				s += fmt.Sprint(p.Type.Name(), p.IDs)
			}
			return s + fmt.Sprint(d.Deleted, len(d.Blocked), " blocked ", d.Blocked)
		}
		if describe(would) != describe(did) {
			t.Errorf("would delete %s, did %s", describe(would), describe(did))
		}
		return say("delete", describe(did))
	case 8:
		n, err := o.Store.Purge(ctx, o.Scope, typ, time.Date(2026, 1, 1, 0, 0, max(o.tick-30, 0), 0, time.UTC), o.DB.Write)
		return say("purge", n, err)
	default:
		keys := o.Index(t, typ)
		slices.Sort(keys)
		return say("index", keys)
	}
}

// Two organizations in one database are as if each had a database of its own.
func TestTwoOrganizationsAreLikeTwoDatabases(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			together := storetest.Open(t, databasetest.Open(t, kind))
			pairs := [2][2]*tenant{}
			for i := range pairs {
				pairs[i] = [2]*tenant{{World: together.Fresh(t)}, {World: storetest.Open(t, databasetest.Open(t, kind))}}
			}
			pick := rand.New(rand.NewPCG(8, 9))
			log := ""
			for i := range 600 {
				which, seed := pick.IntN(2), pick.Uint64()
				beside := pairs[which][0].step(t, generator{rand.New(rand.NewPCG(seed, 1))})
				alone := pairs[which][1].step(t, generator{rand.New(rand.NewPCG(seed, 1))})
				log += fmt.Sprint(which, " ", beside)
				if beside != alone {
					t.Fatalf("step %d of organization %d: beside another one %s, alone %s", i, which, beside, alone)
				}
				if i%20 == 0 {
					for j, p := range pairs {
						if d := gocmp.Diff(p[1].act().dump(t), p[0].act().dump(t)); d != "" {
							t.Fatalf("after step %d organization %d differs (-alone +beside another):\n%s", i, j, d)
						}
					}
				}
			}
			for _, word := range []string{"links 1", "delete ", "purge 1", "purge 2", "index [k", "1 blocked [", "2 blocked [", "id-0"} {
				if !strings.Contains(log, word) {
					t.Errorf("the steps never came to %q", word)
				}
			}
		})
	}
}

// A full sync of 100,000 keys takes seconds.
func TestSeenIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it stores tens of thousands of records")
	}
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		w := storetest.Open(t, db)
		const total, batch = 100_000, 1000
		run := w.Run(t)
		var set store.Seen
		for i := 0; i < total; i += batch {
			rows := make([]content.Row, batch)
			for j := range rows {
				rows[j] = &storetest.Folder{Node: storetest.Node{Key: fmt.Sprintf("key %09d", i+j), Name: "x"}}
			}
			w.Put(t, w.Folder, rows...)
		}
		began := time.Now()
		for i := 0; i < total; i += batch {
			var keys []string
			for j := range batch {
				if (i+j)%10 > 0 {
					keys = append(keys, fmt.Sprintf("key %09d", i+j))
				}
			}
			var again []string
			if set, again = w.See(t, run, w.Folder, int64(i), keys...); len(again) != 0 {
				t.Fatal(again)
			}
		}
		added := time.Since(began)
		live, unseen, err := w.Store.Unseen(ctx, w.Scope, w.Folder, "", set)
		if err != nil || live != total || unseen != total/10 {
			t.Fatal(live, unseen, err)
		}
		looked := time.Since(began)
		n := 0
		if err := w.Store.EachUnseen(ctx, w.Scope, w.Folder, "", set, 500, func(ctx context.Context, ids []string) error {
			n += len(ids)
			return w.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				_, err := w.Store.Delete(ctx, tx, w.Scope, w.Folder, ids)
				return err
			})
		}); err != nil || n != total/10 {
			t.Fatal(n, err)
		}
		deleted := time.Since(began)
		for more := true; more; {
			w.Write(t, func(ctx context.Context, tx *database.Tx) (err error) {
				more, err = set.Drop(ctx, tx)
				return err
			})
		}
		took := time.Since(began)
		t.Logf("keys added after %v, compared after %v, deleted after %v, dropped after %v", added, looked, deleted, took)
		if took > 15*time.Second {
			t.Errorf("%v for a sync of %d keys", took, total)
		}
	})
}
