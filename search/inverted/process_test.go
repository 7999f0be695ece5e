package inverted

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// processEnv tells a test binary that it is the other process, and which
// database it is to work on.
const processEnv = "CURATORE_TEST_INDEX_PROCESS"

// TestOtherProcess is not a test: [TestProcesses] runs it in a process of its
// own. It writes documents, deletes some of its own, and merges.
func TestOtherProcess(t *testing.T) {
	dsn := os.Getenv(processEnv)
	if dsn == "" {
		t.Skip("it is started by TestProcesses")
	}
	seed, err := strconv.ParseUint(os.Getenv(processEnv+"_SEED"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(context.Background(), dsn, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	work(&tableIndex{t, db, New(Options{})}, seed)
}

// work changes the index as a process does, and is the same for the same seed.
func work(x *tableIndex, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var own []int64
	for round := range 25 {
		size := 1 + rnd.IntN(30)
		first := x.add(texts(int(seed)*1000+round*30, int(seed)*1000+round*30+size)...)
		for i := range size {
			own = append(own, first+int64(i))
		}
		if round%3 == 2 {
			rnd.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
			x.remove(own[:5]...)
			own = own[5:]
		}
		if round%4 == 3 {
			x.merge()
		}
	}
}

// Two processes and a second handle in this one write, delete and merge the
// index of one organization while it is searched. In the end it is what it would
// be if it were built anew.
func TestProcesses(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn := databasetest.DSN(t, kind)
			x := newTableIndex(t, databasetest.OpenDSN(t, dsn))
			var others []*exec.Cmd
			for seed := 1; seed <= 2; seed++ {
				c := exec.Command(os.Args[0], "-test.run=^TestOtherProcess$", "-test.count=1") //nolint:gosec // it is this very program
				c.Env = append(os.Environ(), processEnv+"="+dsn, fmt.Sprint(processEnv+"_SEED=", seed))
				c.Stdout, c.Stderr = os.Stderr, os.Stderr
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				others = append(others, c)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				work(&tableIndex{t, databasetest.OpenDSN(t, dsn), New(Options{})}, 3)
			}()
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
				}
				found := x.numbers("common ")
				if n := len(slices.Compact(slices.Clone(found))); n != len(found) {
					t.Fatalf("a search finds %d documents of %d twice", len(found)-n, len(found))
				}
			}
			for _, c := range others {
				if err := c.Wait(); err != nil {
					t.Fatalf("the other process: %v", err)
				}
			}
			// what each of them left, from the same work done alone
			want := map[string]int{}
			for seed := uint64(1); seed <= 3; seed++ {
				alone := newTableIndex(t, databasetest.Open(t, database.SQLite))
				work(alone, seed)
				for _, c := range alone.search(Request{Query: Parse("common "), Facets: []string{"first"}}).Facets["first"] {
					want[c.Value] = c.Count
				}
			}
			got := map[string]int{}
			for _, c := range x.search(Request{Query: Parse("common "), Facets: []string{"first"}}).Facets["first"] {
				got[c.Value] = c.Count
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("what is there (-alone +together):\n%s", d)
			}
			x.merge()
			x.check()
			x.read(func(ctx context.Context, tx *database.Tx) error {
				v, err := x.index.Verify(ctx, tx, testOrganization, each(nil))
				if err == nil && (len(v.Problems) > 0 || v.ExtraCount != len(want)) {
					t.Errorf("the index disagrees with itself: %+v", v)
				}
				return err
			})
		})
	}
}
