//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

// BenchmarkMillionAccounts imports and indexes 1,000,000 accounts into SQLite as a
// user does, and reports the most memory that the program had resident. It takes
// some minutes, so -short leaves it out.
func BenchmarkMillionAccounts(b *testing.B) {
	if testing.Short() {
		b.Skip("-short: it takes some minutes")
	}
	const accounts = 1_000_000
	paths, _, err := salesforcetest.WriteDir(b.TempDir(), salesforcetest.Options{Accounts: accounts})
	if err != nil {
		b.Fatal(err)
	}
	program := build(b)
	for b.Loop() {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(b.Context(), program, append([]string{"-db", "sqlite:" + filepath.Join(b.TempDir(), "million.db"), "-q", "cloud migration", "-json"}, paths...)...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v\n%s", err, stderr.String())
		}
		var got jsonReport
		if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
			b.Fatal(err)
		}
		if n := got.Run.Streams["salesforce_account"]; n == nil || n.Created != accounts || n.Indexed != accounts || got.Total == 0 {
			b.Fatalf("%+v, %d found", n, got.Total)
		}
		peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss // kB, and on macOS bytes
		if runtime.GOOS == "darwin" {
			peak /= 1024
		}
		b.ReportMetric(float64(peak)/1024, "peak-MB")
		b.ReportMetric(accounts/b.Elapsed().Seconds(), "rows/s")
	}
	b.ReportMetric(0, "ns/op")
}
