// Package sidecar has files read by a server beside the program: Apache Tika or
// docling-serve.
//
// Some files are beyond what Go libraries read well: scans, formats of old office
// programs, tables in a PDF. Servers exist that do, in containers of their own,
// where a file can break nothing else. They differ in address, answer and error; an
// [Extractor] of this package gives what any other gives, and is mostly put behind
// the local one:
//
//	extract.First(local.New(), sidecar.Docling(sidecar.Config{URL: "http://docling:5001"}))
package sidecar

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// A Config says where the server is.
type Config struct {
	URL    string       // "http://tika:9998"
	HTTP   *http.Client // nil is http.DefaultClient
	Limits extract.Limits
	// Header is sent along, such as an API key: {"X-Api-Key": {"…"}}.
	Header http.Header
}

// An Extractor asks a server. It is safe for concurrent use.
type Extractor struct {
	config Config
	limits extract.Limits
	name   string
	read   func(ctx context.Context, e *Extractor, f extract.File) (*extract.Result, error)
}

var _ extract.Extractor = (*Extractor)(nil)

// Tika returns an Extractor that asks a server of Apache Tika (PUT /rmeta/html).
func Tika(c Config) *Extractor { return newExtractor(c, "tika/1", tika) }

// Docling returns an Extractor that asks docling-serve (POST /v1/convert/file).
func Docling(c Config) *Extractor { return newExtractor(c, "docling/1", docling) }

func newExtractor(c Config, name string, read func(context.Context, *Extractor, extract.File) (*extract.Result, error)) *Extractor {
	c.URL = strings.TrimSuffix(c.URL, "/")
	return &Extractor{config: c, limits: c.Limits.WithDefaults(), name: name, read: read}
}

// Name implements extract.Extractor.
func (e *Extractor) Name() string { return e.name }

// Extract implements extract.Extractor. A server that cannot be reached, or is ill,
// is an error whose status is extract.Failed: the file is read again another time.
func (e *Extractor) Extract(ctx context.Context, f extract.File) (*extract.Result, error) {
	if f.Size > e.limits.FileBytes {
		return nil, fmt.Errorf("%w: it has %d bytes; the limit is %d", extract.ErrTooLarge, f.Size, e.limits.FileBytes)
	}
	r, err := extract.Guard(ctx, e.limits.Time, f, func(ctx context.Context, f extract.File) (*extract.Result, error) { return e.read(ctx, e, f) })
	if err != nil {
		return nil, err
	}
	left := e.limits.TextBytes
	for i := range r.Parts {
		if p := &r.Parts[i]; int64(len(p.Text)) > left {
			p.Text = strings.ToValidUTF8(p.Text[:left], "")
			r.Notes = append(r.Notes, fmt.Sprintf("the text is longer than %d bytes and was cut", e.limits.TextBytes))
			r.Parts = r.Parts[:i+1]
			break
		}
		left -= int64(len(r.Parts[i].Text))
	}
	r.Quality = extract.Judge(r.Text())
	return r, nil
}

// do sends a request and returns the answer. Statuses that say something about the
// file become errors of package extract.
func (e *Extractor) do(ctx context.Context, method, at string, body io.Reader, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, e.config.URL+at, body)
	if err != nil {
		return nil, err
	}
	for _, h := range []http.Header{e.config.Header, header} {
		for k, v := range h {
			req.Header[http.CanonicalHeaderKey(k)] = v
		}
	}
	resp, err := cmp.Or(e.config.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("ask %s: %w", e.name, err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(io.LimitReader(resp.Body, e.limits.DecodedBytes+1))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("the answer of %s: %w", e.name, err)
	case int64(len(b)) > e.limits.DecodedBytes:
		return nil, fmt.Errorf("%w: the answer of %s has more than %d bytes", extract.ErrTooLarge, e.name, e.limits.DecodedBytes)
	}
	said := fmt.Errorf("%s answers %d: %.300s", e.name, resp.StatusCode, strings.TrimSpace(strings.ToValidUTF8(string(b), "")))
	switch resp.StatusCode {
	case http.StatusOK:
		return b, nil
	case http.StatusNoContent:
		return nil, nil
	case http.StatusUnsupportedMediaType:
		return nil, fmt.Errorf("%w: %w", extract.ErrUnsupported, said)
	case http.StatusRequestEntityTooLarge:
		return nil, fmt.Errorf("%w: %w", extract.ErrTooLarge, said)
	case http.StatusUnprocessableEntity:
		return nil, wrongFile(said)
	}
	return nil, said
}

// wrongFile tells a locked file from a broken one by what the server says.
func wrongFile(said error) error {
	text := strings.ToLower(said.Error())
	if strings.Contains(text, "encrypt") || strings.Contains(text, "password") {
		return fmt.Errorf("%w: %w", extract.ErrEncrypted, said)
	}
	return fmt.Errorf("%w: %w", extract.ErrBroken, said)
}

func nameOf(f extract.File) string {
	return cmp.Or(path.Base(strings.ReplaceAll(f.Name, `\`, "/")), "file")
}

// tika asks for the metadata and the text, as XHTML, of a file and of those in it.
func tika(ctx context.Context, e *Extractor, f extract.File) (*extract.Result, error) {
	header := http.Header{"Accept": {"application/json"}, "Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": nameOf(f)})}}
	if f.ContentType != "" {
		header.Set("Content-Type", f.ContentType)
	} else {
		header.Set("Content-Type", "application/octet-stream")
	}
	b, err := e.do(ctx, http.MethodPut, "/rmeta/html", io.NewSectionReader(f.ReaderAt, 0, f.Size), header)
	if err != nil {
		return nil, err
	}
	var documents []map[string]any
	if len(b) > 0 {
		if err := json.Unmarshal(b, &documents); err != nil {
			return nil, fmt.Errorf("the answer of tika: %w", err)
		}
	}
	r := &extract.Result{}
	for i, d := range documents {
		text := func(keys ...string) string {
			for _, k := range keys {
				switch v := d[k].(type) {
				case string:
					return v
				case []any:
					if len(v) > 0 {
						s, _ := v[0].(string)
						return s
					}
				}
			}
			return ""
		}
		for k, v := range d {
			if strings.HasPrefix(k, "X-TIKA:EXCEPTION:") {
				said := fmt.Errorf("tika: %.300s", strings.SplitN(fmt.Sprint(v), "\n", 2)[0])
				if i == 0 && text("X-TIKA:content") == "" {
					return nil, wrongFile(said)
				}
				r.Notes = append(r.Notes, said.Error())
			}
		}
		name := ""
		if i == 0 {
			r.ContentType, _, _ = mime.ParseMediaType(text("Content-Type"))
			r.Title, r.Author, r.Language = text("dc:title"), text("dc:creator"), text("dc:language", "language")
			r.Created, r.Modified = timeOf(text("dcterms:created")), timeOf(text("dcterms:modified"))
			if n := text("xmpTPg:NPages"); n != "" {
				r.Metadata = map[string]string{"pages": n}
			}
		} else {
			name = text("resourceName", "X-TIKA:embedded_resource_path")
		}
		parts, err := partsOf(text("X-TIKA:content"), name)
		if err != nil {
			return nil, err
		}
		r.Parts = append(r.Parts, parts...)
	}
	return r, nil
}

// partsOf makes Markdown of XHTML, with the pages that Tika marks.
func partsOf(xhtml, name string) ([]extract.Part, error) {
	doc, err := local.ParseHTML([]byte(xhtml), "text/html; charset=utf-8")
	if err != nil {
		return nil, err
	}
	var pages []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "div" && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "class" && a.Val == "page" }) {
			pages = append(pages, n)
		}
	}
	if len(pages) == 0 || name != "" {
		text, err := local.Markdown(doc, "")
		return []extract.Part{{Name: name, Text: text}}, err
	}
	parts := make([]extract.Part, len(pages))
	for i, p := range pages {
		text, err := local.Markdown(p, "")
		if err != nil {
			return nil, err
		}
		parts[i] = extract.Part{Kind: extract.Page, Number: i + 1, Text: text}
	}
	return parts, nil
}

func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// pageBreak is what docling is asked to write between pages.
const pageBreak = "<!-- curatore page break -->"

// docling asks for Markdown.
func docling(ctx context.Context, e *Extractor, f extract.File) (*extract.Result, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, field := range [][2]string{{"to_formats", "md"}, {"image_export_mode", "placeholder"}, {"md_page_break_placeholder", pageBreak}, {"abort_on_error", "false"}} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return nil, err
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {mime.FormatMediaType("form-data", map[string]string{"name": "files", "filename": nameOf(f)})},
		"Content-Type":        {cmp.Or(f.ContentType, "application/octet-stream")},
	})
	if err == nil {
		_, err = io.Copy(part, io.NewSectionReader(f.ReaderAt, 0, f.Size))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	b, err := e.do(ctx, http.MethodPost, "/v1/convert/file", &form, http.Header{"Content-Type": {w.FormDataContentType()}, "Accept": {"application/json"}})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Document struct {
			Markdown string `json:"md_content"`
		} `json:"document"`
		Status string `json:"status"`
		Errors []struct {
			Message string `json:"error_message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("the answer of docling: %w", err)
	}
	var said []string
	for _, e := range answer.Errors {
		said = append(said, e.Message)
	}
	r := &extract.Result{ContentType: f.ContentType}
	switch answer.Status {
	case "success":
	case "partial_success":
		r.Notes = append(r.Notes, cmp.Or(strings.Join(said, "; "), "docling could not read all of it"))
	case "skipped":
		return nil, fmt.Errorf("%w: docling skips it: %.300s", extract.ErrUnsupported, strings.Join(said, "; "))
	default:
		return nil, wrongFile(fmt.Errorf("docling says %q: %.300s", answer.Status, strings.Join(said, "; ")))
	}
	pages := strings.Split(answer.Document.Markdown, pageBreak)
	for i, text := range pages {
		p := extract.Part{Kind: extract.Page, Number: i + 1, Text: strings.TrimSpace(text)}
		if len(pages) == 1 {
			p.Kind, p.Number = extract.Body, 0
		}
		r.Parts = append(r.Parts, p)
	}
	if len(pages) > 1 {
		r.Metadata = map[string]string{"pages": strconv.Itoa(len(pages))}
	}
	return r, nil
}
