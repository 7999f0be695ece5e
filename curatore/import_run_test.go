package curatore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A tripwire is a file that calls a function when the byte at an offset is read,
// and goes on when that returns.
type tripwire struct {
	io.ReaderAt
	at   int64
	once sync.Once
	call func()
}

func (w *tripwire) ReadAt(p []byte, off int64) (int, error) {
	if off <= w.at && w.at < off+int64(len(p)) {
		w.once.Do(w.call)
	}
	return w.ReaderAt.ReadAt(p, off)
}

// A tripStore is an object store in which tests lay tripwires.
type tripStore struct {
	blob.Store
	mu   sync.Mutex
	wire *tripwire
}

func newTripStore(t *testing.T) *tripStore {
	t.Helper()
	s := objectDir(t)
	return &tripStore{Store: s}
}

// Get lays the wire where an import reads the object; the check of its SHA-256
// before does not touch it.
func (s *tripStore) Get(ctx context.Context, key string, r blob.Range) (io.ReadCloser, blob.Info, error) {
	body, info, err := s.Store.Get(ctx, key, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.wire == nil {
		return body, info, err
	}
	s.wire.ReaderAt = body.(io.ReaderAt)
	return struct {
		io.ReadCloser
		io.ReaderAt
	}{body, s.wire}, info, nil
}

// wired returns a file with a wire in it: in the file, or in the object store.
func (d *depot) wired(f connectors.File, wire *tripwire) connectors.File {
	if d.trip == nil {
		wire.ReaderAt = f.ReaderAt
		f.ReaderAt = wire
		return f
	}
	d.trip.mu.Lock()
	defer d.trip.mu.Unlock()
	d.trip.wire = wire
	return f
}

// A run that is cancelled, without an object store by its caller's context, is
// marked as cancelled, and whole batches are stored; another import does the rest.
func TestCancelledContext(t *testing.T) {
	const accounts = 3000
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	data := parts[0].Data
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		d.must(connectors.Options{}, zipped(accountsCSV([]string{accountID(9999), "Not in the export"})))
		ctx, cancel := context.WithCancelCause(t.Context())
		var run *curatore.Run
		started := make(chan struct{})
		wire := &tripwire{at: int64(len(data)) / 2}
		wire.call = func() {
			<-started
			const cause = "the user has closed the window"
			if cancel(errors.New(cause)); d.trip != nil { // the run outlives its caller
				if err := run.Cancel(context.Background(), cause); err != nil {
					t.Error(err)
				}
			}
			for { // it is told to the run in the background
				if r, err := d.org.Run(context.Background(), run.ID()); err != nil || r.CancelCause != "" {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}
		// With these settings the file is read once, from its beginning.
		options := connectors.Options{Settings: json.RawMessage(`{"encoding":"utf-8","date_order":"month first"}`)}
		if run, err = d.org.ImportWith(ctx, "salesforce", options, d.wired(file(parts[0].Name, data), wire)); err != nil {
			t.Fatal(err)
		}
		close(started)
		result, err := run.Wait(t.Context())
		if !errors.Is(err, jobs.ErrCancelled) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the user has closed the window") {
			t.Fatal(err)
		}
		ended, err := d.org.Run(t.Context(), run.ID())
		if err != nil || ended.Status != jobs.Cancelled {
			t.Fatal(ended.Status, err)
		}
		stored := len(d.rows("SELECT id FROM salesforce_accounts WHERE organization_id = ? AND deleted_at IS NULL", d.id)) - 1
		if stored < 0 || stored >= accounts || stored%1000 != 0 { // none when it was told before the first batch
			t.Errorf("%d accounts are stored: not whole batches", stored)
		}
		if c := result.Streams["salesforce_account"]; int(c.Created) != stored || int(c.Seen) != stored {
			t.Errorf("the result says %+v, %d are stored", *c, stored)
		}
		if n := len(d.rows("SELECT DISTINCT source_id FROM search_chunks WHERE organization_id = ?", d.id)); n != stored+1 {
			t.Errorf("%d accounts are in the index, %d are stored", n, stored+1)
		}
		result, _ = d.must(connectors.Options{}, file(parts[0].Name, data))
		c := result.Streams["salesforce_account"]
		if int(c.Unchanged) != stored || int(c.Created) != accounts-stored || c.Deleted != 1 {
			t.Errorf("%+v", *c)
		}
		page, err := d.org.Search(t.Context(), search.Query{})
		if err != nil || page.Total != accounts {
			t.Errorf("%d are found, %v", page.Total, err)
		}
	})
}

func TestCancelledRun(t *testing.T) {
	d := newDepots(t, database.SQLite)(t, "acme")
	var run *curatore.Run
	started := make(chan struct{})
	data := salesforcetest.Zip(accountsCSV(someAccounts(400)...))
	wire := &tripwire{at: int64(len(data)) / 2}
	wire.call = func() {
		<-started
		if err := run.Cancel(context.Background(), "not now"); err != nil {
			t.Error(err)
		}
	}
	run, err := d.org.Import(t.Context(), "salesforce", d.wired(file("x.zip", data), wire))
	if err != nil {
		t.Fatal(err)
	}
	close(started)
	var last jobs.Update
	for u, err := range run.Follow(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		last = u
	}
	if last.Run.Status != jobs.Cancelled || last.Run.Error != "cancelled: not now" {
		t.Errorf("%s: %s", last.Run.Status, last.Run.Error)
	}
	if got := d.accounts(); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
	if err := run.Cancel(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

// Wait may be called by many, and may end before the import does.
func TestWait(t *testing.T) {
	d := newDepots(t, database.SQLite)(t, "acme")
	data := salesforcetest.Zip(accountsCSV(someAccounts(20)...))
	waited := make(chan struct{})
	wire := &tripwire{call: func() { <-waited }}
	run, err := d.org.Import(t.Context(), "salesforce", d.wired(file("x.zip", data), wire))
	if err != nil {
		t.Fatal(err)
	}
	impatient, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if _, err := run.Wait(impatient); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(waited)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			result, err := run.Wait(context.Background())
			if err != nil || result.Streams["salesforce_account"].Created != 20 {
				t.Error(result, err)
			}
		})
	}
	all.Wait()
}

// A second organization that imports the same ids is fully separate, whatever
// happens to the first.
func TestOrganizationsAreApart(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		one, two := depots(t, "one"), depots(t, "two")
		one.baseline()
		two.baseline()
		before := two.snapshot()
		result, _ := one.must(connectors.Options{Force: true}, zipped(accountsCSV(account(0, "Renamed")), entry("Contact.csv", []string{"Id", "LastName", "IsDeleted"}, []string{contactID(1), "x", "1"}, []string{contactID(0), "Moved", "0"})))
		if c := result.Streams["salesforce_account"]; c.Updated != 1 || c.Deleted != 9 {
			t.Errorf("%+v", *c)
		}
		if diff := gocmp.Diff(before, two.snapshot()); diff != "" {
			t.Error(diff)
		}
		if got := one.found("renamed"); !slices.Equal(got, []string{"Renamed"}) {
			t.Errorf("found %q", got)
		}
		if got := two.found("renamed"); len(got) != 0 {
			t.Errorf("found %q", got)
		}
		id := one.rows("SELECT id FROM salesforce_accounts WHERE organization_id = ? AND deleted_at IS NULL", one.id)[0]
		if _, err := two.org.Get(t.Context(), "salesforce_account", id); !errors.Is(err, content.ErrNotFound) {
			t.Error(err)
		}
		runs, err := two.org.Runs(t.Context(), jobs.Query{})
		if err != nil || len(runs.Runs) != 1 {
			t.Errorf("%d runs, %v", len(runs.Runs), err)
		}
		for _, line := range two.rows("SELECT c.organization_id, a.organization_id FROM salesforce_contacts c JOIN salesforce_accounts a ON a.id = c.account_id") {
			if from, to, _ := strings.Cut(line, " | "); from != to {
				t.Errorf("a link leads from one organization to another: %s", line)
			}
		}
	})
}

// With NoSearch records wait to be indexed; an import that may, indexes them.
// What was deleted meanwhile is not found then.
func TestNoSearchAndThenSearch(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn := databasetest.DSN(t, kind)
		d := &depot{t: t, db: databasetest.OpenDSN(t, dsn)}
		session := func(noSearch bool, do func()) {
			c := open(t, curatore.Config{Database: dsn, NoSearch: noSearch})
			d.org = organization(t, c, "acme")
			d.id = d.rows("SELECT id FROM organizations")[0]
			do()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		queued := func() int {
			return len(d.rows("SELECT id FROM salesforce_accounts WHERE indexed_at IS NULL AND deleted_at IS NULL"))
		}
		session(false, func() { d.must(connectors.Options{}, zipped(accountsCSV(someAccounts(4)...))) })
		session(true, func() {
			result, _ := d.must(connectors.Options{}, zipped(accountsCSV(account(0, "Renamed"), account(1, "Account 1"), account(2, "Account 2"), account(7, "New"))))
			if diff := gocmp.Diff(&connectors.Counts{Seen: 4, Created: 1, Updated: 1, Unchanged: 2, Deleted: 1}, result.Streams["salesforce_account"]); diff != "" {
				t.Error(diff)
			}
			if _, err := d.org.Search(t.Context(), search.Query{Text: "renamed"}); !errors.Is(err, content.ErrDisabled) {
				t.Error(err)
			}
			if n := queued(); n != 2 {
				t.Errorf("%d wait", n)
			}
		})
		session(false, func() {
			if got := d.found("account"); len(got) != 2+1 { // and one under its old name; the deleted one is not among them
				t.Errorf("found %q", got)
			}
			result, _ := d.must(connectors.Options{}, zipped(accountsCSV(account(0, "Renamed"), account(1, "Account 1"), account(2, "Account 2"), account(7, "New"))))
			if diff := gocmp.Diff(&connectors.Counts{Seen: 4, Unchanged: 4, Indexed: 2}, result.Streams["salesforce_account"]); diff != "" {
				t.Error(diff)
			}
			got := append(d.found("renamed"), d.found("new")...)
			if n := queued(); n != 0 || !slices.Equal(got, []string{"Renamed", "New"}) {
				t.Errorf("%d wait, found %q", n, got)
			}
		})
	})
}

// Failures are replayed through the organization, as a run.
func TestReplayFailures(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		settings := func(s string) connectors.Options { return connectors.Options{Settings: json.RawMessage(s)} }
		// The order of day and month was set wrongly; one row has no good id, one
		// is broken.
		content := fmt.Sprintf("Id,Name,Type,CreatedDate\n%s,Acme,Customer,31/01/2026\n%s,Bolt,Partner,2026-02-01\n%s,Coyote,Prospect,2026-02-01\n%s,torn\n",
			accountID(0), accountID(1), accountID(2)[:15]+"zzz", accountID(3))
		export := zipped(salesforcetest.Entry{Name: "Account.csv", Content: content})
		d.must(settings(`{"date_order":"month first"}`), export)
		replay := func(options connectors.Options) *connectors.Result {
			t.Helper()
			run, err := d.org.ReplayFailures(t.Context(), "salesforce", options)
			if err != nil {
				t.Fatal(err)
			}
			result, err := run.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r, err := d.org.Run(t.Context(), run.ID()); err != nil || r.Type != "salesforce_replay" || r.Status != jobs.Completed {
				t.Errorf("%+v %v", r, err)
			}
			return result
		}
		if diff := gocmp.Diff(&connectors.Counts{Seen: 3, Unchanged: 1, Failed: 2, BadValues: 1}, replay(settings(`{"date_order":"month first"}`)).Streams["salesforce_account"]); diff != "" {
			t.Error(diff)
		}
		result := replay(settings(`{"date_order":"day first"}`))
		if diff := gocmp.Diff(&connectors.Counts{Seen: 3, Updated: 1, Failed: 2}, result.Streams["salesforce_account"]); diff != "" {
			t.Error(diff)
		}
		if got := d.rows("SELECT name, type, salesforce_created_at FROM salesforce_accounts ORDER BY name"); !strings.HasPrefix(got[0], "Acme | Customer | 2026-01-31") || !strings.HasPrefix(got[1], "Bolt | Partner | 2026-02-01") {
			t.Errorf("%q", got)
		}
		var reasons []string
		for _, f := range result.Failures {
			reasons = append(reasons, f.Reason)
		}
		if len(reasons) != 2 || !strings.Contains(reasons[0], "bad id") || reasons[1] != "wrong number of fields: 2, the header has 4; import it again" {
			t.Errorf("%q", reasons)
		}
		// What a replay has stored is what an import would have: the next one finds
		// it unchanged.
		result, _ = d.must(settings(`{"date_order":"day first"}`), export)
		if c := result.Streams["salesforce_account"]; c.Unchanged != 2 || c.Updated != 0 {
			t.Errorf("%+v", *c)
		}
	})
}

// shelf is a type of a connection that misbehaves.
type shelf struct {
	content.Record
	Key  string `db:"shelf_key" content:"key"`
	Name string `db:"name" content:"title"`
}

// A connection that panics fails its run and nothing else.
func TestConnectionThatPanics(t *testing.T) {
	shelves := content.Define(content.Spec[shelf]{Name: "shelf", Label: "Shelf", Table: "shelves"})
	where := ""
	conn := connectors.New(connectors.Spec[struct{}]{Name: "library", Label: "Library", Types: []*content.Type{shelves},
		Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
			if where == "Open" {
				panic("no library")
			}
			return connectors.Streams{connectors.Rows(shelves, func(context.Context) iter.Seq2[*shelf, error] {
				return func(yield func(*shelf, error) bool) {
					yield(&shelf{Key: "1", Name: "One"}, nil)
					if where == "Read" {
						panic("no shelf")
					}
				}
			})}, nil
		}})
	c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite)}, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	org := organization(t, c, "acme")
	for _, test := range []struct{ where, want string }{{"Open", "the job panicked: no library"}, {"Read", "reading shelf panicked: no shelf"}, {"", ""}} {
		where = test.where
		run, err := org.Import(t.Context(), "library")
		if err != nil {
			t.Fatal(err)
		}
		_, err = run.Wait(t.Context())
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.where, err)
		}
		events, err := org.Events(t.Context(), run.ID(), 0, 0)
		if err != nil || test.want != "" && !slices.ContainsFunc(events, func(e jobs.Event) bool {
			return e.Type == jobs.EventPanic && strings.Contains(string(e.Data), "import_run_test.go")
		}) {
			t.Errorf("%s: %v %v", test.where, events, err)
		}
	}
}
