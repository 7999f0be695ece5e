//go:build !race && unix

package curatore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// sparePostgres starts a server that the test may crash, and makes it the one on
// which the test's databases are.
func sparePostgres(t *testing.T) (crash func()) {
	t.Helper()
	script := func(args ...string) (string, error) {
		var said bytes.Buffer
		cmd := exec.Command("../.ci/postgres", args...)
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			err = errors.New(strings.TrimSpace(said.String()))
		}
		return strings.TrimSpace(string(out)), err
	}
	url, err := script("spare", strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Skipf("there is no Postgres on this machine that may be crashed: %v", err)
	}
	t.Cleanup(func() {
		if _, err := script("stop", url); err != nil {
			t.Error(err)
		}
	})
	t.Setenv(databasetest.Env, url)
	return func() {
		t.Helper()
		if _, err := script("crash", url); err != nil {
			t.Fatal(err)
		}
	}
}

// A Postgres that crashes in the middle of an import, three times, changes nothing:
// the worker goes on, and what is stored is what an undisturbed import stores.
func TestImportSurvivesCrashesOfPostgres(t *testing.T) {
	crash := sparePostgres(t)
	const size = 6000
	want := strike(t, database.Postgres, size).end()
	s := strike(t, database.Postgres, size)
	s.work("")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	look := func() jobs.Run { // as any program would, which asks again when the connection was lost
		for {
			run, err := s.org.Run(ctx, s.run.ID())
			if err == nil {
				return run
			}
			if !errors.Is(err, content.ErrBusy) || ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	crashes, phase, done := 0, "", int64(-1)
	for run := look(); !run.Status.Ended(); run = look() {
		if crashes < 3 && run.Status == jobs.Running && (run.Phase != phase || run.Done > done) {
			phase, done = run.Phase, run.Done
			crash()
			crashes++
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%d crashes", crashes)
	if crashes < 3 {
		t.Errorf("the import was over after %d crashes", crashes)
	}
	result, err := s.run.Wait(ctx)
	if err != nil {
		t.Fatalf("the import: %v", err)
	}
	if diff := gocmp.Diff(want, s.stored(ctx, result)); diff != "" {
		t.Errorf("the import without crashes (-), with them (+):\n%s", diff)
	}
}
