package curatore_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// What a file is called is no part of its key, and no name fails an import.
func TestOddNames(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		store := newRemote(t)
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind), Objects: store, EnqueueOnly: true})
		org := organization(t, c, "acme")
		ofIDs := regexp.MustCompile(`^[0-9a-f-]{36}/salesforce/imports/[0-9a-f-]{36}/0$`)
		for _, name := range []string{"", "..", "../../etc/passwd", "a\x00b.zip", "\xff\xfe.zip", strings.Repeat("日", 5000), "a\nb\r.zip", "\u202egpj.zip", `"><script>.zip`, "'; DROP TABLE runs; --", strings.Repeat("%", 300)} {
			run, err := org.Import(t.Context(), "salesforce", connectors.File{Name: name, Reader: strings.NewReader("x"), ContentType: name})
			if err != nil {
				t.Errorf("%.40q: %v", name, err)
				continue
			}
			all := keys(t, store)
			if len(all) != 1 || !ofIDs.MatchString(all[0]) || !strings.Contains(all[0], run.ID()) {
				t.Fatalf("%.40q: keys %q", name, all)
			}
			info, err := store.Stat(t.Context(), all[0])
			if err != nil || info.Filename != blob.CleanFilename(name) {
				t.Errorf("%.40q: it is called %q, %v", name, info.Filename, err)
			}
			if err := run.Cancel(t.Context(), "seen"); err != nil {
				t.Fatal(err)
			}
			empty(t, store)
		}
	})
}

// A reader that fails, panics, lies about its size or has no end stores neither a
// run nor an object, and Import returns.
func TestOddReaders(t *testing.T) {
	store := newRemote(t)
	c := open(t, curatore.Config{Database: databasetest.DSN(t, "sqlite"), Objects: store, EnqueueOnly: true})
	org := organization(t, c, "acme")
	mistake := errors.New("as the test wants it")
	for name, test := range map[string]struct {
		connectors.File
		want error
	}{
		"fails":            {connectors.File{Reader: io.MultiReader(strings.NewReader("some"), iotest.ErrReader(mistake))}, mistake},
		"fails anywhere":   {connectors.File{ReaderAt: failsAt{mistake}, Size: 100}, mistake},
		"panics":           {connectors.File{Reader: panics{}}, nil},
		"too few":          {connectors.File{Reader: strings.NewReader("some"), Size: 5}, content.ErrInvalid},
		"too many":         {connectors.File{Reader: strings.NewReader("some"), Size: 3}, content.ErrInvalid},
		"no end":           {connectors.File{Reader: io.MultiReader(io.LimitReader(endless{}, 8<<20), iotest.ErrReader(mistake)), Size: 1 << 20}, content.ErrInvalid},
		"nothing at all":   {connectors.File{}, content.ErrInvalid},
		"less than that":   {connectors.File{Reader: strings.NewReader(""), Size: -1}, content.ErrInvalid},
		"no end, no size":  {connectors.File{Reader: endless{}}, context.DeadlineExceeded},
		"never gives any":  {connectors.File{Reader: idleReader{}}, context.DeadlineExceeded},
		"an hour for each": {connectors.File{Reader: iotest.OneByteReader(endless{})}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.Background(), context.CancelFunc(func() {})
			if errors.Is(test.want, context.DeadlineExceeded) {
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			}
			defer cancel()
			func() {
				defer func() {
					if r := recover(); (r != nil) != (test.want == nil) {
						t.Errorf("it panicked: %v", r)
					}
				}()
				test.Name = "second"
				if _, err := org.Import(ctx, "salesforce", connectors.File{Name: "first", Reader: strings.NewReader("first")}, test.File); !errors.Is(err, test.want) {
					t.Errorf("%v, want %v", err, test.want)
				}
			}()
			if left := keys(t, store); len(left) > 0 {
				t.Errorf("objects are left: %v", left)
			}
		})
	}
	if runs, err := org.Runs(t.Context(), jobs.Query{}); err != nil || len(runs.Runs) > 0 {
		t.Errorf("%d runs, %v", len(runs.Runs), err)
	}
}

type (
	failsAt    struct{ err error }
	panics     struct{}
	endless    struct{}
	idleReader struct{}
)

func (f failsAt) ReadAt([]byte, int64) (int, error) { return 0, f.err }
func (panics) Read([]byte) (int, error)             { panic("as the test wants it") }
func (endless) Read(p []byte) (int, error)          { return len(p), nil }
func (idleReader) Read([]byte) (int, error)         { return 0, nil }

// A brittle store fails its n-th call, before or after it did what it was asked
// for: answers get lost.
type brittle struct {
	blob.Store
	calls, failAt atomic.Int64
	down          atomic.Bool // each call fails
	after         bool
}

func (b *brittle) fails(do func()) error {
	fails := b.calls.Add(1) == b.failAt.Load() || b.down.Load()
	if !fails || b.after {
		do()
	}
	if fails {
		return blob.ErrUnavailable
	}
	return nil
}

func (b *brittle) Put(ctx context.Context, key string, r io.Reader, o blob.PutOptions) (info blob.Info, err error) {
	lost := b.fails(func() { info, err = b.Store.Put(ctx, key, r, o) })
	return info, errors.Join(err, lost)
}

func (b *brittle) Get(ctx context.Context, key string, r blob.Range) (body io.ReadCloser, info blob.Info, err error) {
	if err := b.fails(func() { body, info, err = b.Store.Get(ctx, key, r) }); err != nil {
		if body != nil {
			_ = body.Close()
		}
		return nil, info, err
	}
	return body, info, err
}

func (b *brittle) Delete(ctx context.Context, all ...string) (err error) {
	lost := b.fails(func() { err = b.Store.Delete(ctx, all...) })
	return errors.Join(err, lost)
}

func (b *brittle) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := b.fails(func() {}); err != nil {
			yield(blob.Info{}, err)
			return
		}
		b.Store.List(ctx, prefix, after)(yield)
	}
}

// Whichever call of the object store fails during an import, the caller is told
// or the import completes; and nothing is left behind the next start.
func TestEveryStoreCallMayFail(t *testing.T) {
	parts := []connectors.File{part(1, accountsCSV(someAccounts(3)...)), part(2, accountsCSV(account(3, "Account 3")))}
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			needed := int64(1)
			for n := int64(1); n <= needed; n++ {
				store, dsn := &brittle{Store: newRemote(t), after: after}, databasetest.DSN(t, "sqlite")
				store.failAt.Store(n)
				session := func(do func(org *curatore.Organization)) {
					c, err := curatore.Open(t.Context(), curatore.WithPatience(curatore.Config{Database: dsn, Objects: store, SpillDir: t.TempDir()}, 20*time.Millisecond), salesforce.New())
					if err != nil {
						t.Fatal(err)
					}
					do(organization(t, c, "acme"))
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}
				session(func(org *curatore.Organization) {
					run, err := org.Import(t.Context(), "salesforce", parts...)
					if err != nil {
						if !errors.Is(err, blob.ErrUnavailable) {
							t.Errorf("call %d: %v", n, err)
						}
						if left := keys(t, store); len(left) > 0 {
							t.Errorf("call %d: the import was refused, and these objects are left: %v", n, left)
						}
						return
					}
					if ended := whenEnded(t, org, run.ID()); ended.Status != jobs.Completed {
						t.Errorf("call %d: %s: %s", n, ended.Status, ended.Error)
					}
					if page, err := org.List(t.Context(), "salesforce_account", curatore.ListQuery{Total: true}); err != nil || page.Total != 4 {
						t.Errorf("call %d: %d accounts, %v", n, page.Total, err)
					}
				})
				needed = max(needed, min(store.calls.Load(), 20))
				store.failAt.Store(0)
				session(func(*curatore.Organization) { empty(t, store.Store) })
			}
			if needed < 5 {
				t.Errorf("%d calls", needed)
			}
		})
	}
}

// A database that is away when the run is to be stored leaves no object, although
// nobody can be asked whether there is such a run.
func TestDatabaseAwayAtTheHandOver(t *testing.T) {
	var away atomic.Bool
	store, down := newRemote(t), errors.New("the database is away")
	c := open(t, curatore.WithHooks(curatore.Config{Database: databasetest.DSN(t, "sqlite"), Objects: store, EnqueueOnly: true}, nil, 0, func(statement string) error {
		if strings.Contains(statement, "INSERT INTO runs") {
			away.Store(true)
		}
		if away.Load() {
			return down
		}
		return nil
	}))
	org := organization(t, c, "acme")
	_, err := org.Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x"))))
	away.Store(false)
	if !errors.Is(err, down) {
		t.Errorf("%v, want %v", err, down)
	}
	if left := keys(t, store); len(left) > 0 {
		t.Errorf("objects are left: %v", left)
	}
}

// The runs of imports and reindexings tell what they are of.
func TestResources(t *testing.T) {
	c := open(t, curatore.Config{Database: databasetest.DSN(t, "sqlite"), EnqueueOnly: true})
	org := organization(t, c, "acme")
	imported, err := org.Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x"))))
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := org.ReplayFailures(t.Context(), "salesforce", connectors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reindexed, err := org.Reindex(t.Context(), "salesforce_account")
	if err != nil {
		t.Fatal(err)
	}
	for want, run := range map[string]*curatore.Run{"salesforce": imported, "salesforce_account": reindexed} {
		if r, err := org.Run(t.Context(), run.ID()); err != nil || r.ResourceID != want || r.Label == "" {
			t.Errorf("%s: resource %q, label %q, %v; want %s", r.Type, r.ResourceID, r.Label, err, want)
		}
	}
	if r, err := org.Run(t.Context(), replayed.ID()); err != nil || r.ResourceID != "salesforce" {
		t.Errorf("%s: resource %q, %v", r.Type, r.ResourceID, err)
	}
}

// A run cannot be made to read a file of another organization, or of the store at
// large, whatever stands in its row.
func TestKeyOfAnotherOrganization(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		store, dsn := newRemote(t), databasetest.DSN(t, kind)
		waiting, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, Objects: store, EnqueueOnly: true}, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		var runs []*curatore.Run
		for _, name := range []string{"one", "two"} {
			run, err := organization(t, waiting, name).Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "of "+name))))
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, run)
		}
		if err := waiting.Close(); err != nil {
			t.Fatal(err)
		}
		if err := databasetest.OpenDSN(t, dsn).Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE runs SET config = (SELECT config FROM runs WHERE id = ?) WHERE id = ?", runs[1].ID(), runs[0].ID())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		c := open(t, curatore.Config{Database: dsn, Objects: store, SpillDir: t.TempDir()})
		one, two := organization(t, c, "one"), organization(t, c, "two")
		if ended := whenEnded(t, one, runs[0].ID()); ended.Status != jobs.Failed || !strings.Contains(ended.Error, "is not one of the organization") {
			t.Errorf("%s: %s", ended.Status, ended.Error)
		}
		if ended := whenEnded(t, two, runs[1].ID()); ended.Status != jobs.Completed {
			t.Errorf("%s: %s", ended.Status, ended.Error)
		}
	})
}

// Maintenance removes what the end of a run has left in the object store.
func TestMaintenanceSweepsObjects(t *testing.T) {
	store, dsn := newRemote(t), databasetest.DSN(t, "sqlite")
	first, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, Objects: store, EnqueueOnly: true}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	run, err := organization(t, first, "acme").Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x"))))
	if err != nil {
		t.Fatal(err)
	}
	left := keys(t, store)
	if err := errors.Join(run.Cancel(t.Context(), ""), first.Close()); err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
	leave := func() {
		t.Helper()
		if _, err := store.Put(t.Context(), left[0], strings.NewReader("x"), blob.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	org := organization(t, open(t, curatore.Config{Database: dsn, Objects: store}), "acme")
	empty(t, store) // by the sweep at the start, which is over then
	leave()
	maintained, err := org.Maintain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ended := whenEnded(t, org, maintained.ID()); ended.Status != jobs.Completed {
		t.Errorf("%s: %s", ended.Status, ended.Error)
	}
	if all := keys(t, store); len(all) > 0 {
		t.Errorf("left are %v", all)
	}
}

// An organization whose objects cannot be deleted is still there, to be deleted
// again.
func TestDeleteOrganizationFromABadStore(t *testing.T) {
	store := &brittle{Store: newRemote(t)}
	c := open(t, curatore.Config{Database: databasetest.DSN(t, "sqlite"), Objects: store, Runner: idle{}})
	if _, err := organization(t, c, "acme").Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x")))); err != nil {
		t.Fatal(err)
	}
	store.down.Store(true)
	if err := c.DeleteOrganization(t.Context(), "acme"); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("%v, want blob.ErrUnavailable", err)
	}
	if names, err := c.Organizations(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("there are %q, %v", names, err)
	}
	store.down.Store(false)
	if err := c.DeleteOrganization(t.Context(), "acme"); err != nil {
		t.Error(err)
	}
	if left := keys(t, store.Store); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}
