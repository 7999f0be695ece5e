package s3test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/s3blob"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// left are the keys of all objects.
func left(t *testing.T, s blob.Store) (keys []string) {
	t.Helper()
	for info, err := range s.List(context.Background(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// An import whose file is in S3, by a process that has nothing else of it, while
// the store is down, slow, breaks off and answers with errors: it does what an
// undisturbed one does, and leaves neither objects nor local copies.
func TestImportFromABadStore(t *testing.T) {
	const accounts = 400
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: accounts, Contacts: 100})
	if err != nil {
		t.Fatal(err)
	}
	data := parts[0].Data
	for name, fault := range map[string]func(p *proxy){
		"undisturbed": func(*proxy) {},
		"down for two seconds": func(p *proxy) {
			up := time.Now().Add(2 * time.Second)
			p.set(func(w http.ResponseWriter, r *http.Request) bool { return time.Now().Before(up) && hangUp(w, r) }, nil)
		},
		"every second answer is an error": func(p *proxy) {
			var n atomic.Int64
			busy := answer(http.StatusServiceUnavailable, "SlowDown")
			p.set(func(w http.ResponseWriter, r *http.Request) bool { return n.Add(1)%2 == 1 && busy(w, r) }, nil)
		},
		"breaks off": func(p *proxy) { p.set(nil, cut(len(data)/7)) },
		"slow": func(p *proxy) {
			p.set(nil, changeFunc(func(r *http.Response) error {
				r.Body = &slow{r.Body}
				return nil
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			c := newBucket(p)
			c.Retries, c.Silence = 2, 5*time.Second
			open(t, c) // makes the bucket
			c.CreateBucket = false
			dsn, spill := databasetest.DSN(t, "sqlite"), t.TempDir()
			start := func(store *s3blob.Store, enqueueOnly bool) (*curatore.Curator, *curatore.Organization) {
				t.Helper()
				c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, Objects: store, SpillDir: spill, EnqueueOnly: enqueueOnly, NoSearch: true}, salesforce.New())
				if err != nil {
					t.Fatal(err)
				}
				org, err := c.Organization(t.Context(), "acme", "test")
				if err != nil {
					t.Fatal(err)
				}
				return c, org
			}
			first, org := start(open(t, c), true)
			run, err := org.Import(t.Context(), "salesforce", connectors.File{Name: parts[0].Name, Reader: bytes.NewReader(data), Size: int64(len(data))})
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			store := open(t, c)
			if n := len(left(t, store)); n != 1 {
				t.Fatalf("%d objects", n)
			}
			fault(p)
			second, org := start(store, false)
			for update, err := range org.Follow(t.Context(), run.ID()) {
				if err != nil {
					t.Fatal(err)
				}
				if update.Run.Status.Ended() && update.Run.Status != jobs.Completed {
					t.Errorf("%s: %s", update.Run.Status, update.Run.Error)
				}
			}
			p.set(nil, nil)
			page, err := org.List(t.Context(), "salesforce_account", curatore.ListQuery{Limit: 1, Total: true})
			if err != nil || page.Total != accounts {
				t.Errorf("%d accounts, %v", page.Total, err)
			}
			if err := second.Close(); err != nil {
				t.Error(err)
			}
			if keys := left(t, store); len(keys) > 0 {
				// The store was down when the run ended: the next start sweeps.
				third, _ := start(store, false)
				for deadline := time.Now().Add(time.Minute); len(left(t, store)) > 0; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("left are %v", keys)
					}
				}
				if err := third.Close(); err != nil {
					t.Error(err)
				}
			}
			entries, err := os.ReadDir(spill)
			if err != nil && !errors.Is(err, os.ErrNotExist) || len(entries) > 0 {
				t.Errorf("local copies are left: %v, %v", entries, err)
			}
		})
	}
}

// A slow body comes in drops.
type slow struct{ io.ReadCloser }

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.ReadCloser.Read(p[:min(len(p), 8<<10)])
}
