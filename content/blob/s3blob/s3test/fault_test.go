package s3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
	"github.com/curatore/curatore-go/content/blob/s3blob"
)

func TestWrongCredentials(t *testing.T) {
	p := newProxy(t)
	c := newBucket(p)
	open(t, c)
	for name, change := range map[string]func(*s3blob.Config){
		"secret": func(c *s3blob.Config) { c.SecretKey = "another" },
		"key":    func(c *s3blob.Config) { c.AccessKey = "nobody" },
	} {
		wrong := c
		change(&wrong)
		_, err := s3blob.Open(t.Context(), wrong)
		if err == nil || !strings.Contains(err.Error(), "refuses access") || strings.Contains(err.Error(), wrong.SecretKey) || errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Bucket, c.CreateBucket = "b-that-is-not-there", false
	if _, err := s3blob.Open(t.Context(), c); !errors.Is(err, content.ErrNotFound) || !strings.Contains(err.Error(), "CreateBucket") {
		t.Error(err)
	}
}

// calls are all calls of a store, on an object that is there.
func calls(s blob.Store, data []byte) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"put": func(ctx context.Context) error {
			_, err := s.Put(ctx, "o/new", stream([]byte("x")), blob.PutOptions{})
			return err
		},
		"put parts": func(ctx context.Context) error {
			_, err := s.Put(ctx, "o/new", stream(data), blob.PutOptions{})
			return err
		},
		"get": func(ctx context.Context) error {
			body, _, err := s.Get(ctx, "o/there", blob.Range{})
			if err != nil {
				return err
			}
			got, err := io.ReadAll(body)
			if err == nil && !bytes.Equal(got, data) {
				err = errors.New("it gave other bytes without an error")
			}
			return errors.Join(err, body.Close())
		},
		"stat":   func(ctx context.Context) error { _, err := s.Stat(ctx, "o/there"); return err },
		"copy":   func(ctx context.Context) error { _, err := s.Copy(ctx, "o/there", "o/copy"); return err },
		"delete": func(ctx context.Context) error { return s.Delete(ctx, "o/new", "o/copy") },
		"list": func(ctx context.Context) error {
			for _, err := range s.List(ctx, "o/", "") {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// A store that is down, answers with errors, or is silent is one that is not
// available: the call ends, says so, and harms nothing.
func TestUnavailable(t *testing.T) {
	p := newProxy(t)
	c := newBucket(p)
	c.Silence, c.Retries = 300*time.Millisecond, 2
	s := open(t, c)
	data := blobtest.Random(1, 6<<20)
	if _, err := s.Put(t.Context(), "o/there", bytes.NewReader(data), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	silent := make(chan struct{})
	defer close(silent)
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"down":     hangUp,
		"slowdown": answer(http.StatusServiceUnavailable, "SlowDown"),
		"broken":   answer(http.StatusInternalServerError, "InternalError"),
		"silent": func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-silent:
			case <-r.Context().Done():
			}
			return true
		},
	} {
		for call, do := range calls(s, data) {
			t.Run(name+"/"+call, func(t *testing.T) {
				p.set(fault, nil)
				err := do(t.Context())
				p.set(nil, nil)
				if !errors.Is(err, blob.ErrUnavailable) || strings.Contains(err.Error(), secretKey) {
					t.Errorf("%v, want blob.ErrUnavailable", err)
				}
				if err := calls(s, data)["get"](t.Context()); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
	if _, err := s.Stat(t.Context(), "o/new"); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("something was stored: %v", err)
	}
}

// Errors that pass are not seen.
func TestRetries(t *testing.T) {
	p := newProxy(t)
	s := open(t, newBucket(p))
	data := blobtest.Random(2, 6<<20)
	if _, err := s.Put(t.Context(), "o/there", bytes.NewReader(data), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"put", "put parts", "get", "stat", "copy", "delete", "list"} {
		var n atomic.Int64
		busy := answer(http.StatusServiceUnavailable, "SlowDown")
		p.set(func(w http.ResponseWriter, r *http.Request) bool { return n.Add(1)%2 == 1 && busy(w, r) }, nil)
		if err := calls(s, data)[call](t.Context()); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		if n.Load() < 2 {
			t.Errorf("%s: it was not tried again", call)
		}
	}
}

// A download that breaks off goes on where it was; one that never gets further
// ends with an error, and so does one of an object that was replaced.
func TestBrokenDownloads(t *testing.T) {
	p := newProxy(t)
	s := open(t, newBucket(p))
	data := blobtest.Random(3, 1<<20)
	put := func(data []byte) {
		t.Helper()
		if _, err := s.Put(t.Context(), "o/there", bytes.NewReader(data), blob.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(data)
	p.set(nil, cut(100_000))
	before := p.count("GET")
	if err := calls(s, data)["get"](t.Context()); err != nil {
		t.Error(err)
	}
	if n := p.count("GET") - before; n < 10 {
		t.Errorf("%d requests for a download that breaks off ten times", n)
	}
	body, _, err := s.Get(t.Context(), "o/there", blob.Range{Offset: 5000, Length: 700_000})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil || !bytes.Equal(got, data[5000:705_000]) {
		t.Errorf("a range: %d bytes, %v", len(got), err)
	}

	p.set(nil, cut(0))
	if err := calls(s, data)["get"](t.Context()); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("%v, want blob.ErrUnavailable", err)
	}

	p.set(nil, cut(100_000))
	for i, r := range []blob.Range{{}, {Length: 700_000}} { // whose SHA-256 is not known
		if body, _, err = s.Get(t.Context(), "o/there", r); err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		put(blobtest.Random(uint64(4+i), 1<<20))
		if _, err := io.ReadAll(body); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("%+v: %v, want blob.ErrCorrupt", r, err)
		}
	}
}

// A store that gives another range than the one that was asked for, or all, gives
// no bytes in its place.
func TestOtherRange(t *testing.T) {
	p := newProxy(t)
	s := open(t, newBucket(p))
	if _, err := s.Put(t.Context(), "o/there", bytes.NewReader(blobtest.Random(7, 10_000)), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"", "bytes 0-99/10000", "bytes 5001-5100/10000"} {
		p.set(nil, changeFunc(func(r *http.Response) error {
			r.Header.Set("Content-Range", says)
			return nil
		}))
		if _, _, err := s.Get(t.Context(), "o/there", blob.Range{Offset: 5000, Length: 100}); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%q: %v, want blob.ErrUnavailable", says, err)
		}
	}
}

// The name of a file is known too that another program has stored.
func TestNameOfOthers(t *testing.T) {
	p := newProxy(t)
	s := open(t, newBucket(p))
	if _, err := s.Put(t.Context(), "o/there", strings.NewReader("x"), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	p.set(nil, changeFunc(func(r *http.Response) error {
		r.Header["X-Amz-Meta-Original_filename"] = []string{"export 2026.zip"}
		return nil
	}))
	if info, err := s.Stat(t.Context(), "o/there"); err != nil || info.Filename != "export 2026.zip" || info.Metadata != nil {
		t.Errorf("%+v, %v", info, err)
	}
}

// Bytes that change on the way are noticed.
func TestChangedOnTheWay(t *testing.T) {
	p := newProxy(t)
	s := open(t, newBucket(p))
	data := blobtest.Random(5, 100_000)
	if _, err := s.Put(t.Context(), "o/there", bytes.NewReader(data), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	p.set(nil, changeFunc(func(r *http.Response) error {
		if r.Request.Method != http.MethodGet {
			return nil
		}
		all, err := io.ReadAll(r.Body)
		if err == nil && len(all) > 1000 {
			all[1000] ^= 1
		}
		r.Body = io.NopCloser(bytes.NewReader(all))
		return err
	}))
	if err := calls(s, data)["get"](t.Context()); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("%v, want blob.ErrCorrupt", err)
	}
}

// What a process that died left of uploads is swept; what may be at work is not.
func TestSweep(t *testing.T) {
	p := newProxy(t)
	c := newBucket(p)
	c.Retries = 1
	s := open(t, c)
	data := blobtest.Random(6, 11<<20)
	for name, stays := range map[string]string{"parts": http.MethodDelete, "copy": "x-amz-copy-source"} {
		p.set(func(w http.ResponseWriter, r *http.Request) bool { // it cannot clean up
			if r.Method == http.MethodDelete || r.Header.Get("X-Amz-Copy-Source") != "" || stays == http.MethodDelete && strings.Contains(r.URL.RawQuery, "partNumber=2") {
				return hangUp(w, r)
			}
			return false
		}, nil)
		if _, err := s.Put(t.Context(), "o/"+name, stream(data), blob.PutOptions{}); !errors.Is(err, blob.ErrUnavailable) {
			t.Fatalf("%s: %v", name, err)
		}
		p.set(nil, nil)
	}
	if _, err := s.Put(t.Context(), "o/there", bytes.NewReader(data), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d were removed that may be at work, %v", n, err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 2 || err != nil {
		t.Errorf("%d were removed, %v; want 2", n, err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("%d were left, %v", n, err)
	}
	if err := calls(s, data)["get"](t.Context()); err != nil {
		t.Error(err)
	}
}

// A large file goes through a part's memory, whatever is known about it.
func TestMemory(t *testing.T) {
	p := newProxy(t)
	s := open(t, newBucket(p))
	const size = 160 << 20
	var most atomic.Uint64
	// The server is in this process: what it and the proxy use counts too.
	r := &sampling{r: io.LimitReader(zeros{}, size), most: &most}
	runtime.GC()
	info, err := s.Put(t.Context(), "o/large", r, blob.PutOptions{})
	if err != nil || info.Size != size {
		t.Fatal(info, err)
	}
	t.Logf("%d MB were stored with a heap of %d MB at most", size>>20, most.Load()>>20)
	if limit := uint64(100 << 20); most.Load() > limit {
		t.Errorf("the heap reached %d MB", most.Load()>>20)
	}
	if n := p.count("partNumber="); n < size/(5<<20) {
		t.Errorf("%d parts", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// sampling looks at the heap now and then while it is read.
type sampling struct {
	r    io.Reader
	most *atomic.Uint64
	n    int64
}

func (s *sampling) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.n += int64(n); s.n > 4<<20 {
		s.n = 0
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.most.Store(max(s.most.Load(), m.HeapAlloc))
	}
	return n, err
}

// The rule for temporary objects is added to those of the bucket, once; a store
// that has no lifecycles is no error, but is told.
func TestExpire(t *testing.T) {
	p := newProxy(t)
	c := newBucket(p)
	c.ExpireDays, c.Prefix = 3, "temp/"
	var logged bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	p.set(func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Has("lifecycle") && answer(http.StatusNotImplemented, "NotImplemented")(w, r)
	}, nil)
	open(t, c)
	if !strings.Contains(logged.String(), "does not expire") {
		t.Errorf("log: %s", logged.String())
	}

	rules := `<LifecycleConfiguration><Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter><Expiration><Days>90</Days></Expiration></Rule></LifecycleConfiguration>`
	puts := 0
	p.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("lifecycle") {
			return false
		}
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			rules, puts = string(body), puts+1
			return true
		}
		fmt.Fprint(w, rules)
		return true
	}, nil)
	for range 2 {
		open(t, c)
	}
	for _, want := range []string{"<ID>theirs</ID>", "<Days>90</Days>", "<ID>curatore-temp temp/</ID>", "<Prefix>temp/</Prefix>", "<Days>3</Days>", "<DaysAfterInitiation>1</DaysAfterInitiation>"} {
		if !strings.Contains(rules, want) {
			t.Errorf("the rules lack %s: %s", want, rules)
		}
	}
	if puts != 1 {
		t.Errorf("the rules were written %d times", puts)
	}
}
