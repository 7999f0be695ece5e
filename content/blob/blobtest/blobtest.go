// Package blobtest holds the conformance suite of object stores.
//
// Stores differ where it hurts: in the order of listings, in what is left after a
// broken upload, in whether a stream that was cut short is an error. [Run] checks
// all that package blob promises. A Store's test is a few lines:
//
//	func TestConformance(t *testing.T) {
//		blobtest.Run(t, blobtest.Config{New: func(t *testing.T) blob.Store { ... }})
//	}
package blobtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// Config says what to check.
type Config struct {
	// New makes an empty Store, which ends with the test.
	New func(t *testing.T) blob.Store
	// Large is the size of the largest object of the suite, more than the Store
	// takes at once; 0 is 1 MB.
	Large int
	// Page is how many objects the Store lists or deletes at once; the suite
	// makes some more. 0 is 50.
	Page int
}

// Run runs the suite as sub-tests.
func Run(t *testing.T, c Config) {
	if c.Large == 0 {
		c.Large = 1 << 20
	}
	if c.Page == 0 {
		c.Page = 50
	}
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"gives back what was stored", (*suite).roundTrip},
		{"keeps what is said about an object", (*suite).metadata},
		{"refuses what cannot be said", (*suite).badOptions},
		{"reads ranges", (*suite).ranges},
		{"knows what is not there", (*suite).notFound},
		{"refuses keys", (*suite).badKeys},
		{"checks size and SHA-256", (*suite).promises},
		{"stores nothing of a broken stream", (*suite).brokenStream},
		{"ends with its context", (*suite).contextEnds},
		{"replaces objects", (*suite).replaces},
		{"lists in the order of keys", (*suite).lists},
		{"lists page after page", (*suite).pages},
		{"copies", (*suite).copies},
		{"is used by many at once", (*suite).concurrent},
		{"opens for random access", (*suite).local},
		{"signs URLs", (*suite).presigns},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&suite{T: t, Config: c, Store: c.New(t)}) })
	}
}

type suite struct {
	*testing.T
	Config
	blob.Store
}

// Random returns bytes that compress badly and repeat nowhere, the same for the
// same seed.
func Random(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// Sum returns the SHA-256 of bytes as Info has it.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// stream hides that a reader can seek.
func stream(b []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(b)} }

func (s *suite) put(key string, r io.Reader, o blob.PutOptions) blob.Info {
	s.Helper()
	info, err := s.Put(s.Context(), key, r, o)
	if err != nil {
		s.Fatal(err)
	}
	return info
}

// get reads an object and checks it.
func (s *suite) get(key string, want []byte) blob.Info {
	s.Helper()
	body, info, err := s.Get(s.Context(), key, blob.Range{})
	if err != nil {
		s.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil {
		s.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		s.Fatalf("object %s has %d bytes with SHA-256 %s, want %d with %s", key, len(got), Sum(got), len(want), Sum(want))
	}
	return info
}

func (s *suite) gone(key string) {
	s.Helper()
	if _, err := s.Stat(s.Context(), key); !errors.Is(err, content.ErrNotFound) {
		s.Errorf("object %s: %v, want it not to be there", key, err)
	}
}

// keys lists.
func (s *suite) keys(prefix, after string) (keys []string) {
	s.Helper()
	for info, err := range s.List(s.Context(), prefix, after) {
		if err != nil {
			s.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// same compares Infos but for the time, which is one of now.
func (s *suite) same(what string, got, want blob.Info) {
	s.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(blob.Info{}, "Modified")); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
	if age := time.Since(got.Modified); age < -time.Hour || age > time.Hour || got.Modified.Location() != time.UTC {
		s.Errorf("%s: it was modified %v, want a time of now in UTC", what, got.Modified)
	}
}

func (s *suite) roundTrip() {
	for i, size := range []int{0, 1, 4096, s.Large/2 + 1, s.Large} {
		data := Random(uint64(i), size)
		want := blob.Info{Size: int64(size), SHA256: Sum(data), ContentType: "application/octet-stream"}
		for name, r := range map[string]io.Reader{"seekable": bytes.NewReader(data), "stream": stream(data)} {
			want.Key = "o/" + name + "/" + string(rune('a'+i))
			s.same("put", s.put(want.Key, r, blob.PutOptions{}), want)
			s.same("get", s.get(want.Key, data), want)
			info, err := s.Stat(s.Context(), want.Key)
			if err != nil {
				s.Fatal(err)
			}
			s.same("stat", info, want)
		}
	}
	// What is known beforehand changes nothing, and a reader is read from where it stands.
	data := Random(9, s.Large)
	s.put("o/known", stream(data), blob.PutOptions{Size: int64(len(data)), SHA256: Sum(data)})
	s.get("o/known", data)
	r := bytes.NewReader(data)
	if _, err := r.Seek(100, io.SeekStart); err != nil {
		s.Fatal(err)
	}
	s.put("o/rest", r, blob.PutOptions{})
	s.get("o/rest", data[100:])
}

func (s *suite) metadata() {
	o := blob.PutOptions{ContentType: "text/csv; charset=utf-8", Filename: `C:\Exports\Übersicht "2026" 100%.csv`,
		Metadata: map[string]string{"source": "salesforce", "note": "a b/c?d=é 日本 %41 \t end", "empty": ""}}
	want := blob.Info{Key: "o/m", Size: 3, SHA256: Sum([]byte("abc")), ContentType: o.ContentType, Filename: `Übersicht "2026" 100%.csv`, Metadata: o.Metadata}
	s.same("put", s.put("o/m", stream([]byte("abc")), o), want)
	s.same("get", s.get("o/m", []byte("abc")), want)
	info, err := s.Stat(s.Context(), "o/m")
	if err != nil {
		s.Fatal(err)
	}
	s.same("stat", info, want)
	// Of a large object too.
	large := Random(1, s.Large)
	s.put("o/l", stream(large), o)
	if info := s.get("o/l", large); info.Filename != want.Filename || !cmp.Equal(info.Metadata, want.Metadata) || info.ContentType != want.ContentType {
		s.Errorf("of a large object: %+v", info)
	}
}

func (s *suite) badOptions() {
	for name, o := range map[string]blob.PutOptions{
		"type":      {ContentType: "text"},
		"injection": {ContentType: "text/plain\r\nX-Evil: 1"},
		"size":      {Size: -1},
		"sum":       {SHA256: "abc"},
		"upper sum": {SHA256: "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"},
		"name":      {Metadata: map[string]string{"Upper": "x"}},
		"no name":   {Metadata: map[string]string{"": "x"}},
		"own name":  {Metadata: map[string]string{"sha256": "x"}},
		"value":     {Metadata: map[string]string{"a": "\xff"}},
		"too much":  {Metadata: map[string]string{"a": string(bytes.Repeat([]byte("x"), 2000))}},
	} {
		if _, err := s.Put(s.Context(), "o/bad", stream([]byte("x")), o); !errors.Is(err, content.ErrInvalid) {
			s.Errorf("%s: %v, want content.ErrInvalid", name, err)
		}
	}
	s.gone("o/bad")
}

func (s *suite) ranges() {
	data := Random(2, 100_000)
	s.put("o/r", bytes.NewReader(data), blob.PutOptions{})
	for _, c := range []struct {
		blob.Range
		want []byte
	}{
		{blob.Range{}, data},
		{blob.Range{Length: 10}, data[:10]},
		{blob.Range{Offset: 99_990}, data[99_990:]},
		{blob.Range{Offset: 500, Length: 70_000}, data[500:70_500]},
		{blob.Range{Offset: 99_999, Length: 1}, data[99_999:]},
		{blob.Range{Offset: 99_000, Length: 1 << 40}, data[99_000:]},
	} {
		body, info, err := s.Get(s.Context(), "o/r", c.Range)
		if err != nil {
			s.Fatalf("range %+v: %v", c.Range, err)
		}
		got, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil || !bytes.Equal(got, c.want) {
			s.Errorf("range %+v: %d bytes, %v; want %d", c.Range, len(got), err, len(c.want))
		}
		if info.Size != int64(len(data)) || info.SHA256 != Sum(data) {
			s.Errorf("range %+v: info %+v is not of the whole object", c.Range, info)
		}
	}
	s.put("o/e", stream(nil), blob.PutOptions{})
	for key, r := range map[string]blob.Range{"o/r": {Offset: 100_000}, "o/e": {Length: 1}} {
		if _, _, err := s.Get(s.Context(), key, r); !errors.Is(err, content.ErrInvalid) {
			s.Errorf("range %+v of %s: %v, want content.ErrInvalid", r, key, err)
		}
	}
	for _, r := range []blob.Range{{Offset: -1}, {Length: -5}} {
		if _, _, err := s.Get(s.Context(), "o/r", r); !errors.Is(err, content.ErrInvalid) {
			s.Errorf("range %+v: %v, want content.ErrInvalid", r, err)
		}
	}
}

func (s *suite) notFound() {
	ctx := s.Context()
	s.put("o/there", stream(nil), blob.PutOptions{})
	for _, key := range []string{"o/none", "o/there/below", "none/at/all"} {
		_, _, errGet := s.Get(ctx, key, blob.Range{})
		_, _, errRange := s.Get(ctx, key, blob.Range{Offset: 5})
		_, errStat := s.Stat(ctx, key)
		_, errCopy := s.Copy(ctx, key, "o/copy")
		for name, err := range map[string]error{"get": errGet, "range": errRange, "stat": errStat, "copy": errCopy} {
			if !errors.Is(err, content.ErrNotFound) {
				s.Errorf("%s %s: %v, want content.ErrNotFound", name, key, err)
			}
		}
		if err := s.Delete(ctx, key); err != nil {
			s.Errorf("delete %s: %v", key, err)
		}
	}
	s.gone("o/copy")
	if err := s.Delete(ctx); err != nil {
		s.Errorf("delete nothing: %v", err)
	}
	if keys := s.keys("none/", ""); len(keys) != 0 {
		s.Errorf("an empty prefix lists %v", keys)
	}
}

// BadKeys are no keys: ways out of a directory, names with a meaning to a file
// system or a URL, and what is too long.
func BadKeys() []string {
	long := string(bytes.Repeat([]byte("a"), 129))
	return []string{"", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "..a", ".a", "a.", "a/b./c", `a\b`, `..\a`, "A", "a b", "a\x00b", "a\n",
		"é", "a@b", "a@info", "a%2e%2e", "a?b", "a#b", "a:b", "a*b", "~a", "-a", "_a", "c:/a", long, "a/" + long, string(bytes.Repeat([]byte("ab/"), 301)) + "c"}
}

func (s *suite) badKeys() {
	ctx := s.Context()
	s.put("a/b", stream([]byte("x")), blob.PutOptions{})
	for _, key := range BadKeys() {
		_, errPut := s.Put(ctx, key, stream([]byte("y")), blob.PutOptions{})
		_, _, errGet := s.Get(ctx, key, blob.Range{})
		_, errStat := s.Stat(ctx, key)
		_, errFrom := s.Copy(ctx, key, "c")
		_, errTo := s.Copy(ctx, "a/b", key)
		errs := map[string]error{"put": errPut, "get": errGet, "stat": errStat, "copy from": errFrom, "copy to": errTo, "delete": s.Delete(ctx, key)}
		if signer, ok := s.Store.(blob.Presigner); ok {
			_, errs["sign get"] = signer.PresignGet(ctx, key, time.Minute)
			_, errs["sign put"] = signer.PresignPut(ctx, key, time.Minute)
		}
		for name, err := range errs {
			if !errors.Is(err, content.ErrInvalid) {
				s.Errorf("%s %q: %v, want content.ErrInvalid", name, key, err)
			}
		}
	}
	for _, prefix := range []string{"a", "a/b", "/", "../", "a//", ".", "A/"} {
		listed, failure := 0, error(nil)
		for _, err := range s.List(ctx, prefix, "") {
			listed, failure = listed+1, err
		}
		if listed != 1 || !errors.Is(failure, content.ErrInvalid) {
			s.Errorf("list %q: %d, %v, want content.ErrInvalid", prefix, listed, failure)
		}
	}
	if keys := s.keys("", ""); !cmp.Equal(keys, []string{"a/b"}) {
		s.Errorf("there are %v", keys)
	}
}

func (s *suite) promises() {
	s.put("o/p", stream([]byte("before")), blob.PutOptions{})
	for _, size := range []int{10, s.Large} {
		data := Random(3, size)
		other := Sum([]byte("other"))
		for name, o := range map[string]blob.PutOptions{
			"too few":   {Size: int64(size) + 1},
			"too many":  {Size: int64(size) - 1},
			"other sum": {SHA256: other},
			"both":      {Size: int64(size), SHA256: other},
		} {
			for kind, r := range map[string]io.Reader{"seekable": bytes.NewReader(data), "stream": stream(data)} {
				if _, err := s.Put(s.Context(), "o/p", r, o); !errors.Is(err, content.ErrInvalid) {
					s.Errorf("%s, %s, %d bytes: %v, want content.ErrInvalid", name, kind, size, err)
				}
			}
		}
	}
	// A stream that does not end is not read on when more came than was announced.
	r := &broken{stream(Random(3, 4*s.Large)), func() error { return errors.New("it was read to its end") }}
	if _, err := s.Put(s.Context(), "o/p", r, blob.PutOptions{Size: 10}); !errors.Is(err, content.ErrInvalid) {
		s.Errorf("a stream without an end: %v, want content.ErrInvalid", err)
	}
	s.get("o/p", []byte("before"))
	if keys := s.keys("", ""); !cmp.Equal(keys, []string{"o/p"}) {
		s.Errorf("there are %v", keys)
	}
}
