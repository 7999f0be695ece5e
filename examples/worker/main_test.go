package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// programEnv makes the test binary the program.
const programEnv = "CURATORE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// The whole way in two processes: this one stores the run, looks at it, lists and
// searches, the other one works.
func TestSmoke(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			common := []string{"-database", databasetest.Empty(t, kind), "-objects", t.TempDir()}
			dsn, objects := common[1], common[3]
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			do := func(args ...string) (string, error) {
				t.Helper()
				var out bytes.Buffer
				err := run(ctx, append(common[:4:4], args...), &out)
				return strings.TrimSpace(out.String()), err
			}
			must := func(args ...string) string {
				t.Helper()
				out, err := do(args...)
				if err != nil {
					t.Fatalf("%v: %v", args, err)
				}
				return out
			}
			if must("migrate"); kind == database.SQLite {
				if _, err := os.Stat(strings.TrimPrefix(dsn, "sqlite:")); err != nil {
					t.Fatal(err)
				}
			}
			id := must(append([]string{"import"}, export(t, 1000, 100)...)...)
			if out := must("runs"); !strings.HasPrefix(out, id+" pending: ") {
				t.Errorf("runs: %q, want %s", out, id)
			}
			if out, err := do("health"); err == nil || !strings.Contains(err.Error(), `no live process works on queue "salesforce"; 1 runs wait`) {
				t.Fatalf("before a worker is started: %v\n%s", err, out)
			}
			if n := temporary(objects); n != 1 {
				t.Errorf("%d objects wait to be imported, want 1", n)
			}
			seen := watch(ctx, t, dsn, id)
			stop := work(ctx, t, common)
			defer stop()
			out := must("show", id)
			if !strings.Contains(out, "info: Salesforce import completed: ") || !strings.HasSuffix(out, "completed") {
				t.Errorf("show: %s", out)
			}
			if diff := gocmp.Diff([]jobs.Status{jobs.Pending, jobs.Running}, <-seen); diff != "" {
				t.Errorf("the run was listed as active with these statuses (-want +got):\n%s", diff)
			}
			if out := must("runs"); out != "" {
				t.Errorf("runs: %s", out)
			}
			if out := must("health"); !strings.Contains(out, "Salesforce: 0 wait, 0 at work, 1 processes") {
				t.Errorf("health: %s", out)
			}
			for temporary(objects) > 0 {
				if ctx.Err() != nil {
					t.Fatal("the files of the run are not removed")
				}
				time.Sleep(10 * time.Millisecond)
			}
			out = must("list", "salesforce_contact")
			if !strings.HasSuffix(out, "\n50 of 100") {
				t.Errorf("list: %s", out)
			}
			name, _, _ := strings.Cut(out, "\n")
			if out := must("search", name); !strings.Contains(out, "Contact: "+name) {
				t.Errorf("search for %q: %s", name, out)
			}
		})
	}
}

// watch gives the statuses in which a run is listed as active, until it is not.
func watch(ctx context.Context, t *testing.T, dsn, id string) <-chan []jobs.Status {
	t.Helper()
	c, err := curatore.Open(ctx, curatore.Config{Database: dsn, EnqueueOnly: true}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	org, err := c.Organization(ctx, "example", "example")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan []jobs.Status, 1)
	go func() {
		var seen []jobs.Status
		defer func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			done <- seen
		}()
		for {
			page, err := org.Runs(ctx, jobs.Query{Active: true})
			if err != nil || len(page.Runs) > 1 {
				t.Errorf("%d runs, %v", len(page.Runs), err)
				return
			}
			if len(page.Runs) == 0 || page.Runs[0].ID != id {
				return
			}
			seen = slices.Compact(append(seen, page.Runs[0].Status))
			time.Sleep(time.Millisecond)
		}
	}()
	return done
}

// work starts a process that works and returns when it does. Stop asks it to end,
// and waits for that.
func work(ctx context.Context, t *testing.T, common []string) (stop func()) {
	t.Helper()
	worker := exec.CommandContext(ctx, os.Args[0], append(common[:4:4], "work")...)
	worker.Env = append(os.Environ(), programEnv+"=1")
	worker.Stderr = os.Stderr
	said, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(said, make([]byte, len("working"))); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(worker.Process.Signal(os.Interrupt), worker.Wait()); err != nil {
			t.Errorf("the worker: %v", err)
		}
	}
}

// export writes the parts of an export and returns their paths.
func export(t *testing.T, accounts, contacts int) (paths []string) {
	t.Helper()
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: accounts, Contacts: contacts})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, p := range parts {
		path := filepath.Join(dir, p.Name)
		if err := os.WriteFile(path, p.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// What is asked for wrongly is refused before anything is opened, and a database
// that is not there says so without its password.
func TestRefused(t *testing.T) {
	for want, args := range map[string][]string{
		`"dance" is no command; use work`: {"dance"},
		`"" is no command; use work`:      {},
		"import takes the files":          {"import"},
		"show takes the id":               {"show"},
		"list takes a type":               {"list"},
		"connection refused":              {"-database", "postgres://me:canary@127.0.0.1:1/none", "-objects", t.TempDir(), "work"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

// A worker that is interrupted in the middle of an import lets it end, or gives it
// back to the next one.
func TestInterrupted(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			common := []string{"-database", databasetest.DSN(t, kind), "-objects", t.TempDir()}
			args := append([]string{"import"}, export(t, 300, 300)...)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var id, told bytes.Buffer
			if err := run(ctx, append(common[:4:4], args...), &id); err != nil {
				t.Fatal(err)
			}
			for _, pause := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond} { // it need not have begun
				stop := work(ctx, t, common)
				time.Sleep(pause)
				stop()
			}
			working, stop := context.WithCancel(ctx)
			done := make(chan error, 1)
			go func() { done <- run(working, append(common[:4:4], "work"), io.Discard) }()
			if err := run(ctx, append(common[:4:4], "show", strings.TrimSpace(id.String())), &told); err != nil || !strings.HasSuffix(told.String(), "completed\n") {
				t.Errorf("show: %v\n%s", err, told.String())
			}
			stop()
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) { // it may still be opening when there is nothing left to do
				t.Error(err)
			}
			if n := temporary(common[3]); n != 0 {
				t.Errorf("%d files of the run are left", n)
			}
		})
	}
}

// temporary counts the files of imports in the object store.
func temporary(dir string) (n int) {
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(path, "/imports/") && !strings.HasSuffix(path, "@info") {
			n++
		}
		return nil
	})
	return n
}
