package curatore_test

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// BenchmarkMillionAccounts imports and indexes 1,000,000 accounts into SQLite and
// reports the most memory that was resident. It takes some minutes, so -short
// leaves it out.
func BenchmarkMillionAccounts(b *testing.B) {
	if testing.Short() {
		b.Skip("-short: it takes some minutes")
	}
	const accounts = 1_000_000
	dir := b.TempDir()
	paths, _, err := salesforcetest.WriteDir(dir, salesforcetest.Options{Accounts: accounts})
	if err != nil {
		b.Fatal(err)
	}
	debug.FreeOSMemory()
	for b.Loop() {
		files, closeFiles, err := connectors.OpenFiles(paths...)
		if err != nil {
			b.Fatal(err)
		}
		c, err := curatore.Open(b.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(b.TempDir(), "million.db")}, salesforce.New())
		if err != nil {
			b.Fatal(err)
		}
		org, err := c.Organization(b.Context(), "bench", "bench")
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		run, err := org.Import(b.Context(), "salesforce", files...)
		if err != nil {
			b.Fatal(err)
		}
		result, err := run.Wait(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if n := result.Streams["salesforce_account"]; n.Created != accounts || n.Indexed != accounts {
			b.Fatalf("%+v", n)
		}
		b.ReportMetric(float64(accounts)/time.Since(start).Seconds(), "rows/s")
		b.ReportMetric(resident(b, "VmHWM"), "peak-MB")
		if found, err := org.Search(b.Context(), search.Query{Text: "cloud migration"}); err != nil || found.Total == 0 {
			b.Fatal("nothing found", err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		if err := closeFiles(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// resident reads a line of /proc/self/status, in MB.
func resident(b *testing.B, name string) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		b.Skipf("no /proc here: %v", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	b.Fatalf("no %s in /proc/self/status", name)
	return 0
}
