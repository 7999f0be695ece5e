//go:build !race && unix

package curatore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// These make the test binary a worker on a database and an object store, which
// kills itself when it comes to a fail point for the n-th time. CURATORE_CHAOS is
// the number of further kills at random times, CURATORE_CHAOS_SEED theirs.
const (
	workerEnv = "CURATORE_TEST_WORKER" // DSN
	blobsEnv  = "CURATORE_TEST_BLOBS"
	dieEnv    = "CURATORE_TEST_DIE" // "NAME N"
	chaosEnv  = "CURATORE_CHAOS"
	seedEnv   = "CURATORE_CHAOS_SEED"
)

// crashLease is short, so that a killed worker's run is soon taken up, and long
// enough for a crowded machine.
const crashLease = 2 * time.Second

// becomeWorker makes the test binary a worker when its environment says so.
func becomeWorker() {
	dsn := os.Getenv(workerEnv)
	if dsn == "" {
		return
	}
	name, count, _ := strings.Cut(os.Getenv(dieEnv), " ")
	n, _ := strconv.Atoi(count)
	var seen atomic.Int64
	failPoint := func(at string) {
		if at == name && seen.Add(1) == int64(n) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	objects, err := dirblob.Open(os.Getenv(blobsEnv), dirblob.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config := curatore.WithHooks(curatore.Config{Database: dsn, Objects: objects}, failPoint, crashLease, nil)
	if _, err := curatore.Open(context.Background(), config, salesforce.New()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {} // until it is killed
}

// A stricken is an import that workers die of.
type stricken struct {
	t      *testing.T
	dsn    string
	blobs  string
	temp   string            // of the workers
	c      *curatore.Curator // stores, and never works
	org    *curatore.Organization
	db     *database.DB
	worker *exec.Cmd
	run    *curatore.Run
}

func strike(t *testing.T, kind string, size int) *stricken {
	t.Helper()
	s := &stricken{t: t, dsn: databasetest.DSN(t, kind), blobs: t.TempDir(), temp: t.TempDir()}
	objects, err := dirblob.Open(s.blobs, dirblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.c, err = curatore.Open(t.Context(), curatore.Config{Database: s.dsn, Objects: objects, EnqueueOnly: true}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if err := errors.Join(s.c.Close(), objects.Close()); err != nil {
			t.Error(err)
		}
	})
	s.db = databasetest.OpenDSN(t, s.dsn)
	if s.org, err = s.c.Organization(t.Context(), "acme", "test"); err != nil {
		t.Fatal(err)
	}
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: size / 2, Contacts: size / 4, Opportunities: size / 4, Quirks: true})
	if err != nil {
		t.Fatal(err)
	}
	var files []connectors.File
	for _, p := range parts {
		files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: strings.NewReader(string(p.Data))})
	}
	if s.run, err = s.org.Import(t.Context(), "salesforce", files...); err != nil {
		t.Fatal(err)
	}
	return s
}

// work starts a worker; die is "NAME N", or "" for one that lives.
func (s *stricken) work(die string) {
	s.t.Helper()
	s.worker = exec.Command(os.Args[0])
	s.worker.Env = append(os.Environ(), workerEnv+"="+s.dsn, blobsEnv+"="+s.blobs, dieEnv+"="+die, "TMPDIR="+s.temp)
	s.worker.Stderr = os.Stderr
	if err := s.worker.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stricken) kill() {
	if s.worker != nil {
		_ = s.worker.Process.Kill()
		_ = s.worker.Wait()
		s.worker = nil
	}
}

// claimed starts a worker that lives, and waits until it has the run. It returns
// false when that has ended before.
func (s *stricken) claimed() bool {
	s.t.Helper()
	before, err := s.org.Run(s.t.Context(), s.run.ID())
	if err != nil {
		s.t.Fatal(err)
	}
	s.work("")
	for until := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		run, err := s.org.Run(s.t.Context(), s.run.ID())
		switch {
		case err != nil || time.Now().After(until):
			s.t.Fatalf("the worker does not take the run up: %s, %v", run.Status, err)
		case run.Status.Ended():
			s.kill()
			return false
		case run.Attempt > before.Attempt:
			return true
		}
	}
}

// died waits for the worker's death, or for the end of the run without it, which
// means that the run never came to the fail point.
func (s *stricken) died() bool {
	s.t.Helper()
	dead := make(chan bool)
	go func(w *exec.Cmd) {
		_ = w.Wait() // however it died
		close(dead)
	}(s.worker)
	for until := time.Now().Add(2 * time.Minute); ; {
		select {
		case <-dead:
			s.worker = nil
			return true
		case <-time.After(20 * time.Millisecond):
		}
		if run, err := s.org.Run(s.t.Context(), s.run.ID()); err != nil || run.Status.Ended() {
			_ = s.worker.Process.Kill()
			<-dead
			s.worker = nil
			return false
		}
		if time.Now().After(until) {
			s.t.Fatal("the worker neither dies nor ends the run")
		}
	}
}

// end lets a worker that lives finish, and returns what is stored then.
func (s *stricken) end() (tables []string) {
	s.t.Helper()
	s.work("")
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	result, err := s.run.Wait(ctx)
	if err != nil {
		s.t.Fatalf("the import: %v", err)
	}
	return s.stored(ctx, result)
}

// stored returns what an import that has completed has stored, when its worker has
// tidied up.
func (s *stricken) stored(ctx context.Context, result *connectors.Result) (tables []string) {
	s.t.Helper()
	for len(s.left()) > 0 { // the worker removes them behind the end
		if ctx.Err() != nil {
			s.t.Fatalf("these files are left: %v", s.left())
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.kill()
	d := &depot{t: s.t, c: s.c, db: s.db, org: s.org}
	for _, table := range []string{"salesforce_accounts", "salesforce_contacts", "salesforce_opportunities"} {
		for _, line := range d.rows(stored(table) + " ORDER BY 1") {
			tables = append(tables, table+": "+line)
		}
	}
	for _, q := range []string{"cloud", "account", "north", "manager"} {
		page, err := s.org.Search(s.t.Context(), search.Query{Text: q, Limit: 50})
		for errors.Is(err, content.ErrBusy) && ctx.Err() == nil { // a connection that was lost while it was idle
			page, err = s.org.Search(s.t.Context(), search.Query{Text: q, Limit: 50})
		}
		if err != nil {
			s.t.Fatal(err)
		}
		var titles []string
		for _, hit := range page.Hits {
			titles = append(titles, hit.Title)
		}
		slices.Sort(titles)
		tables = append(tables, fmt.Sprintf("search %s: %v", q, titles))
	}
	for _, line := range d.rows("SELECT source_type, source_type_filter, chunk_index, title, filename, url, content, content_type FROM search_chunks ORDER BY 1, 4, 7, 3") {
		tables = append(tables, "chunk: "+line)
	}
	if report, err := s.org.VerifyIndex(s.t.Context()); err != nil || !report.Sound() {
		s.t.Errorf("the search index: %+v, %v", report, err)
	}
	for name, counts := range result.Streams {
		tables = append(tables, fmt.Sprintf("seen %s: %d, failed %d", name, counts.Seen, counts.Failed))
	}
	slices.Sort(tables)
	if stale := d.rows("SELECT count(*) FROM runs WHERE status = 'running' AND (lease_until IS NULL OR lease_until < " + s.db.Dialect().Now() + ")")[0]; stale != "0" {
		s.t.Errorf("%s runs are running past their lease", stale)
	}
	return tables
}

// stored is a query for what two imports of the same files have in common: all
// but the ids and times that each makes anew.
func stored(table string) string {
	link := "account_id"
	if table == "salesforce_accounts" {
		link = "parent_account_id"
	}
	return "SELECT t.salesforce_id, t.deleted_at IS NULL, t.indexed_at IS NULL, t.row_hash, p.salesforce_id AS parent FROM " + table +
		" t LEFT JOIN salesforce_accounts p ON p.organization_id = t.organization_id AND p.id = t." + link
}

// left lists the files in the object store, in which such an import leaves none, and
// in the folder for temporary files of the workers.
func (s *stricken) left() (names []string) {
	for _, dir := range []string{s.blobs, s.temp} {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, path)
			}
			return nil
		})
	}
	return names
}

// An import whose worker is killed at any moment ends as if nothing had happened:
// the same rows, the same index, no object left.
func TestImportSurvivesKills(t *testing.T) {
	size, random := 3000, 2
	if n, err := strconv.Atoi(os.Getenv(chaosEnv)); err == nil && n > 0 {
		size, random = 20_000, n
	}
	seed, err := strconv.ParseUint(os.Getenv(seedEnv), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%s=%d", seedEnv, seed)
	for i, kind := range []string{database.SQLite, database.Postgres} {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		t.Run(kind, func(t *testing.T) {
			t.Parallel() // most of it is waiting for leases to run out
			want := strike(t, kind, size).end()
			s := strike(t, kind, size)
			reached := map[string]bool{}
			for _, point := range jobs.FailPoints() {
				for _, n := range []int{1, 4} { // a run is claimed and finished once by each worker
					if n > 1 && !slices.Contains([]string{"committing", "done", "committed"}, point) {
						continue
					}
					s.work(fmt.Sprintf("%s %d", point, n))
					reached[point] = s.died() || reached[point]
				}
			}
			for kills, imports := 0, 1; ; imports++ { // as many as it takes
				for ; kills < random && s.claimed(); kills++ {
					time.Sleep(time.Duration(dice.IntN(600)) * time.Millisecond)
					s.kill()
				}
				if diff := gocmp.Diff(want, s.end()); diff != "" {
					t.Errorf("import %d, without kills (-), with them (+):\n%s", imports, diff)
				}
				if imports == 1 { // those after it may be over before the first kill
					run, err := s.org.Run(t.Context(), s.run.ID())
					if err != nil || run.Failures == 0 || run.Attempt <= run.Failures {
						t.Errorf("%d attempts, %d failures (%v)", run.Attempt, run.Failures, err)
					}
				}
				if kills == random {
					t.Logf("%d kills at random times in %d imports", kills, imports)
					break
				}
				s = strike(t, kind, size)
			}
			for _, point := range jobs.FailPoints() {
				if !reached[point] {
					t.Errorf("no worker died at %q", point)
				}
			}
		})
	}
}

// Whichever call of the database fails during a small import, nothing is stored
// by halves: the run ends, and importing again gives what an import without
// failures gives.
func TestEveryDatabaseCallMayFail(t *testing.T) {
	broken := errors.New("the disk is on fire")
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			var armed atomic.Bool
			var calls, failAt atomic.Int64
			var end atomic.Int64 // the call that stores the end of a run
			fault := func(statement string) error {
				if !armed.Load() {
					return nil
				}
				n := calls.Add(1)
				if strings.Contains(statement, "UPDATE runs SET status = m.status") {
					end.CompareAndSwap(0, n)
				}
				if n == failAt.Load() {
					return broken
				}
				return nil
			}
			objects, err := dirblob.Open(t.TempDir(), dirblob.Options{})
			if err != nil {
				t.Fatal(err)
			}
			dsn := databasetest.DSN(t, kind)
			c, err := curatore.Open(t.Context(), curatore.WithHooks(curatore.Config{Database: dsn, Objects: objects}, nil, 0, fault), salesforce.New())
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := errors.Join(c.Close(), objects.Close()); err != nil {
					t.Error(err)
				}
			}()
			db := databasetest.OpenDSN(t, dsn)
			parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 6, Contacts: 4, Opportunities: 2})
			if err != nil {
				t.Fatal(err)
			}
			// attempt imports into an organization of its own with the n-th call
			// failing, and again without, and returns what is stored then.
			var sound []string
			attempt := func(n int64) (rows []string, needed int64) {
				name := fmt.Sprintf("o%d", n)
				org, err := c.Organization(t.Context(), name, "test")
				if err != nil {
					t.Fatalf("organization %s: %v", name, err)
				}
				d := &depot{t: t, c: c, db: db, org: org}
				stand := func() (rows []string) {
					for _, table := range []string{"salesforce_accounts", "salesforce_contacts", "salesforce_opportunities"} {
						rows = append(rows, d.rows(stored(table)+" JOIN organizations o ON o.id = t.organization_id WHERE o.name = ? ORDER BY 1", name)...)
					}
					return rows
				}
				importing := func() error {
					var files []connectors.File
					for _, p := range parts {
						files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: strings.NewReader(string(p.Data))})
					}
					run, err := org.Import(t.Context(), "salesforce", files...)
					if err != nil {
						return err
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					for {
						_, err := run.Wait(ctx)
						if errors.Is(err, broken) { // it is the call for the run that failed
							continue
						}
						return err
					}
				}
				calls.Store(0)
				failAt.Store(n)
				armed.Store(true)
				failed := importing()
				armed.Store(false)
				needed = calls.Load()
				halves := d.rows("SELECT r.id, r.status FROM runs r JOIN organizations o ON o.id = r.organization_id WHERE o.name = ? AND (r.status = 'running' AND r.lease_until IS NULL OR"+
					" r.status IN ('completed', 'failed') AND (SELECT count(*) FROM run_events e WHERE e.run_id = r.id AND e.type = r.status) <> 1)", name)
				if len(halves) != 0 {
					t.Errorf("after call %d had failed these runs are there by halves: %v", n, halves)
				}
				if rows := stand(); failed == nil && !slices.Equal(rows, sound) && sound != nil {
					t.Errorf("after call %d had failed the import completed without error, but: %s", n, gocmp.Diff(sound, rows))
				}
				if err := importing(); err != nil {
					t.Fatalf("importing again after call %d had failed (%v): %v", n, failed, err)
				}
				if report, err := org.VerifyIndex(t.Context()); err != nil || !report.Sound() {
					t.Errorf("after call %d had failed the search index is %+v, %v", n, report, err)
				}
				rows = stand()
				if stuck := d.rows("SELECT r.status, r.error FROM runs r JOIN organizations o ON o.id = r.organization_id WHERE o.name = ? AND r.status IN ('pending', 'running', 'parked')", name); len(stuck) != 0 {
					t.Errorf("after call %d had failed these runs go on: %v", n, stuck)
				}
				return rows, needed
			}
			want, needed := attempt(1_000_000)
			if sound = want; len(want) < 12 || needed < 30 || end.Load() == 0 {
				t.Fatalf("%d rows in %d calls, the end in call %d", len(want), needed, end.Load())
			}
			// All of them with `make chaos`, else those around the end of the run, and some
			// others, not always the same.
			var which []int64
			step, first := int64(1), int64(1)
			if os.Getenv(chaosEnv) == "" {
				step = max(1, needed/25)
				first += rand.Int64N(step)
				for n := end.Load() - 2; n < end.Load()+3; n++ {
					which = append(which, n)
				}
			}
			for n := first; n <= needed; n += step {
				which = append(which, n)
			}
			for _, n := range which {
				rows, _ := attempt(n)
				if diff := gocmp.Diff(want, rows); diff != "" {
					t.Errorf("call %d failed: %s", n, diff)
				}
			}
			t.Logf("%d calls, of which %v failed", needed, which)
		})
	}
}
