//go:build !race

package curatore_test

import (
	"archive/zip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
)

// Memory does not grow with the file: the heap stays far below the size of an
// export of 150,000 rows, while it is looked through, imported, indexed, and
// imported again with changes and deletions.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short: it takes a minute")
	}
	const rows, limit = 150_000, 80 << 20
	for _, kind := range []string{database.SQLite} { // what Postgres adds is in its driver: 20 MB
		var sizes []int64
		export := func(edition int, rows int) (files []connectors.File) {
			paths, _, err := salesforcetest.WriteDir(t.TempDir(), salesforcetest.Options{Accounts: rows, Edition: edition, Columns: 60})
			if err != nil {
				t.Fatal(err)
			}
			files, closeFiles, err := connectors.OpenFiles(paths...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := closeFiles(); err != nil {
					t.Error(err)
				}
			})
			sizes = append(sizes, unpacked(t, paths[0]))
			return files
		}
		first, second := export(0, rows), export(1, rows*3/4)
		c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, kind)}, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		org := organization(t, c, "acme")
		stop := make(chan struct{})
		peak := watchHeap(stop)
		for _, files := range [][]connectors.File{first, second} {
			run, err := org.Import(t.Context(), "salesforce", files...)
			if err != nil {
				t.Fatal(err)
			}
			result, err := run.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", *result.Streams["salesforce_account"])
		}
		close(stop)
		t.Logf("the heap reached %d MB; the exports have %d and %d MB", peak.Load()>>20, sizes[0]>>20, sizes[1]>>20)
		if peak.Load() > limit || sizes[0] < 3*limit/2 {
			t.Errorf("the heap reached %d MB, more than %d MB", peak.Load()>>20, limit>>20)
		}
	}
}

// unpacked is the size of what is in a zip.
func unpacked(t *testing.T, path string) (size int64) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		size += int64(f.UncompressedSize64)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return size
}

// watchHeap looks at the heap until it is told to stop, and keeps its peak.
func watchHeap(stop <-chan struct{}) *atomic.Uint64 {
	var peak atomic.Uint64
	go func() {
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return &peak
}
