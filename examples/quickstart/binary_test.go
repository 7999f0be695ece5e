package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

// build builds the program as users do.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quickstart")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// The statuses and streams of the real program.
func TestBinary(t *testing.T) {
	program := build(t)
	call := func(args ...string) ended {
		t.Helper()
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &stdout, &stderr
		err := cmd.Run()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if made, err := os.ReadDir(cmd.Dir); err != nil || cmd.ProcessState.ExitCode() == 2 && len(made) > 0 {
			t.Errorf("made %v, %v", made, err)
		}
		return ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
	if form := call("-json").ok(t).json(t); form.Run == nil || form.Total != 17 {
		t.Errorf("%+v", form)
	}
	call("-limit", "0").failed(t, 2, "-limit")
	call("-db", "sqlite:/no/such/folder/x.db", "-json").failed(t, 1, "/no/such/folder").json(t)
	if e := call("-help"); e.status != 0 || !strings.HasPrefix(e.stderr, "usage: ") {
		t.Errorf("%+v", e)
	}
	for _, o := range []salesforcetest.Options{{Accounts: 20_000}} {
		t.Run("interrupted", func(t *testing.T) { interrupt(t, program, export(t, o)) })
	}
}

// interrupt starts an import and interrupts it as a user does.
func interrupt(t *testing.T, program string, parts []string) {
	var stderr bytes.Buffer
	db := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-db", db}, parts...)...)
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var out bytes.Buffer
	for sent := false; ; {
		buffer := make([]byte, 4096)
		n, err := stdout.Read(buffer)
		out.Write(buffer[:n])
		if !sent && strings.Contains(out.String(), "import started") {
			sent = true
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	e := ended{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
	e.failed(t, 1, "cancelled")
	if !strings.Contains(e.stdout, ": cancelled\n") {
		t.Errorf("%v: %s", err, e.stdout)
	}
}

// Two calls at once on one new SQLite file both succeed, and nothing is twice.
func TestAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db string) {
		var wg sync.WaitGroup
		results := make([]ended, 2)
		for i := range results {
			wg.Go(func() {
				var stdout, stderr bytes.Buffer
				results[i] = quickstartTo(context.Background(), &stdout, &stderr, "-db", db, "-json")
			})
		}
		wg.Wait()
		for _, r := range results {
			r.ok(t).json(t)
		}
		if d := cmp.Diff(map[string]int64{"account": 59, "contact": 146, "opportunity": 117}, stored(t, organization(t, db, "acme"))); d != "" {
			t.Error(d)
		}
	})
}
