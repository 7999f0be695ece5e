package sharepoint

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
)

// folder makes a record of a folder.
func (s *session) folder(_ context.Context, t *tree, item *driveItem, raw json.RawMessage) (connectors.Record, bool, error) {
	if item.Folder == nil && item.Root == nil {
		return connectors.Record{}, false, nil
	}
	f := &Folder{Record: content.Record{Raw: withoutLink(raw)}, Key: t.key(item.ID), Name: item.Name, WebURL: ptr(item.WebURL), ETag: ptr(item.ETag), author: authorOf(item)}
	if item.Root != nil {
		f.Name, f.place = t.library.Name, t.top()
	} else {
		f.place, f.ParentKey = t.place(item.Parent.ID, item.Name), ptr(t.key(item.Parent.ID))
	}
	return connectors.Record{Row: f}, true, nil
}

// document makes a record of a file, with its text. One that the patterns leave
// out goes, if it is there.
func (s *session) document(ctx context.Context, t *tree, item *driveItem, raw json.RawMessage) (connectors.Record, bool, error) {
	if item.File == nil || item.Folder != nil || item.Package != nil {
		return connectors.Record{}, false, nil
	}
	d := assetOf(t, item, raw)
	if !s.in.Settings.wants(d.Path) {
		return connectors.Record{Key: d.Key, Deleted: true}, true, nil
	}
	old, err := s.stored(ctx, d.Key)
	if err != nil {
		return connectors.Record{}, false, err
	}
	if err := s.fill(ctx, t, item, d, old); err != nil {
		return connectors.Record{}, false, err
	}
	return connectors.Record{Row: d}, true, nil
}

// assetOf is what an item says of a file: all but its bytes.
func assetOf(t *tree, item *driveItem, raw json.RawMessage) *asset.Asset {
	by := authorOf(item)
	d := &asset.Asset{Record: content.Record{Raw: withoutLink(raw)}, Key: t.assetKey(item.ID), Source: asset.SharePoint, Collection: t.collection(),
		URL: item.WebURL, Part: t.library.ID, ParentKey: t.key(item.Parent.ID), Version: versionOf(item),
		SourceCreatedAt: by.CreatedAtSource, CreatedBy: value(by.CreatedBy), SourceModifiedAt: by.ModifiedAtSource, ModifiedBy: value(by.ModifiedBy),
		Details: details{CTag: item.CTag, ETag: item.ETag, ID: item.ID, Library: t.library.Name, MIMEType: item.File.MIMEType, Site: t.library.site}.json(),
		File:    asset.File{Filename: item.Name, Size: max(0, item.Size), ContentType: item.File.MIMEType}}
	put(d, t.path(item.Parent.ID, item.Name))
	return d
}

// versionOf changes with what a file holds, as far as the service tells.
func versionOf(item *driveItem) string { return cmp.Or(item.CTag, item.ETag) }

// put says where an asset stands.
func put(d *asset.Asset, at string) {
	d.Path, d.Folder = at, ""
	if folder := path.Dir(at); folder != "." {
		d.Folder = folder
	}
}

func (s *session) stored(ctx context.Context, key string) (*asset.Asset, error) {
	row, err := s.in.Stored.Row(ctx, documents, key)
	if errors.Is(err, content.ErrNotFound) {
		return nil, nil
	}
	d, _ := row.(*asset.Asset)
	return d, err
}

// skippedStatus is that of a file which is not read: its type or the settings do
// not ask for it.
const skippedStatus = "skipped"

// fill gets a document's bytes and text. What it holds is told by its tag, and
// then by its bytes: a file of which only the name has changed is not downloaded,
// and one that was saved without a change is not read again.
func (s *session) fill(ctx context.Context, t *tree, item *driveItem, d, old *asset.Asset) error {
	o, keeper := s.in.Settings, s.in.Keeper(s.in.Settings.Extractor)
	most := cmp.Or(o.MaxSize, defaultMaxSize)
	switch {
	case keeper.Extractor == nil && keeper.Objects == nil, !o.reads(item.Name):
		d.Status = skippedStatus
		return nil
	case item.Size > most:
		d.Status, d.Error = string(extract.TooLarge), fmt.Sprintf("%d bytes; at most %d are read", item.Size, most)
		return nil
	}
	sameName := old != nil && extension(old.Filename) == extension(item.Name)
	if sameName && old.SHA256 != "" && d.Version != "" && d.Version == old.Version && old.Done(o.Extractor) {
		d.File = old.File
		d.Filename = item.Name
		return nil
	}
	if s.in.DryRun { // its tags have changed, so that it would be written whatever it holds
		if old != nil {
			d.File = old.File
			d.Filename = item.Name
		}
		return nil
	}
	file, err := s.download(ctx, t, item, most)
	if err == nil {
		defer file.Close() //nolint:errcheck // a local copy that was read
		if file.Page() && !isPage(item) {
			err = errPage
		}
	}
	switch {
	case errors.Is(err, rest.ErrTooLarge):
		d.Status, d.Error = string(extract.TooLarge), fmt.Sprintf("more than %d bytes", most)
		return nil
	case err != nil && s.passOver(ctx, err):
		s.in.Logger.WarnContext(ctx, "a file of SharePoint cannot be downloaded", "library", t.library.Name, "path", d.Path, "error", err)
		if old != nil { // what is known of it stays
			d.File, d.Version, d.Details = old.File, old.Version, detailsOf(old).json()
			d.Filename = item.Name
		}
		d.Status, d.Error = string(extract.Failed), reason(err)
		return nil
	case err != nil:
		return err
	}
	s.missed = 0
	var known *asset.File
	if sameName {
		known = &old.File
	}
	d.File, err = keeper.Keep(ctx, extract.File{Name: item.Name, ContentType: item.File.MIMEType, Size: file.Size, ReaderAt: file}, file.SHA256, known)
	if known != nil && d.Status == string(extract.Failed) && known.Status == d.Status && known.Error == d.Error && known.SHA256 == d.SHA256 {
		d.File = *known // it was tried once more and nothing is new: the time is none
		d.Filename = item.Name
	}
	return err
}

// errPage says that a web page came in the place of a file.
var errPage = errors.New("a web page came in its place, such as one to sign in")

// isPage reports whether a web page is what a file is said to be, or may be.
func isPage(item *driveItem) bool {
	switch extension(item.Name) {
	case "html", "htm", "xhtml", "aspx", "mht", "url", "":
		return true
	}
	return strings.Contains(item.File.MIMEType, "html")
}

// maxMissed is how many downloads may fail in a row for reasons that are not the
// file's own, before the service is taken for ill.
const maxMissed = 5

// passOver reports whether the import goes on without a file: it is locked, was
// deleted meanwhile, or cannot be read at the service, as it happens to single ones.
func (s *session) passOver(ctx context.Context, err error) bool {
	var status *rest.StatusError
	var limit *rest.LimitError
	switch {
	case ctx.Err() != nil, errors.As(err, &limit), errors.Is(err, rest.ErrUnauthorized):
		return false
	case errors.Is(err, errPage), errors.As(err, &status) && status.Status < 500:
		return true
	}
	s.missed++
	return s.missed <= maxMissed
}

// reason is what is stored of an error: the same one each time that it happens, so
// that trying again writes nothing.
func reason(err error) string {
	var status *rest.StatusError
	switch {
	case errors.As(err, &status):
		return fmt.Sprintf("the download answers %d %s", status.Status, http.StatusText(status.Status))
	case errors.Is(err, errPage):
		return err.Error()
	}
	return "the download breaks off"
}

// download gets the bytes of a file. The address that came with the item carries
// its own permission, for about an hour; when it is refused, Graph is asked for
// the file itself, and redirects to a fresh one.
func (s *session) download(ctx context.Context, t *tree, item *driveItem, most int64) (*rest.Download, error) {
	if item.Download != "" {
		d, err := s.client.Download(ctx, rest.Request{Path: item.Download, Open: true, MaxBody: most})
		if err == nil || !errors.As(err, new(*rest.StatusError)) && !errors.Is(err, content.ErrInvalid) {
			return d, err
		}
	}
	return s.client.Download(ctx, rest.Request{Path: "/drives/" + url.PathEscape(t.library.ID) + "/items/" + url.PathEscape(item.ID) + "/content", Follow: true, MaxBody: most})
}

func authorOf(item *driveItem) author {
	return author{CreatedAtSource: item.Created, CreatedBy: item.By.name(), ModifiedAtSource: item.Modified, ModifiedBy: item.LastBy.name()}
}

// withoutLink takes download addresses out of what is kept of an item: they are
// permissions, and others each time.
func withoutLink(raw json.RawMessage) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil { // no item at all
		if isLink(string(raw)) {
			return nil
		}
		return raw
	}
	for name := range m {
		if isLink(name) {
			delete(m, name)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}

func isLink(s string) bool { return strings.Contains(strings.ToLower(s), "downloadurl") }

func ptr(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
