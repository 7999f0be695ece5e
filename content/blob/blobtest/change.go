package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// broken gives some bytes and then an error, after a step of the test's.
type broken struct {
	io.Reader
	then func() error
}

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.then()
	}
	return n, err
}

func (s *suite) brokenStream() {
	s.put("o/b", stream([]byte("before")), blob.PutOptions{})
	mistake := errors.New("the client went away")
	for _, size := range []int{0, 10, s.Large / 2, s.Large} {
		for _, key := range []string{"o/b", "o/new"} {
			r := &broken{stream(Random(4, size)), func() error { return mistake }}
			if _, err := s.Put(s.Context(), key, r, blob.PutOptions{}); !errors.Is(err, mistake) {
				s.Errorf("after %d bytes: %v, want the reader's error", size, err)
			}
		}
	}
	s.get("o/b", []byte("before"))
	if keys := s.keys("", ""); !cmp.Equal(keys, []string{"o/b"}) {
		s.Errorf("there are %v", keys)
	}
	s.put("o/large", stream(Random(4, s.Large)), blob.PutOptions{})
	if sweeper, ok := s.Store.(blob.Sweeper); ok {
		if n, err := sweeper.Sweep(s.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
			s.Errorf("%d things of no object are left, %v", n, err)
		}
	}
}

func (s *suite) contextEnds() {
	cause := errors.New("enough")
	data := Random(5, s.Large)
	s.put("o/c", bytes.NewReader(data), blob.PutOptions{})
	for _, size := range []int{10, s.Large} {
		ctx, cancel := context.WithCancelCause(s.Context())
		r := &broken{stream(data[:size]), func() error { cancel(cause); return io.EOF }}
		if _, err := s.Put(ctx, "o/new", r, blob.PutOptions{}); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
			s.Errorf("put of %d bytes: %v, want the end of its context", size, err)
		}
	}
	s.gone("o/new")
	ended, cancel := context.WithCancelCause(s.Context())
	cancel(cause)
	_, errPut := s.Put(ended, "o/new", stream(nil), blob.PutOptions{})
	_, _, errGet := s.Get(ended, "o/c", blob.Range{})
	_, errStat := s.Stat(ended, "o/c")
	_, errCopy := s.Copy(ended, "o/c", "o/new")
	errs := []error{errPut, errGet, errStat, errCopy, s.Delete(ended, "o/c")}
	for _, err := range s.List(ended, "", "") {
		errs = append(errs, err)
		break
	}
	for i, err := range errs {
		if !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
			s.Errorf("call %d: %v, want the end of its context", i, err)
		}
	}

	ctx, cancel := context.WithCancelCause(s.Context())
	body, _, err := s.Get(ctx, "o/c", blob.Range{})
	if err != nil {
		s.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 10)); err != nil {
		s.Fatal(err)
	}
	cancel(cause)
	// What was read ahead may still come, as long as it does not look complete.
	if rest, err := io.ReadAll(body); err == nil && !bytes.Equal(rest, data[10:]) {
		s.Errorf("a stream whose context ended gives %d of %d bytes and no error", len(rest), len(data)-10)
	}
	s.get("o/c", data)
}

func (s *suite) replaces() {
	a, b := Random(6, 70_000), Random(7, 50)
	s.put("o/x", stream(a), blob.PutOptions{Filename: "a.csv", Metadata: map[string]string{"is": "a"}})
	body, _, err := s.Get(s.Context(), "o/x", blob.Range{})
	if err != nil {
		s.Fatal(err)
	}
	defer body.Close()
	s.put("o/x", stream(b), blob.PutOptions{})
	if info := s.get("o/x", b); info.Filename != "" || info.Metadata != nil || info.Size != 50 {
		s.Errorf("what was said about the old object stays: %+v", info)
	}
	// Who reads the old one goes on with it, or is told; nobody gets a mixture.
	if got, err := io.ReadAll(body); err == nil && !bytes.Equal(got, a) {
		s.Error("an open object became another without an error")
	}
	if err := s.Delete(s.Context(), "o/x", "o/none", "o/x"); err != nil {
		s.Fatal(err)
	}
	s.gone("o/x")
	s.put("o/x", stream(a), blob.PutOptions{})
	s.get("o/x", a)
}

func (s *suite) lists() {
	want := []string{"a-b/c", "a/b", "a/b-c", "a/b.d/e", "a/b0", "a/c/d/e", "a/c1", "aa/b", "b/c", "b0"}
	for i := range want {
		s.put(want[(i*7+3)%len(want)], stream([]byte("12345")), blob.PutOptions{})
	}
	if !slices.IsSorted(want) {
		s.Fatal("the test's keys are not in order")
	}
	below := func(prefix, after string) (keys []string) {
		for _, k := range want {
			if strings.HasPrefix(k, prefix) && k > after {
				keys = append(keys, k)
			}
		}
		return keys
	}
	for _, prefix := range []string{"", "a/", "a/c/", "a/b/", "aa/", "b/", "c/"} {
		for _, after := range append([]string{"", "a", "a/b1", "a/c/d", "zz"}, want...) {
			if diff := cmp.Diff(below(prefix, after), s.keys(prefix, after)); diff != "" {
				s.Errorf("below %q after %q (-want +got):\n%s", prefix, after, diff)
			}
		}
	}
	for info, err := range s.List(s.Context(), "a/", "") {
		if err != nil {
			s.Fatal(err)
		}
		if info.Size != 5 || time.Since(info.Modified) > time.Hour {
			s.Errorf("%+v lacks size or time", info)
		}
		break // leaving early is fine
	}
}

func (s *suite) pages() {
	var want []string
	for i := range s.Page*2 + 3 {
		want = append(want, fmt.Sprintf("acme/imports/%05d/%d", i/3, i%3))
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(want, len(want)/4+1) {
		wg.Go(func() {
			for _, key := range part {
				if _, err := s.Put(s.Context(), key, stream([]byte(key)), blob.PutOptions{}); err != nil {
					s.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.put("acme2/imports/1", stream(nil), blob.PutOptions{}) // whose name begins alike
	if diff := cmp.Diff(want, s.keys("acme/", "")); diff != "" {
		s.Fatalf("(-want +got):\n%s", diff)
	}
	seen := 0
	for info, err := range s.List(s.Context(), "acme/", "") {
		if err != nil {
			s.Fatal(err)
		}
		if seen++; seen%10 == 0 {
			if err := s.Delete(s.Context(), info.Key); err != nil {
				s.Fatal(err)
			}
		}
	}
	if seen != len(want) {
		s.Errorf("%d of %d were listed while some were deleted", seen, len(want))
	}
	n, err := blob.DeletePrefix(s.Context(), s.Store, "acme/")
	if err != nil || n != len(want)-seen/10 {
		s.Errorf("%d were deleted, %v; want %d", n, err, len(want)-seen/10)
	}
	if keys := s.keys("", ""); !cmp.Equal(keys, []string{"acme2/imports/1"}) {
		s.Errorf("left are %v", keys)
	}
	for _, prefix := range []string{"", "/", "acme2", "../"} {
		if _, err := blob.DeletePrefix(s.Context(), s.Store, prefix); !errors.Is(err, content.ErrInvalid) {
			s.Errorf("delete all below %q: %v, want content.ErrInvalid", prefix, err)
		}
	}
}

func (s *suite) copies() {
	for i, size := range []int{0, 100, s.Large} {
		from, to := fmt.Sprintf("o/from/%d", i), fmt.Sprintf("o/to/%d", i)
		data := Random(uint64(8+i), size)
		want := s.put(from, stream(data), blob.PutOptions{ContentType: "text/csv", Filename: "ü.csv", Metadata: map[string]string{"a": "é"}})
		info, err := s.Copy(s.Context(), from, to)
		if err != nil {
			s.Fatal(err)
		}
		want.Key = to
		s.same("copy", info, want)
		if err := s.Delete(s.Context(), from); err != nil {
			s.Fatal(err)
		}
		s.same("get", s.get(to, data), want)
	}
	s.put("o/other", stream([]byte("old")), blob.PutOptions{})
	if _, err := s.Copy(s.Context(), "o/to/1", "o/other"); err != nil { // in place of another
		s.Fatal(err)
	}
	s.get("o/other", Random(9, 100))
	if _, err := s.Copy(s.Context(), "o/other", "o/other"); err != nil { // onto itself
		s.Fatal(err)
	}
	s.get("o/other", Random(9, 100))
}

// concurrent: one key is written, read and deleted at once; who reads gets one
// version whole.
func (s *suite) concurrent() {
	versions := map[string]bool{}
	var data [4][]byte
	for i := range data {
		data[i] = Random(uint64(20+i), 10_000+i)
		versions[Sum(data[i])] = true
	}
	var wg sync.WaitGroup
	for i := range data {
		wg.Go(func() {
			for n := range 8 {
				if _, err := s.Put(s.Context(), "o/shared", bytes.NewReader(data[i]), blob.PutOptions{}); err != nil {
					s.Errorf("put: %v", err)
				}
				body, info, err := s.Get(s.Context(), "o/shared", blob.Range{})
				if errors.Is(err, content.ErrNotFound) {
					continue
				}
				if err != nil {
					s.Errorf("get: %v", err)
					continue
				}
				got, err := io.ReadAll(body)
				if err := errors.Join(err, body.Close()); err != nil || !versions[Sum(got)] || info.SHA256 != Sum(got) {
					s.Errorf("read %d bytes that are no version, or not the one of the info, %v", len(got), err)
				}
				if i == 0 && n%3 == 0 {
					if err := s.Delete(s.Context(), "o/shared"); err != nil {
						s.Errorf("delete: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	s.put("o/shared", stream(data[0]), blob.PutOptions{})
	s.get("o/shared", data[0])
}

func (s *suite) local() {
	data := Random(30, s.Large)
	s.put("o/local", stream(data), blob.PutOptions{Filename: "export.zip"})
	dir := s.TempDir()
	f, err := blob.OpenLocal(s.Context(), s.Store, "o/local", Sum(data), blob.Spill{Dir: dir})
	if err != nil {
		s.Fatal(err)
	}
	got := make([]byte, 1000)
	if n, err := f.ReadAt(got, int64(len(data)-500)); n != 500 || err != io.EOF || !bytes.Equal(got[:n], data[len(data)-500:]) {
		s.Errorf("the end: %d bytes, %v", n, err)
	}
	if n, err := f.ReadAt(got, 7); n != 1000 || err != nil || !bytes.Equal(got, data[7:1007]) {
		s.Errorf("the middle: %d bytes, %v", n, err)
	}
	if f.Info.Filename != "export.zip" {
		s.Errorf("info %+v", f.Info)
	}
	if err := f.Close(); err != nil {
		s.Error(err)
	}
	if _, err := blob.OpenLocal(s.Context(), s.Store, "o/local", Sum(nil), blob.Spill{Dir: dir}); !errors.Is(err, blob.ErrCorrupt) {
		s.Errorf("another SHA-256: %v, want blob.ErrCorrupt", err)
	}
	if _, err := blob.OpenLocal(s.Context(), s.Store, "o/none", "", blob.Spill{Dir: dir}); !errors.Is(err, content.ErrNotFound) {
		s.Errorf("no object: %v, want content.ErrNotFound", err)
	}
	if n, err := (blob.Spill{Dir: dir}).Sweep(time.Now().Add(48 * time.Hour)); n != 0 || err != nil {
		s.Errorf("%d local copies are left, %v", n, err)
	}
}

func (s *suite) presigns() {
	signer, ok := s.Store.(blob.Presigner)
	if !ok {
		s.Skip("the store signs no URLs: it is no blob.Presigner")
	}
	data := Random(31, 5000)
	s.put("o/signed", stream(data), blob.PutOptions{ContentType: "text/html", Filename: `a "b".html`})
	address, err := signer.PresignGet(s.Context(), "o/signed", time.Minute)
	if err != nil {
		s.Fatal(err)
	}
	status, header, got := s.http(http.MethodGet, address, nil)
	if status != http.StatusOK || !bytes.Equal(got, data) {
		s.Fatalf("status %d, %d bytes", status, len(got))
	}
	if d := header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
		s.Errorf("Content-Disposition is %q: a browser would show the file, scripts and all, in the store's name", d)
	}
	if status, _, got := s.http(http.MethodGet, strings.Replace(address, "o/signed", "o/secret", 1), nil); status != http.StatusForbidden {
		s.Errorf("a URL for another object: status %d, %.100s", status, got)
	}
	if status, _, _ := s.http(http.MethodPut, address, data); status != http.StatusForbidden {
		s.Errorf("writing to a URL for reading: status %d", status)
	}

	if address, err = signer.PresignPut(s.Context(), "o/sent", time.Minute); err != nil {
		s.Fatal(err)
	}
	if status, _, got := s.http(http.MethodPut, address, data); status != http.StatusOK {
		s.Fatalf("status %d, %s", status, got)
	}
	if info := s.get("o/sent", data); info.SHA256 != "" || info.Size != 5000 {
		s.Errorf("%+v", info)
	}
	for _, valid := range []time.Duration{0, -time.Second, 8 * 24 * time.Hour} {
		if _, err := signer.PresignGet(s.Context(), "o/signed", valid); !errors.Is(err, content.ErrInvalid) {
			s.Errorf("valid for %s: %v, want content.ErrInvalid", valid, err)
		}
	}
}

func (s *suite) http(method, address string, body []byte) (int, http.Header, []byte) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, res.Header, got
}
