package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/guard"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// pageReader identifies how pages are read; under another name they are read again.
const pageReader = "web/2"

// missesToDelete is how often a page must be gone in a row.
const missesToDelete = 2

// A fetched is what came of one target.
type fetched struct {
	target
	at       string // the address behind redirects
	old      *ScrapedAsset
	row      *ScrapedAsset // what is to be stored; old when nothing changed
	links    []string
	decision string
	reason   string
	remove   bool   // what is stored is to be deleted
	instead  string // the address that the page says is its own
	err      error  // that ends the crawl
}

// fetch reads one address.
func (w *walk) fetch(ctx context.Context, t target) (f fetched) {
	f = fetched{target: t, at: t.url}
	defer func() {
		if ctx.Err() != nil {
			f.err = context.Cause(ctx)
		}
	}()
	u, err := url.Parse(t.url)
	if err != nil {
		f.err = err
		return f
	}
	if !w.c.IgnoreRobots {
		if ok, why := w.web.allowed(ctx, u); !ok {
			f.decision, f.reason = Skipped, why
			return f
		}
	}
	if f.old, f.err = w.stored(ctx, t.url); f.err != nil {
		return f
	}
	a, err := w.web.get(ctx, u, f.validators(w.keeper.Extractor), bound{bytes: w.settings.MaxBytes}, maxRedirects, func(to *url.URL) error {
		if why := w.rules.excluded(to); why != "" && !t.seed || !w.rules.host(to.Host) {
			return &stop{fmt.Sprintf("to %s: %s", to, why)}
		}
		if !w.c.IgnoreRobots {
			if ok, why := w.web.allowed(ctx, to); !ok {
				return &stop{fmt.Sprintf("to %s: %s", to, why)}
			}
		}
		return nil
	})
	var stopped *stop
	switch {
	case errors.As(err, &stopped):
		f.decision, f.reason = Redirected, stopped.reason
		return f
	case err != nil:
		f.decision, f.reason = Broken, err.Error()
		if refused := (*guard.Refused)(nil); errors.As(err, &refused) {
			f.decision = Skipped
		}
		return f
	}
	if f.at = a.url.String(); f.at != t.url {
		if f.old, f.err = w.stored(ctx, f.at); f.err != nil {
			return f
		}
	}
	switch a.status {
	case http.StatusOK:
		f.read(ctx, w, a)
	case http.StatusNotModified:
		if f.old == nil {
			f.decision, f.reason = Broken, "it answers 304, and was not asked whether it has changed"
			return f
		}
		f.decision, f.row, f.links = Stored, f.old, f.old.Links
	case http.StatusNotFound, http.StatusGone:
		f.miss(Gone, fmt.Sprintf("it answers %d", a.status))
	default:
		f.decision, f.reason = Broken, fmt.Sprintf("it answers %d", a.status)
	}
	return f
}

// miss decides on an address where there is not what is stored of it. That goes when
// it was so twice: a server that is ill answers with anything, for an hour.
func (f *fetched) miss(decision, reason string) {
	f.decision, f.reason, f.row, f.remove = decision, reason, nil, false
	switch {
	case f.old == nil:
	case f.old.Misses+1 >= missesToDelete:
		f.remove = true
	default:
		f.row = f.old.copy()
		f.row.Misses++
	}
}

func (w *walk) stored(ctx context.Context, address string) (*ScrapedAsset, error) {
	row, err := w.in.Stored.Row(ctx, w.types.assets, keyOf(w.c.Name, address))
	if errors.Is(err, content.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return row.(*ScrapedAsset), nil
}

// copy returns the asset without what the store fills in.
func (a *ScrapedAsset) copy() *ScrapedAsset {
	c := *a
	c.Record = content.Record{}
	return &c
}

// validators ask for a page only if it has changed, when what is stored is all that
// would be made of it.
func (f *fetched) validators(reader extract.Extractor) http.Header {
	old := f.old
	if old == nil || old.Misses > 0 || old.Kind == "page" && old.Extractor != pageReader || old.Kind != "page" && !old.Done(reader) {
		return nil
	}
	h := http.Header{}
	if old.ETag != "" {
		h.Set("If-None-Match", old.ETag)
	} else if old.LastModified != "" {
		h.Set("If-Modified-Since", old.LastModified)
	}
	return h
}

// read makes an asset of what came.
func (f *fetched) read(ctx context.Context, w *walk, a *answer) {
	said, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	found, _, _ := strings.Cut(http.DetectContentType(a.body), ";")
	if binary := found == "application/pdf" || found == "application/zip"; binary && slices.Contains([]string{"", "text/html", "text/plain", "application/octet-stream"}, said) {
		said = found
	}
	isPage := said == "text/html" || said == "application/xhtml+xml" || said == "" && found == "text/html"
	row := &ScrapedAsset{Key: keyOf(w.c.Name, f.at), URL: f.at, Collection: w.c.Name, Host: a.url.Host, Depth: f.depth,
		ETag: header(a, "Etag"), LastModified: header(a, "Last-Modified")}
	if f.asIs { // it is read each time: what it says of its own address may come true
		row.ETag, row.LastModified = "", ""
	}
	file := extract.File{Name: nameOf(a.url, a.header), ContentType: said, Size: int64(len(a.body)), ReaderAt: bytes.NewReader(a.body)}
	var err error
	switch {
	case isPage:
		err = f.readPage(ctx, w, a, row, file)
	case strings.HasPrefix(said, "image/") || strings.HasPrefix(said, "video/") || strings.HasPrefix(said, "audio/") || strings.HasPrefix(said, "font/") ||
		slices.Contains([]string{"text/css", "text/javascript", "application/javascript", "application/rss+xml", "application/atom+xml", "application/xml", "text/xml", "application/octet-stream"}, said) && !documentName(file.Name):
		f.miss(Skipped, fmt.Sprintf("%s is neither a page nor a document", said))
		return
	case w.c.NoDocuments:
		f.decision, f.reason = Skipped, "documents are left out"
		f.remove = f.old != nil
		return
	default:
		if noIndex, _ := asked(a.header, w.settings.UserAgent); noIndex {
			f.decision, f.reason, f.remove = Skipped, "its server asks that it is not indexed", f.old != nil
			return
		}
		err = f.readDocument(ctx, w, a, row, file)
	}
	if err != nil {
		f.decision, f.reason = Broken, err.Error()
		return
	}
	if f.decision != "" {
		return
	}
	f.decision, f.row = Stored, row
	// The same text is the same page, whatever else has changed in its bytes. Its
	// links are kept: they lead on when the page answers that it has not changed.
	if o := f.old; o != nil && o.Misses == 0 && o.TextHash == row.TextHash && o.Title == row.Title && o.Kind == row.Kind && slices.Equal(o.Links, row.Links) && (isPage || o.SHA256 == row.SHA256 && o.Extractor == row.Extractor) {
		f.row = o
	}
}

// hashOf returns the SHA-256 of a text in hex.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// readDocument reads a document into an asset below the row.
func (f *fetched) readDocument(ctx context.Context, w *walk, a *answer, row *ScrapedAsset, file extract.File) error {
	d := &asset.Asset{Key: asset.Key(asset.Web, row.Key), Source: asset.Web, Path: clip(a.url.Path), Folder: clip(a.url.Host + strings.TrimSuffix(path.Dir(a.url.Path), "/")),
		Collection: w.c.Name, URL: f.at, ParentKey: row.Key, Version: row.ETag}
	if at, err := http.ParseTime(row.LastModified); err == nil {
		at = at.UTC()
		d.SourceModifiedAt = &at
	}
	var old *asset.File
	switch stored, err := w.in.Stored.Row(ctx, documents, d.Key); {
	case err == nil:
		old = &stored.(*asset.Asset).File
	case !errors.Is(err, content.ErrNotFound):
		return err
	}
	kept, err := w.keeper.Keep(ctx, file, "", old)
	if err != nil {
		return err
	}
	d.File, row.document = kept, d
	row.holdDocument(kept)
	return nil
}

// holdDocument takes over what a document is, but for its text, which the asset has.
func (a *ScrapedAsset) holdDocument(kept asset.File) {
	a.Kind, a.Title, a.File, a.TextHash = "document", kept.Filename, File(kept), hashOf(kept.Text)
	a.Text, a.Locations = "", nil
}

// readPage reads a page, after the renderer if it is to be rendered.
func (f *fetched) readPage(ctx context.Context, w *walk, a *answer, row *ScrapedAsset, file extract.File) error {
	var old *asset.File
	if f.old != nil {
		o := asset.File(f.old.File)
		old = &o
	}
	started := w.keeper.Now().UTC().Truncate(time.Microsecond)
	body, contentType := a.body, a.header.Get("Content-Type")
	if w.c.Render {
		decoded, err := local.DecodeHTML(body, contentType)
		if err != nil {
			return err
		}
		rendered, err := w.settings.Renderer.Render(ctx, f.at, []byte(decoded))
		if err != nil {
			return fmt.Errorf("render: %w", err)
		}
		body, contentType = rendered, "text/html; charset=utf-8"
		file.Size, file.ReaderAt = int64(len(body)), bytes.NewReader(body)
	}
	file.ContentType = contentType // with the encoding, which the bytes alone may not tell
	p, err := readPage(body, contentType, a.url, w.c.WholePages)
	if err != nil {
		return err
	}
	said, noFollow := asked(a.header, w.settings.UserAgent)
	if f.links = p.links; noFollow {
		f.links = nil
	}
	switch {
	case p.noIndex || said:
		f.decision, f.reason, f.remove = Skipped, "the page asks not to be indexed", f.old != nil
		return nil
	case p.canonical != nil && p.canonical.String() != f.at && w.rules.excluded(p.canonical) == "":
		f.instead = p.canonical.String()
	}
	pages := w.keeper
	pages.Extractor = nil // the text is the readable one
	kept, err := pages.Keep(ctx, file, "", old)
	if err != nil {
		return err
	}
	row.File = File(kept)
	row.hold(p, started, w.keeper.Now().UTC().Truncate(time.Microsecond))
	return nil
}

// hold takes over what was read from a page, between two times.
func (a *ScrapedAsset) hold(p *page, started, ended time.Time) {
	a.Kind, a.Title, a.Text, a.Links, a.ContentType, a.Locations = "page", p.title, p.markdown, p.links, "text/html", nil
	if a.Title == "" {
		a.Title = a.URL
	}
	a.TextHash = hashOf(a.Text)
	a.Extraction = asset.Extraction{Extractor: pageReader, Status: string(extract.OK), Quality: extract.Judge(p.markdown), Language: p.language, StartedAt: &started, ExtractedAt: &ended}
	if strings.TrimSpace(p.markdown) == "" {
		a.Status = string(extract.Empty)
	}
}

// header returns a header of an answer that is not longer than can be stored.
func header(a *answer, name string) string {
	v := a.header.Get(name)
	if len(v) > 200 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > 0x7e }) {
		return ""
	}
	return v
}

// nameOf returns the name of a file: as the server says, or from its address.
func nameOf(u *url.URL, h http.Header) string {
	if _, params, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		return clip(path.Base(strings.ReplaceAll(params["filename"], `\`, "/")))
	}
	name := path.Base(u.Path)
	if name == "/" || name == "." {
		name = u.Host
	}
	return clip(name)
}

func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[len(s)-200:], "")
	}
	return s
}

// documentName reports whether a name is that of a document, whatever its server
// says that it is.
func documentName(name string) bool {
	return slices.Contains([]string{".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".json", ".eml", ".md", ".txt"}, strings.ToLower(path.Ext(name)))
}

// take stores what came, and follows its links.
func (w *walk) take(f fetched) error {
	if f.at != f.url && f.decision != Redirected {
		again := w.met[fingerprint(f.at)]
		if err := w.decide(f.target, Redirected, "to "+f.at); err != nil {
			return err
		}
		if again {
			return nil
		}
		w.met[fingerprint(f.at)] = true
		if f.seed {
			w.seeds[fingerprint(f.at)] = true
		}
		f.from, f.url = f.url, f.at
	}
	if f.instead != "" && f.decision == Stored && !f.asIs {
		w.aside = append(w.aside, copied{f.target, f.instead})
		return w.follow(f, f.instead)
	}
	if f.decision == Stored && f.row != nil && f.old != nil && f.old.Kind == "document" && f.row.Kind == "page" {
		f.miss(Skipped, "it was a document; when it is a page at the next crawl too, the document goes")
	}
	if f.decision == Stored && f.row != nil && f.row.Kind == "page" && strings.TrimSpace(f.row.Text) != "" {
		sum := fingerprint(f.row.TextHash)
		if first, seen := w.texts[sum]; seen {
			f.miss(Skipped, "it has the same text as "+first)
		} else {
			w.texts[sum] = f.at
		}
	}
	if err := w.decide(f.target, f.decision, f.reason); err != nil {
		return err
	}
	if f.decision == Stored {
		w.pages++
		w.kept[fingerprint(f.at)] = true
	}
	if err := w.follow(f, ""); err != nil {
		return err
	}
	return w.write(f, f.at)
}

// follow queues the addresses to which a page leads: its own, and its links.
func (w *walk) follow(f fetched, own string) error {
	if own != "" {
		if err := w.add(target{url: own, depth: f.depth, from: f.at}); err != nil {
			return err
		}
	}
	for _, link := range f.links {
		if err := w.add(target{url: link, depth: f.depth + 1, from: f.at}); err != nil {
			return err
		}
	}
	return nil
}

// write gives what is to be changed in what is stored of an address.
func (w *walk) write(f fetched, at string) error {
	switch {
	case f.remove:
		return w.remove(at)
	case f.row != nil:
		return w.yield(connectors.Record{Row: f.row})
	}
	return nil
}
