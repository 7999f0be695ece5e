package curatore_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A remote is an object store whose bytes are on another machine: it gives no
// random access. Faults are laid into its calls.
type remote struct {
	blob.Store
	mu    sync.Mutex
	put   func(key string) error
	get   func(key string) error
	spoil atomic.Int32 // objects whose bytes change on the way
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	return &remote{Store: newTripStore(t).Store}
}

func (r *remote) Put(ctx context.Context, key string, body io.Reader, o blob.PutOptions) (blob.Info, error) {
	r.mu.Lock()
	fault := r.put
	r.mu.Unlock()
	if fault != nil {
		if err := fault(key); err != nil {
			return blob.Info{}, err
		}
	}
	return r.Store.Put(ctx, key, body, o)
}

func (r *remote) Get(ctx context.Context, key string, at blob.Range) (io.ReadCloser, blob.Info, error) {
	r.mu.Lock()
	fault := r.get
	r.mu.Unlock()
	if fault != nil {
		if err := fault(key); err != nil {
			return nil, blob.Info{}, err
		}
	}
	body, info, err := r.Store.Get(ctx, key, at)
	if err != nil {
		return nil, info, err
	}
	if r.spoil.Add(-1) >= 0 {
		return &spoiled{body}, info, nil
	}
	return struct{ io.ReadCloser }{body}, info, nil
}

// A spoiled body has one bit that was not stored.
type spoiled struct{ io.ReadCloser }

func (s *spoiled) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}

func (r *remote) set(put, get func(key string) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put, r.get = put, get
}

// keys are those of all objects.
func keys(t *testing.T, s blob.Store) (all []string) {
	t.Helper()
	for info, err := range s.List(context.Background(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}

// empty waits until no object is left, which is soon after a run has ended.
func empty(t *testing.T, s blob.Store) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(keys(t, s)) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("these objects are left: %v", keys(t, s))
		}
	}
}

// nothing checks that a directory for local copies holds none, and, where it can be
// seen, that none is open that has no name any more.
func nothing(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) || len(entries) > 0 {
		t.Errorf("local copies are left: %v, %v", entries, err)
	}
	const open = "/proc/self/fd"
	entries, _ = os.ReadDir(open)
	for _, e := range entries {
		if file, err := os.Readlink(filepath.Join(open, e.Name())); err == nil && strings.HasPrefix(file, dir+"/") {
			t.Errorf("a local copy is open: %s", file)
		}
	}
}

// idle is a Runner of a process that only enqueues.
type idle struct{}

func (idle) Start(context.Context, func(context.Context, string) error) error { return nil }
func (idle) Dispatch(context.Context, string, ...string) error                { return nil }
func (idle) Stop(context.Context) error                                       { return nil }

// One process stores the files and the run and goes away; another one, which has
// nothing but the database and the object store, does the import.
func TestHandOver(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn, objects, temp, spill := databasetest.DSN(t, kind), newRemote(t), newRemote(t), t.TempDir()
		first, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, Objects: objects, TempObjects: temp, Runner: idle{}}, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		org := organization(t, first, "acme")
		data := salesforcetest.Zip(accountsCSV(someAccounts(400)...))
		ctx, leave := context.WithCancel(t.Context())
		run, err := org.Import(ctx, "salesforce",
			connectors.File{Name: `C:\exports\Ünïcode.zip`, Reader: strings.NewReader(string(data)), ContentType: "application/x-zip-compressed"}) // can be read once
		if err != nil {
			t.Fatal(err)
		}
		leave() // the run outlives its caller
		waiting, err := org.Run(t.Context(), run.ID())
		if err != nil || waiting.Status != jobs.Pending {
			t.Fatal(waiting.Status, err)
		}
		var config struct {
			Files []struct {
				Filename, Key, SHA256 string
				FileSize              int64 `json:"file_size"`
			}
		}
		if err := json.Unmarshal(waiting.Config, &config); err != nil || len(config.Files) != 1 {
			t.Fatalf("%s: %v", waiting.Config, err)
		}
		f := config.Files[0]
		if !strings.HasSuffix(f.Key, "/salesforce/imports/"+run.ID()+"/0") || f.FileSize != int64(len(data)) || f.SHA256 != blobtest.Sum(data) || f.Filename != `C:\exports\Ünïcode.zip` {
			t.Errorf("config %s", waiting.Config)
		}
		info, err := temp.Stat(t.Context(), f.Key)
		if err != nil || info.Filename != "Ünïcode.zip" || info.ContentType != "application/x-zip-compressed" || info.SHA256 != f.SHA256 {
			t.Errorf("object %+v, %v", info, err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}

		second := open(t, curatore.Config{Database: dsn, Objects: objects, TempObjects: temp, SpillDir: spill})
		org = organization(t, second, "acme")
		if ended := whenEnded(t, org, run.ID()); ended.Status != jobs.Completed {
			t.Errorf("%s: %s", ended.Status, ended.Error)
		}
		page, err := org.List(t.Context(), "salesforce_account", curatore.ListQuery{Limit: 1, Total: true})
		if err != nil || page.Total != 400 {
			t.Errorf("%d accounts, %v", page.Total, err)
		}
		empty(t, temp)
		empty(t, objects)
		nothing(t, spill)
	})
}

// What cannot be stored leaves neither a run nor an object.
func TestHandOverThatFails(t *testing.T) {
	store := newRemote(t)
	c := open(t, curatore.Config{Database: databasetest.DSN(t, "sqlite"), Objects: store})
	org := organization(t, c, "acme")
	export := func(name string) connectors.File { return file(name, salesforcetest.Zip(accountsCSV(account(0, "x")))) }
	none := func(t *testing.T) {
		t.Helper()
		if left := keys(t, store); len(left) > 0 {
			t.Errorf("objects are left: %v", left)
		}
	}
	down := errors.New("as the test wants it")
	calls := 0
	store.set(func(string) error {
		if calls++; calls == 2 {
			return down
		}
		return nil
	}, nil)
	if _, err := org.Import(t.Context(), "salesforce", export("a.zip"), export("b.zip")); !errors.Is(err, down) || !strings.Contains(err.Error(), `"b.zip"`) {
		t.Error(err)
	}
	none(t)
	store.set(nil, nil)

	short := export("short.zip")
	short.Size += 5
	if _, err := org.Import(t.Context(), "salesforce", short); !errors.Is(err, content.ErrInvalid) {
		t.Error(err)
	}
	none(t)

	// The organization goes away between the file and the run.
	store.set(func(string) error { return c.DeleteOrganization(context.Background(), "acme") }, nil)
	if _, err := org.Import(t.Context(), "salesforce", export("a.zip")); err == nil {
		t.Error("an organization that is gone has imported")
	}
	none(t)
	store.set(nil, nil)
	org = organization(t, c, "acme")

	ctx, cancel := context.WithCancel(t.Context())
	store.set(func(string) error { time.AfterFunc(0, cancel); <-ctx.Done(); return nil }, nil)
	if _, err := org.Import(ctx, "salesforce", export("a.zip")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	none(t)
	runs, err := org.Runs(t.Context(), jobs.Query{})
	if err != nil || len(runs.Runs) != 0 {
		t.Errorf("%d runs, %v", len(runs.Runs), err)
	}
}

// A store that is down for a while holds an import up; an object that is gone or
// another one fails it, and says what to do. Nothing is left either way.
func TestHandOverFromABadStore(t *testing.T) {
	for name, test := range map[string]struct {
		get    func(store *remote) func(key string) error
		status jobs.Status
		says   string
	}{
		"down for a while": {func(*remote) func(string) error {
			n := 0
			return func(string) error {
				if n++; n < 3 {
					return blob.ErrUnavailable
				}
				return nil
			}
		}, jobs.Completed, ""},
		"gone": {func(s *remote) func(string) error {
			return func(key string) error { return s.Delete(context.Background(), key) }
		}, jobs.Failed, "import it again"},
		"other bytes, once": {func(s *remote) func(string) error {
			return func(string) error { s.spoil.Store(1); s.set(nil, nil); return nil }
		}, jobs.Completed, ""},
		"other bytes": {func(s *remote) func(string) error {
			return func(string) error { s.spoil.Store(100); return nil }
		}, jobs.Failed, "corrupt"},
		"another": {func(s *remote) func(string) error {
			return func(key string) error {
				_, err := s.Store.Put(context.Background(), key, strings.NewReader("x"), blob.PutOptions{})
				return err
			}
		}, jobs.Failed, "corrupt"},
		"refused": {func(*remote) func(string) error {
			return func(string) error { return errors.New("access denied") }
		}, jobs.Failed, "access denied"},
	} {
		t.Run(name, func(t *testing.T) {
			store, spill := newRemote(t), t.TempDir()
			store.set(nil, test.get(store))
			c := curatore.WithPatience(curatore.Config{Database: databasetest.DSN(t, "sqlite"), Objects: store, SpillDir: spill}, time.Second)
			org := organization(t, open(t, c), "acme")
			run, err := org.Import(t.Context(), "salesforce", zipped(accountsCSV(someAccounts(20)...)))
			if err != nil {
				t.Fatal(err)
			}
			if ended := whenEnded(t, org, run.ID()); ended.Status != test.status || !strings.Contains(ended.Error, test.says) {
				t.Errorf("%s: %s", ended.Status, ended.Error)
			}
			empty(t, store)
			nothing(t, spill)
		})
	}
}

// A store that stays away does not keep a worker waiting: the run is parked, says
// why, keeps its files, and goes on when the store is back. That is no failure.
func TestParkedForTheStore(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		store, dsn := newRemote(t), databasetest.DSN(t, kind)
		store.set(nil, func(string) error { return blob.ErrUnavailable })
		long := func() time.Time { return time.Now().Add(-50 * time.Hour) } // ago, since when it has waited for its turn
		org := organization(t, open(t, curatore.Config{Database: dsn, Objects: store, EnqueueOnly: true, Now: long}), "acme")
		run, err := org.Import(t.Context(), "salesforce", zipped(accountsCSV(someAccounts(20)...)))
		if err != nil {
			t.Fatal(err)
		}
		open(t, curatore.WithPatience(curatore.Config{Database: dsn, Objects: store, SpillDir: t.TempDir()}, 20*time.Millisecond))
		var parked jobs.Run
		for deadline := time.Now().Add(time.Minute); parked.Status != jobs.Parked; time.Sleep(5 * time.Millisecond) {
			if parked, err = org.Run(t.Context(), run.ID()); err != nil || parked.Status.Ended() || time.Now().After(deadline) {
				t.Fatalf("%s: %s, %v", parked.Status, parked.Error, err)
			}
		}
		if wait := time.Until(*parked.NotBefore); wait < 30*time.Second || wait > 2*time.Minute || parked.Failures != 0 {
			t.Errorf("it waits %s after %d failures", wait, parked.Failures)
		}
		why, err := org.Why(t.Context(), run.ID())
		if err != nil || why.Reason != jobs.NotYet || !strings.Contains(why.Text, "cannot be fetched: object store unavailable") {
			t.Errorf("%+v, %v", why, err)
		}
		if left := keys(t, store); len(left) != 1 {
			t.Errorf("objects of a run that goes on: %v", left)
		}
		store.set(nil, nil)
		if err := databasetest.OpenDSN(t, dsn).Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { // the minute is over
			_, err := tx.Exec(ctx, "UPDATE runs SET not_before = "+tx.Dialect().Now()+" WHERE id = ?", run.ID())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if ended := whenEnded(t, org, run.ID()); ended.Status != jobs.Completed || ended.Failures != 0 || ended.Attempt < 2 {
			t.Errorf("%s: %s; %d attempts, %d failures", ended.Status, ended.Error, ended.Attempt, ended.Failures)
		}
		empty(t, store)
	})
}

// A sweep at the start removes the files of runs that have ended or never came to
// be, and no others.
func TestSweepOfObjects(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		ctx, dsn, store := t.Context(), databasetest.DSN(t, kind), newRemote(t)
		c, err := curatore.Open(ctx, curatore.Config{Database: dsn, Objects: store, Runner: idle{}}, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		org := organization(t, c, "acme")
		imported := func() (*curatore.Run, string) {
			before := len(keys(t, store))
			run, err := org.Import(ctx, "salesforce", zipped(accountsCSV(account(0, "x"))))
			if err != nil || len(keys(t, store)) != before+1 {
				t.Fatal(err)
			}
			for _, key := range keys(t, store) {
				if strings.Contains(key, run.ID()) {
					return run, key
				}
			}
			t.Fatal("the run has no object")
			return nil, ""
		}
		waits, kept := imported()
		cancelled, gone := imported()
		if err := cancelled.Cancel(ctx, "not wanted"); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(keys(t, store), gone) {
			t.Error("the file of a run that was cancelled before it began is left")
		}
		organizationID, _, _ := strings.Cut(kept, "/")
		permanent := organizationID + "/salesforce/salesforce_account/" + waits.ID()
		orphan := organizationID + "/salesforce/imports/01900000-0000-7000-8000-000000000000/0"
		for _, key := range []string{orphan, permanent, gone} { // the last one comes last, and goes at each start
			if _, err := store.Put(ctx, key, strings.NewReader("x"), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		spill := t.TempDir()
		copied := filepath.Join(spill, "curatore-spill-1") // where a file cannot lose its name while it is open
		if err := os.WriteFile(copied, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		sweep := func(now time.Time, want ...string) {
			t.Helper()
			c := open(t, curatore.Config{Database: dsn, Objects: store, SpillDir: spill, Runner: idle{}, Now: func() time.Time { return now }})
			defer c.Close()
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				got := keys(t, store)
				if strings.Join(got, " ") == strings.Join(want, " ") {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("left are %v, want %v", got, want)
				}
			}
		}
		sweep(time.Now(), orphan, kept, permanent) // the orphan's Import may be at work
		if _, err := os.Stat(copied); err != nil {
			t.Errorf("a local copy that may be in use was removed: %v", err)
		}
		sweep(time.Now().Add(25*time.Hour), kept, permanent)
		nothing(t, spill)
	})
}

// An organization that is deleted has no objects any more, and others keep theirs.
func TestDeleteOrganizationDeletesObjects(t *testing.T) {
	store := newRemote(t)
	c := open(t, curatore.Config{Database: databasetest.DSN(t, "sqlite"), Objects: store, Runner: idle{}})
	for _, name := range []string{"one", "two"} {
		if _, err := organization(t, c, name).Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x")))); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.DeleteOrganization(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	runs, err := organization(t, c, "two").Runs(t.Context(), jobs.Query{})
	if left := keys(t, store); err != nil || len(runs.Runs) != 1 || len(left) != 1 || !strings.Contains(left[0], runs.Runs[0].ID) {
		t.Errorf("left are %v, %v", left, err)
	}
}

// A file that can be read only once needs an object store.
func TestStreamWithoutAStore(t *testing.T) {
	c := open(t, curatore.Config{Database: databasetest.DSN(t, "postgres")})
	_, err := organization(t, c, "acme").Import(t.Context(), "salesforce", connectors.File{Name: "a.zip", Reader: strings.NewReader("x")})
	if !errors.Is(err, content.ErrDisabled) || !strings.Contains(err.Error(), "Config.Objects") {
		t.Error(err)
	}
}

// objectDir is an object store in a folder that goes with the test.
func objectDir(t testing.TB) *dirblob.Store {
	t.Helper()
	s, err := dirblob.Open(t.TempDir(), dirblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
