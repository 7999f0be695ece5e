package curatore_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

// A slowRunner does not deliver before it may.
type slowRunner struct {
	jobs.Runner
	may atomic.Bool
}

func (r *slowRunner) Dispatch(ctx context.Context, queue string, ids ...string) error {
	if !r.may.Load() {
		return nil
	}
	return r.Runner.Dispatch(ctx, queue, ids...)
}

// Without an object store an import that waits belongs to the process that has its
// files: another one that opens the database leaves it alone, until it is clear that
// nobody has them any more.
func TestImportsWaitForTheirFiles(t *testing.T) {
	for _, kind := range []string{database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn := databasetest.DSN(t, kind)
			runner := &slowRunner{Runner: localrunner.New(localrunner.Config{})}
			mine := open(t, curatore.Config{Database: dsn, Runner: runner})
			org := organization(t, mine, "acme")
			run, err := org.Import(t.Context(), "salesforce", sampleFiles()...)
			if err != nil {
				t.Fatal(err)
			}
			open(t, curatore.Config{Database: dsn}) // looks for runs that wait
			runner.may.Store(true)
			if _, err := run.Wait(t.Context()); err != nil {
				t.Error(err)
			}

			runner.may.Store(false)
			if run, err = org.Import(t.Context(), "salesforce", sampleFiles()...); err != nil {
				t.Fatal(err)
			}
			if err := mine.Close(); err != nil {
				t.Fatal(err)
			}
			later := open(t, curatore.Config{Database: dsn, Now: func() time.Time { return time.Now().Add(2 * time.Minute) }})
			ended := whenEnded(t, organization(t, later, "acme"), run.ID())
			if ended.Status != jobs.Failed || !strings.Contains(ended.Error, "import them again") {
				t.Errorf("%s: %s", ended.Status, ended.Error)
			}
		})
	}
}

// whenEnded returns a run when it has ended.
func whenEnded(t *testing.T, org *curatore.Organization, id string) jobs.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		run, err := org.Run(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if run.Status.Ended() {
			return run
		}
		time.Sleep(10 * time.Millisecond)
	}
}
