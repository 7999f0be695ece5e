package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
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

// The whole way in two processes: one stores the run, lists it and searches, the
// other one works.
func TestSmoke(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			common := []string{"-database", databasetest.DSN(t, kind), "-objects", t.TempDir()}
			objects := common[3]
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
			id := must("import", "../quickstart/sample/WE_00Dbm00000QmZ4kEAF_1.ZIP", "../quickstart/sample/WE_00Dbm00000QmZ4kEAF_2.ZIP")
			if out, err := do("health"); err == nil || !strings.Contains(err.Error(), `no live process works on queue "salesforce"; 1 runs wait`) {
				t.Fatalf("before a worker is started: %v\n%s", err, out)
			}
			if n := temporary(objects); n != 2 {
				t.Errorf("%d objects wait to be imported, want 2", n)
			}
			worker := exec.CommandContext(ctx, os.Args[0], append(common, "work")...)
			worker.Env = append(os.Environ(), programEnv+"=1")
			said, err := worker.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			worker.Stderr = os.Stderr
			if err := worker.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { // it stops by itself when it is asked to
				_ = worker.Process.Signal(os.Interrupt)
				if err := worker.Wait(); err != nil {
					t.Errorf("the worker: %v", err)
				}
			}()
			if _, err := io.ReadFull(said, make([]byte, len("working"))); err != nil {
				t.Fatal(err)
			}
			out := must("show", id)
			if !strings.Contains(out, "Salesforce import completed: WE_00Dbm00000QmZ4kEAF_1.ZIP") || !strings.HasSuffix(out, "completed") {
				t.Errorf("show: %s", out)
			}
			if out := must("health"); !strings.Contains(out, "Salesforce: 0 wait, 0 at work, 1 processes") {
				t.Errorf("health: %s", out)
			}
			if out := must("search", "account"); strings.Count(out, "\n") < 2 {
				t.Errorf("search: %s", out)
			}
			for temporary(objects) > 0 {
				if ctx.Err() != nil {
					t.Fatal("the files of the run are not removed")
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// What is asked for wrongly is refused before anything is opened, and a database
// that is not there says so without its password.
func TestRefused(t *testing.T) {
	for want, args := range map[string][]string{
		`"dance" is no command; use work`: {"dance"},
		`"" is no command; use work`:      {},
		"import takes the files":          {"import"},
		"show takes the id":               {"show"},
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
			parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 300, Contacts: 300})
			if err != nil {
				t.Fatal(err)
			}
			common := []string{"-database", databasetest.DSN(t, kind), "-objects", t.TempDir()}
			args, dir := []string{"import"}, t.TempDir()
			for _, p := range parts {
				if err := os.WriteFile(filepath.Join(dir, p.Name), p.Data, 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, filepath.Join(dir, p.Name))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var id, told bytes.Buffer
			if err := run(ctx, append(common[:4:4], args...), &id); err != nil {
				t.Fatal(err)
			}
			for _, pause := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond} { // it need not have begun
				worker := exec.CommandContext(ctx, os.Args[0], append(common[:4:4], "work")...)
				worker.Env = append(os.Environ(), programEnv+"=1")
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
				time.Sleep(pause)
				if err := errors.Join(worker.Process.Signal(os.Interrupt), worker.Wait()); err != nil {
					t.Errorf("the worker: %v", err)
				}
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
