package samgov

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/guard"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/store"
)

// files downloads and keeps attachments. Their addresses come from notices, so that
// they get no key, and only public ones are dialled.
type files struct {
	in     connectors.Input[Settings]
	http   *http.Client
	client *rest.Client
	keeper asset.Keeper
	state  string // of the settings
}

// openFiles returns nil when nothing is to be downloaded.
func openFiles(in connectors.Input[Settings]) (*files, error) {
	if in.DryRun || in.Settings.Attachments.Off || in.Settings.Extractor == nil && in.Objects == nil {
		return nil, nil
	}
	f := &files{in: in, keeper: in.Keeper(in.Settings.Extractor)}
	var err error
	if f.http, err = guard.Client(guard.Options{AllowNetworks: in.Settings.AllowNetworks}); err != nil {
		return nil, fmt.Errorf("%w: %w", content.ErrInvalid, err)
	}
	f.client, err = in.REST(rest.Config{Service: "SAM.gov attachments", BaseURL: cmp.Or(in.Settings.URL, defaultURL), HTTP: f.http,
		Timeout: 5 * time.Minute, MaxBody: cmp.Or(in.Settings.Attachments.MaxSize, defaultMaxSize), MaxWait: 30 * time.Second, Attempts: 3})
	if err != nil {
		return nil, err
	}
	reader := ""
	if e := in.Settings.Extractor; e != nil {
		reader = e.Name()
	}
	b, _ := json.Marshal([]any{in.Settings.Attachments.Types, in.Settings.Attachments.MaxSize, reader, in.Objects != nil}) // these always encode
	sum := sha256.Sum256(b)
	f.state = hex.EncodeToString(sum[:8])
	return f, nil
}

// settled reports whether nothing is left to be done about an asset.
func (f *files) settled(a *asset.Asset) bool {
	switch {
	case a == nil, a.Status == string(extract.Failed) && a.Version == "":
		return false
	case a.SHA256 == "": // refused, too large, or not wanted, under these settings
		return a.Version == f.state
	}
	read := a.Done(f.keeper.Extractor) || a.Status == string(extract.TimedOut) && a.Extractor == f.keeper.Extractor.Name()
	return read && (a.ObjectKey != "" || f.keeper.Objects == nil)
}

var (
	// errPage says that a web page came in the place of a file.
	errPage = errors.New("a web page came in its place")
	// errUnwanted says that the settings leave a file out.
	errUnwanted = errors.New("files of its type are not downloaded")
)

// fill gets the bytes and the text of an asset. Old is what is stored of it, or nil.
// A file that cannot be had is no error: the asset says why. It reports whether the
// service is to blame, so that others will fare no better.
func (f *files) fill(ctx context.Context, a, old *asset.Asset) (ill bool, err error) {
	if done, err := f.have(ctx, a, old); done || err != nil {
		return false, err
	}
	name := ""
	d, err := f.client.Download(ctx, rest.Request{Path: a.URL, Open: true, Follow: true, Accept: func(h http.Header) error {
		if name = nameOf(h, a.URL); !f.in.Settings.Attachments.wants(name) {
			return errUnwanted
		}
		return nil
	}})
	if err == nil {
		defer d.Close() //nolint:errcheck // a local copy that was read
		if d.Page() && !strings.HasPrefix(extension(name), "htm") {
			err = errPage
		}
	}
	if name != "" {
		put(a, name)
	}
	if err != nil {
		return f.without(ctx, a, old, err)
	}
	file := extract.File{Name: name, ContentType: contentTypeOf(d.Header), Size: d.Size, ReaderAt: d}
	var known *asset.File
	if old != nil {
		known = &old.File
	}
	return false, f.keep(ctx, a, file, d.SHA256, known)
}

// keep keeps and reads a file. When reading it once more fails as it did before,
// nothing is new.
func (f *files) keep(ctx context.Context, a *asset.Asset, file extract.File, sum string, old *asset.File) (err error) {
	a.File, err = f.keeper.Keep(ctx, file, sum, old)
	if old != nil && a.Status == string(extract.Failed) && old.Status == a.Status && old.Error == a.Error && old.SHA256 == sum {
		a.File = *old
	}
	return err
}

// without makes of an asset what it is when its file cannot be had. What was there
// before stays.
func (f *files) without(ctx context.Context, a, old *asset.Asset, err error) (ill bool, _ error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	f.in.Logger.WarnContext(ctx, "an attachment of SAM.gov cannot be had", "asset", a.Key, "error", err)
	if old != nil && old.SHA256 != "" {
		a.File = old.File
		return true, nil
	}
	var status *rest.StatusError
	a.Status, a.Version = string(extract.Failed), f.state
	switch {
	case errors.Is(err, errUnwanted):
		a.Status, a.Error = skipped, err.Error()
	case errors.Is(err, rest.ErrTooLarge):
		a.Status, a.Error = string(extract.TooLarge), fmt.Sprintf("it has more than %d bytes", cmp.Or(f.in.Settings.Attachments.MaxSize, defaultMaxSize))
	case errors.Is(err, guard.ErrRefused):
		a.Error = guard.ErrRefused.Error()
	case errors.As(err, &status) && status.Status < 500:
		a.Error = fmt.Sprintf("the download answers %d %s", status.Status, http.StatusText(status.Status))
	case errors.Is(err, content.ErrInvalid):
		a.Error = "its address cannot be read"
	default: // it may come another time
		a.Version, a.Error = "", "the download breaks off"
		if errors.Is(err, errPage) {
			a.Error = err.Error()
		}
		return !errors.Is(err, errPage), nil
	}
	return false, nil
}

// skipped is the status of a file that the settings leave out.
const skipped = "skipped"

// have takes the file from what is kept: as it is there under the same address, for
// another notice; or its bytes, when only their reader is another one.
func (f *files) have(ctx context.Context, a, old *asset.Asset) (bool, error) {
	for row, err := range f.in.Stored.Each(ctx, attachments, store.Query{Limit: 20, Filters: []content.Filter{{Field: "url", Op: content.Equal, Values: []string{a.URL}}}}) {
		if err != nil {
			return false, err
		}
		if same, ok := row.(*asset.Asset); ok && same.SHA256 != "" && f.settled(same) {
			a.File = same.File
			put(a, same.Filename)
			return true, nil
		}
	}
	if old == nil || old.ObjectKey == "" || f.keeper.Objects == nil {
		return false, nil
	}
	kept, err := blob.OpenLocal(ctx, f.keeper.Objects, old.ObjectKey, old.SHA256, blob.Spill{})
	if errors.Is(err, content.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) {
		return false, nil // downloaded again
	}
	if err != nil {
		return false, err
	}
	put(a, old.Filename)
	err = f.keep(ctx, a, extract.File{Name: old.Filename, ContentType: old.ContentType, Size: old.Size, ReaderAt: kept}, old.SHA256, &old.File)
	return true, errors.Join(err, kept.Close())
}

// put names a file and says where it stands: under what its notice is about.
func put(a *asset.Asset, name string) {
	a.Filename = name
	a.Path = a.Folder + "/" + name
}

// nameOf is the name of a file as its server says, or from its address.
func nameOf(h http.Header, address string) string {
	said := h.Get("Content-Disposition")
	_, params, err := mime.ParseMediaType(said)
	if err != nil { // most often a name with spaces and without quotes
		_, name, _ := strings.Cut(said, "filename=")
		name, _, _ = strings.Cut(name, ";")
		params = map[string]string{"filename": strings.Trim(name, `" `)}
	}
	if name := blob.CleanFilename(params["filename"]); name != "" {
		return name
	}
	if u, err := url.Parse(address); err == nil {
		if name := blob.CleanFilename(path.Base(u.Path)); path.Ext(name) != "" {
			return name
		}
	}
	return "attachment"
}

// contentTypeOf is what a server says that a file is; what says nothing is none.
func contentTypeOf(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || t == "application/octet-stream" || t == "binary/octet-stream" {
		return ""
	}
	return t
}
