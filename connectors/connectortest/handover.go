package connectortest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// handOver has one program store an import with its files, and another one do it.
func (x *suite) handOver() {
	x.edition(1)
	dir, err := dirblob.Open(x.t.TempDir(), dirblob.Options{})
	if err != nil {
		x.t.Fatal(err)
	}
	store := &watched{Store: dir}
	config := curatore.Config{Database: databasetest.DSN(x.t, x.kind), Objects: store, HTTP: x.HTTP, Secrets: x.Secrets}

	uploads := config
	uploads.EnqueueOnly = true
	id := ""
	x.program(uploads, func(org *curatore.Organization) {
		run, err := org.ImportWith(context.Background(), x.Connection.Name(), x.Options, x.files()...)
		if err != nil {
			x.t.Fatal(err)
		}
		id = run.ID()
	})
	handed := store.imports(x)
	if diff := cmp.Diff(x.described(id), describe(handed)); diff != "" {
		x.t.Fatal("the files that were handed over:", diff)
	}
	orphan := strings.Replace(handed[0].Key, id, "01900000-0000-7000-8000-000000000000", 1)
	if _, err := dir.Put(context.Background(), orphan, strings.NewReader("left behind"), blob.PutOptions{}); err != nil {
		x.t.Fatal(err)
	}

	x.program(config, func(org *curatore.Organization) {
		// Nothing goes before the run has ended for good.
		store.deleting(func(key string) error {
			if !strings.Contains(key, id) {
				return nil
			}
			r, err := org.Run(context.Background(), id)
			if err == nil && !r.Status.Ended() {
				err = fmt.Errorf("the file %s goes while its run is %s", key, r.Status)
			}
			return err
		})
		if r := x.ended(org, id); r.Status != jobs.Completed {
			x.t.Fatalf("the import %s: %s", r.Status, r.Error)
		}
		again, err := org.ImportWith(context.Background(), x.Connection.Name(), x.Options, x.files()...)
		if err != nil {
			x.t.Fatal(err)
		}
		counts, err := again.Wait(context.Background())
		if err != nil {
			x.t.Fatal(err)
		}
		for name, n := range counts.Streams {
			if n.Created+n.Updated > 0 {
				x.t.Errorf("%s: importing again what was handed over has changed something: %+v", name, *n)
			}
		}
	})
	if err := store.wrong(); err != nil {
		x.t.Error(err)
	}

	// A day later the orphan is swept.
	later := time.Now().Add(26 * time.Hour)
	config.Now = func() time.Time { return later }
	x.program(config, func(*curatore.Organization) {
		for deadline := time.Now().Add(time.Minute); len(store.imports(x)) > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				x.t.Fatalf("left are %v", describe(store.imports(x)))
			}
		}
	})
}

// program runs a program with the connection.
func (x *suite) program(config curatore.Config, do func(org *curatore.Organization)) {
	x.t.Helper()
	c, err := curatore.Open(context.Background(), config, x.Connection)
	if err != nil {
		x.t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			x.t.Error(err)
		}
	}()
	org, err := c.Organization(context.Background(), firstOrganization, "connectortest")
	if err != nil {
		x.t.Fatal(err)
	}
	do(org)
}

// described are the files of a run as they are to be handed over.
func (x *suite) described(run string) (lines []string) {
	x.t.Helper()
	for i, f := range x.files() {
		h := sha256.New()
		n, err := io.Copy(h, io.NewSectionReader(f.ReaderAt, 0, f.Size))
		if err != nil {
			x.t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s/%d: %d bytes, %s", run, i, n, hex.EncodeToString(h.Sum(nil))))
	}
	slices.Sort(lines)
	return lines
}

func describe(objects []blob.Info) (lines []string) {
	for _, info := range objects {
		_, name, _ := strings.Cut(info.Key, "/imports/")
		lines = append(lines, fmt.Sprintf("%s: %d bytes, %s", name, info.Size, info.SHA256))
	}
	slices.Sort(lines)
	return lines
}

// ended waits for the end of a run.
func (x *suite) ended(org *curatore.Organization, id string) jobs.Run {
	x.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		r, err := org.Run(context.Background(), id)
		if err != nil {
			x.t.Fatal(err)
		}
		if r.Status.Ended() {
			return r
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("the run is %s after two minutes", r.Status)
		}
	}
}

// watched is a store that tells what is deleted.
type watched struct {
	blob.Store
	mu  sync.Mutex
	on  func(key string) error
	err error
}

func (w *watched) deleting(on func(key string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = on
}

func (w *watched) wrong() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Delete implements blob.Store.
func (w *watched) Delete(ctx context.Context, keys ...string) error {
	w.mu.Lock()
	on := w.on
	w.mu.Unlock()
	for _, key := range keys {
		if on == nil {
			break
		}
		if err := on(key); err != nil {
			w.mu.Lock()
			w.err = errors.Join(w.err, err)
			w.mu.Unlock()
		}
	}
	return w.Store.Delete(ctx, keys...)
}

// imports lists the files that are handed over.
func (w *watched) imports(x *suite) (all []blob.Info) {
	x.t.Helper()
	for info, err := range w.List(context.Background(), "", "") {
		if err != nil {
			x.t.Fatal(err)
		}
		if strings.Contains(info.Key, "/imports/") {
			all = append(all, info)
		}
	}
	return all
}
