package sidecar_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
	"github.com/curatore/curatore-go/content/extract/sidecar"
)

func file(name, text string) extract.File {
	return extract.File{Name: name, Size: int64(len(text)), ReaderAt: strings.NewReader(text)}
}

// tika answers as Tika 3 does. The first word of the file says how it ends.
func tika(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.URL.Path != "/rmeta/html" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if r.Header.Get("X-Api-Key") != "k" || !strings.Contains(r.Header.Get("Content-Disposition"), "filename=scan.pdf") {
			t.Errorf("the header: %v", r.Header)
		}
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch string(b) {
		case "pages":
			_, _ = io.WriteString(w, `[{"Content-Type":"application/pdf; version=1.7","dc:title":"Lease","dc:creator":["Ann","Bob"],"dcterms:created":"2026-01-31T10:00:00Z","xmpTPg:NPages":"2",
				"X-TIKA:content":"<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><meta name=\"pdf:PDFVersion\" content=\"1.7\"/><title>Lease</title></head><body><div class=\"page\"><p/>\n<h1>Rent</h1><p>First page</p></div><div class=\"page\"><p>Second page</p></div></body></html>"},
				{"Content-Type":"text/plain","resourceName":"note.txt","X-TIKA:embedded_depth":"1","X-TIKA:content":"<html><body><p>Attached</p></body></html>"}]`)
		case "locked":
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, "org.apache.tika.exception.EncryptedDocumentException: Unable to process: document is encrypted")
		case "locked inside":
			_, _ = io.WriteString(w, `[{"Content-Type":"application/pdf","X-TIKA:EXCEPTION:runtime":"org.apache.tika.exception.EncryptedDocumentException: password\n\tat x.y"}]`)
		case "broken":
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, "org.apache.tika.exception.TikaException: Unexpected RuntimeException")
		case "unknown":
			w.WriteHeader(http.StatusUnsupportedMediaType)
		case "ill":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "nonsense":
			_, _ = io.WriteString(w, "<html>")
		case "slow":
			<-r.Context().Done()
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTika(t *testing.T) {
	e := sidecar.Tika(sidecar.Config{URL: tika(t).URL + "/", Header: http.Header{"X-Api-Key": {"k"}}, Limits: extract.Limits{Time: 20 * time.Second}})
	r, err := e.Extract(t.Context(), file("scan.pdf", "pages"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("# Rent\n\nFirst page\n\nSecond page\n\nAttached", r.Text()); diff != "" {
		t.Error(diff)
	}
	want := []content.Location{{Offset: 0, Label: "page 1"}, {Offset: 20, Label: "page 2"}, {Offset: 33, Label: "note.txt"}}
	if diff := cmp.Diff(want, r.Locations()); diff != "" {
		t.Error(diff)
	}
	if r.Title != "Lease" || r.Author != "Ann" || r.ContentType != "application/pdf" || r.Metadata["pages"] != "2" || r.Created.Year() != 2026 || r.Quality < .9 {
		t.Errorf("%+v", r)
	}
	for text, status := range map[string]extract.Status{"locked": extract.Encrypted, "locked inside": extract.Encrypted, "broken": extract.Broken, "unknown": extract.Unsupported, "ill": extract.Failed, "nonsense": extract.Failed} {
		if r, err := e.Extract(t.Context(), file("scan.pdf", text)); extract.StatusOf(r, err) != status {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTime(t *testing.T) {
	e := sidecar.Tika(sidecar.Config{URL: tika(t).URL, Header: http.Header{"X-Api-Key": {"k"}}, Limits: extract.Limits{Time: 50 * time.Millisecond}})
	if r, err := e.Extract(t.Context(), file("scan.pdf", "slow")); extract.StatusOf(r, err) != extract.TimedOut {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if _, err := e.Extract(ctx, file("scan.pdf", "pages")); !errors.Is(err, enough) {
		t.Error(err)
	}
}

// docling answers as docling-serve 1 does.
func docling(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, header, err := r.FormFile("files")
		if r.Method != http.MethodPost || r.URL.Path != "/v1/convert/file" || err != nil || header.Filename != "scan.pdf" || r.FormValue("to_formats") != "md" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		b, _ := io.ReadAll(f)
		w.Header().Set("Content-Type", "application/json")
		answer := func(status, markdown, errors string) {
			_, _ = fmt.Fprintf(w, `{"document":{"filename":"scan.pdf","md_content":%q,"json_content":null,"html_content":null},"status":%q,"errors":[%s],"processing_time":0.1,"timings":{}}`, markdown, status, errors)
		}
		switch string(b) {
		case "skipped":
			answer("skipped", "", "")
		case "failure":
			answer("failure", "", `{"component_type":"document_backend","module_name":"x","error_message":"Incorrect password"}`)
		case "partial":
			answer("partial_success", "Some", `{"component_type":"model","module_name":"x","error_message":"page 2 failed"}`)
		default:
			answer("success", "# Read\n\nby a machine\n\n"+r.FormValue("md_page_break_placeholder")+"\n\nSecond", "")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestDocling(t *testing.T) {
	e := sidecar.Docling(sidecar.Config{URL: docling(t).URL})
	for text, status := range map[string]extract.Status{"x": extract.OK, "skipped": extract.Unsupported, "failure": extract.Encrypted, "partial": extract.Partial} {
		if r, err := e.Extract(t.Context(), file("scan.pdf", text)); extract.StatusOf(r, err) != status {
			t.Errorf("%s: %v, %+v", text, err, r)
		}
	}
	r, err := e.Extract(t.Context(), file("scan.pdf", "x"))
	if err != nil || r.Text() != "# Read\n\nby a machine\n\nSecond" || len(r.Locations()) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What the program itself cannot read goes to the server; what it can does not.
func TestFirst(t *testing.T) {
	e := extract.First(local.New(), sidecar.Docling(sidecar.Config{URL: docling(t).URL}))
	if e.Name() != "local/3+docling/1" {
		t.Error(e.Name())
	}
	for _, c := range []struct{ name, text, want string }{
		{"scan.txt", "plain", "plain"},
		{"scan.pdf", "\x00\x01\x02\x03", "# Read\n\nby a machine\n\nSecond"},
	} {
		r, err := e.Extract(t.Context(), file(c.name, c.text))
		if err != nil || r.Text() != c.want {
			t.Errorf("%s: %v, %v", c.name, r, err)
		}
	}
	down := extract.First(local.New(), sidecar.Docling(sidecar.Config{URL: "http://127.0.0.1:1"}))
	if r, err := down.Extract(t.Context(), file("empty.txt", "")); err != nil || extract.StatusOf(r, err) != extract.Empty {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := down.Extract(t.Context(), file("a.bin", "\x00\x01")); extract.StatusOf(r, err) != extract.Failed {
		t.Errorf("%v, %v: it would not be tried again", r, err)
	}
}
