package rest_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/rest"
)

// Small and large bodies arrive as they are, and can be read anywhere; what breaks
// off is fetched again from its beginning.
func TestDownload(t *testing.T) {
	for name, size := range map[string]int{"nothing": 0, "small": 100, "just in memory": 1 << 20, "just on disk": 1<<20 + 1, "large": 5 << 20} {
		t.Run(name, func(t *testing.T) {
			want := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
			attempts := 0
			client, _ := service(t, newClock(), func(w http.ResponseWriter, _ *http.Request) {
				if attempts++; attempts == 1 && size > 0 {
					w.Header().Set("Content-Length", strconv.Itoa(size))
					_, _ = w.Write(want[:size/2])
					return
				}
				_, _ = w.Write(want)
			})
			d, err := client.Download(t.Context(), rest.Request{Path: "/file", MaxBody: 6 << 20})
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size))
			sum := sha256.Sum256(want)
			if err != nil || !bytes.Equal(got, want) || d.SHA256 != hex.EncodeToString(sum[:]) || attempts > 2 {
				t.Errorf("%v: %d of %d bytes, %d attempts", err, len(got), size, attempts)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is too large is not read to its end, whether it says so, hides its size, or
// is packed; and it is not asked for again.
func TestDownloadTooLarge(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 4 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	for name, handle := range map[string]http.HandlerFunc{
		"it says so": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000000000")
			_, _ = w.Write(make([]byte, 1000))
		},
		"without an end": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"packed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			client, _ := service(t, newClock(), func(w http.ResponseWriter, r *http.Request) {
				attempts++
				handle(w, r)
			})
			if _, err := client.Download(t.Context(), rest.Request{Path: "/file", MaxBody: 2 << 20}); !errors.Is(err, rest.ErrTooLarge) || attempts != 1 {
				t.Errorf("after %d attempts: %v", attempts, err)
			}
			attempts = 0
			if _, err := client.Do(t.Context(), rest.Request{Path: "/file", MaxBody: 2 << 20}); !errors.Is(err, rest.ErrTooLarge) || attempts != 1 {
				t.Errorf("into memory, after %d attempts: %v", attempts, err)
			}
		})
	}
}

// A download costs no more memory than a page of it.
func TestDownloadMemory(t *testing.T) {
	const size = 32 << 20
	var before, during runtime.MemStats
	client, _ := service(t, newClock(), func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for range size / len(chunk) {
			_, _ = w.Write(chunk)
		}
		runtime.GC()
		runtime.ReadMemStats(&during)
	})
	runtime.GC()
	runtime.ReadMemStats(&before)
	d, err := client.Download(t.Context(), rest.Request{Path: "/file", MaxBody: 2 * size})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); d.Size != size || grown > 8<<20 {
		t.Errorf("%d bytes took %d bytes of memory", d.Size, grown)
	}
}

// A page of a proxy in the place of a file is told by both, its header and its
// bytes.
func TestDownloadPage(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body string
		page              bool
	}{
		"a sign-in page":              {"text/html; charset=utf-8", "<!DOCTYPE html><html><body>Sign in", true},
		"a file that says it is one":  {"text/html", "%PDF-1.7", false},
		"a page that says it is none": {"application/pdf", "<html>", false},
		"nothing":                     {"text/html", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := service(t, newClock(), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				_, _ = io.WriteString(w, c.body)
			})
			d, err := client.Download(t.Context(), rest.Request{Path: "/file"})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if d.Page() != c.page {
				t.Errorf("Page is %v", d.Page())
			}
		})
	}
}

// The secret of a client does not follow a token service that sends it elsewhere.
func TestTokenServiceThatRedirects(t *testing.T) {
	var got string
	_, stranger := service(t, newClock(), func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
	})
	for _, status := range []int{302, 307, 308} {
		_, login := service(t, newClock(), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, stranger.URL, status) })
		clock := newClock()
		client, _ := service(t, clock, func(http.ResponseWriter, *http.Request) {}, func(c *rest.Config) {
			c.Auth = &rest.ClientCredentials{TokenURL: login.URL, ID: "me", Secret: rest.NewSecret("canary-secret"), HTTP: login.Client(), Now: clock.now}
		})
		_, err := client.Do(t.Context(), rest.Request{Path: "/x"})
		if err == nil || got != "" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%d: %v; the stranger got %q", status, err, got)
		}
	}
}

// An address is one of the service only on its own host, over its own scheme.
func TestOwn(t *testing.T) {
	client, server := service(t, newClock(), func(http.ResponseWriter, *http.Request) {})
	for address, own := range map[string]bool{
		server.URL + "/v1/next?page=2": true, "/v1/next": true, "http://elsewhere.example/v1/next": false,
		strings.Replace(server.URL, "http://", "https://", 1) + "/v1": false, "http://user@" + strings.TrimPrefix(server.URL, "http://") + "/v1": false, "file:///etc/passwd": false,
	} {
		if err := client.Own(address); (err == nil) != own {
			t.Errorf("%s: %v", address, err)
		}
	}
}
