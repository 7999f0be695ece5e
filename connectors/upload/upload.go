// Package upload is the data connection for files that somebody has: single ones,
// folders, zip archives.
//
// Documents lie in folders that nobody searches. Uploaded once they are soon out of
// date; uploaded again they are there twice, or all of them are read anew though
// one has changed; and a file that cannot be read is missing without a word. Here a
// file is an asset under its path. The same bytes again do nothing, other bytes make
// a new version and keep the earlier one, and each asset says whether its text could
// be read and why not. Archives are unpacked without trusting them.
//
//	files, err := upload.Dir("contracts")
//	run, err := org.Import(ctx, "upload", files...)
//
// With Settings.Sync the files are all that there are: what is missing among them is
// deleted, under the guards of a full sync. [Preview] tells beforehand.
package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strconv"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// Settings of the connection. The zero value is right for most.
type Settings struct {
	// Folder is put before the path of each file: "2026/contracts".
	Folder string `json:"folder,omitempty"`
	// Sync says that the files are all that the instance of the connection shall
	// have. Without it nothing is ever deleted.
	Sync bool `json:"sync,omitempty"`
	// KeepArchives leaves zip files as they are, instead of unpacking them.
	KeepArchives bool `json:"keep_archives,omitempty"`
	// MaxFileBytes is the size from on which a file is refused; 0 is 512 MB.
	MaxFileBytes int64 `json:"max_file_bytes,omitempty"`
	// MaxArchiveBytes is how much all archives may unpack to; 0 is 4 GB.
	MaxArchiveBytes int64 `json:"max_archive_bytes,omitempty"`
	// Extractor reads the texts; nil is local.New().
	Extractor extract.Extractor `json:"-"`
	// Now is the clock of extractions; nil is that of the program.
	Now func() time.Time `json:"-"`
}

// Validate implements connectors.Validator.
func (s Settings) Validate() error {
	if s.Folder != "" {
		if _, err := cleanPath(s.Folder); err != nil {
			return fmt.Errorf("folder: %w", err)
		}
	}
	switch {
	case s.Sync && s.Folder != "":
		return fmt.Errorf("%w: sync compares all files of an instance, so it does not go with a folder; use an instance for each folder", content.ErrInvalid)
	case s.MaxFileBytes < 0, s.MaxArchiveBytes < 0:
		return fmt.Errorf("%w: max_file_bytes and max_archive_bytes are not negative", content.ErrInvalid)
	}
	return nil
}

// An Asset is a file under its path.
type Asset struct {
	content.Record
	Path   string `db:"path" content:"key"`
	Folder string `db:"folder" content:"facet"`
	asset.File
}

// An ExtractionResult says how the text of an asset was read.
type ExtractionResult struct {
	content.Record
	Path       string  `db:"path" content:"key"`
	Filename   string  `db:"filename" content:"filter" label:"File name"`
	AssetID    *string `db:"asset_id" content:"parent=asset,from=path"`
	SHA256     string  `db:"sha256" content:"unindexed" label:"SHA-256" description:"Of the version that was read."`
	Characters int64   `db:"characters" content:"unindexed" description:"Length of the text in bytes."`
	asset.Extraction
}

func assetType() *content.Type {
	return content.Define(content.Spec[Asset]{Name: "asset", Label: "File", FormalName: "Uploaded File", Icon: "file", Color: "blue",
		Description: "A file that was uploaded, with its text. Earlier versions are kept.", TextFormat: content.FormatMarkdown, History: true,
		Document:   func(a *Asset) content.Document { return a.Document() },
		Children:   []content.Child{{Type: "extraction_result", Relation: "extractions", Label: "Extraction", OnDelete: content.Cascade}},
		Statistics: []content.Statistic{{Name: "by_extraction", GroupBy: "extraction_status"}, {Name: "by_type", GroupBy: "content_type"}, {Name: "bytes", Sum: "size"}},
	})
}

func resultType() *content.Type {
	return content.Define(content.Spec[ExtractionResult]{Name: "extraction_result", Label: "Extraction", FormalName: "Extraction Result", Icon: "file", Color: "gray",
		Description: "How the text of an uploaded file was read: by what, whether it went well, and why not.",
		Text:        content.TextLinked, TextFrom: "asset_id", TextFormat: content.FormatMarkdown, History: true,
		Title: func(r *ExtractionResult) string { return "Extraction of " + r.Filename },
	})
}

// New declares the connection "upload". At most one Settings is taken.
func New(settings ...Settings) *connectors.Connection {
	assets, results := assetType(), resultType()
	spec := connectors.Spec[Settings]{Name: "upload", Label: "Upload", Description: "Files that were uploaded.", Icon: "folder", Color: "blue",
		Types: []*content.Type{assets, results}, Timeout: 6 * time.Hour,
		Open: func(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
			return open(ctx, in, assets, results)
		}}
	if len(settings) > 0 {
		spec.Settings = settings[0]
	}
	return connectors.New(spec)
}

// A session is one upload.
type session struct {
	in      connectors.Input[Settings]
	assets  *content.Type
	results *content.Type
	keeper  asset.Keeper
	entries *entries
}

func open(ctx context.Context, in connectors.Input[Settings], assets, results *content.Type) (connectors.Session, error) {
	if len(in.Files) == 0 {
		return nil, fmt.Errorf("%w: no files; give those that are to be uploaded, or a folder with upload.Dir", content.ErrInvalid)
	}
	list, err := list(ctx, in.Settings, in.Files)
	if err != nil {
		return nil, err
	}
	s := &session{in: in, assets: assets, results: results, entries: list}
	s.keeper = asset.Keeper{Now: in.Settings.Now}
	if s.keeper.Now == nil {
		s.keeper.Now = in.Now
	}
	if !in.DryRun {
		s.keeper.Objects, s.keeper.Prefix = in.Objects, in.ObjectPrefix
		s.keeper.Extractor = in.Settings.Extractor
		if s.keeper.Extractor == nil {
			s.keeper.Extractor = local.New()
		}
	}
	return s, nil
}

// Close implements connectors.Session.
func (s *session) Close() error { return nil }

// Describe implements connectors.Describer.
func (s *session) Describe() map[string]any {
	return map[string]any{"entries": len(s.entries.all), "skipped": s.entries.skipped, "sync": s.in.Settings.Sync}
}

// Streams implements connectors.Session.
func (s *session) Streams() []connectors.Stream {
	mode := connectors.Incremental
	if s.in.Settings.Sync {
		mode = connectors.Snapshot
	}
	total := int64(len(s.entries.all))
	streams := []connectors.Stream{{Type: s.assets, Mode: mode, Read: s.each(s.asset), Total: total, Incomplete: s.entries.incomplete}}
	if !s.in.DryRun { // which stores no assets that the results could be of
		streams = append(streams, connectors.Stream{Type: s.results, Mode: mode, Read: s.each(s.result), Total: total, Incomplete: s.entries.incomplete})
	}
	return streams
}

// each makes the Read of a stream with a record for each entry. Their order is
// always the same, so that a position is a number.
func (s *session) each(read func(ctx context.Context, e *entry) (connectors.Record, error)) func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
	return func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			first := 0
			if run, at, ok := cutPosition(from); ok && run == s.in.Run {
				first = at
			}
			for i := first; i < len(s.entries.all); i++ {
				r, err := read(ctx, s.entries.all[i])
				if err != nil {
					yield(connectors.Record{}, err)
					return
				}
				if s.in.Settings.Sync { // an Incremental stream would keep it for the next upload
					r.Position = connectors.Text(s.in.Run + " " + strconv.Itoa(i+1))
				}
				r.Done = int64(i + 1)
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// asset reads an entry. One that cannot be read is a failed record; its asset
// stays as it was.
func (s *session) asset(ctx context.Context, e *entry) (connectors.Record, error) {
	failed := func(err error) (connectors.Record, error) {
		if ctx.Err() != nil {
			return connectors.Record{}, context.Cause(ctx)
		}
		return connectors.Record{Key: e.path, Place: connectors.Place{File: e.source}, Err: err}, nil
	}
	if e.err != nil {
		return failed(e.err)
	}
	f, done, err := e.open(ctx)
	if err != nil {
		return failed(err)
	}
	defer done()
	old, err := s.stored(ctx, e.path)
	if err != nil {
		return connectors.Record{}, err
	}
	var oldFile *asset.File
	if old != nil {
		oldFile = &old.File
	}
	kept, err := s.keeper.Keep(ctx, f, "", oldFile)
	if err != nil {
		return failed(err)
	}
	folder := path.Dir(e.path)
	if folder == "." {
		folder = ""
	}
	return connectors.Record{Row: &Asset{Path: e.path, Folder: folder, File: kept}, Place: connectors.Place{File: e.source}}, nil
}

// stored returns the asset of a path, or nil.
func (s *session) stored(ctx context.Context, key string) (*Asset, error) {
	row, err := s.in.Stored.Row(ctx, s.assets, key)
	if errors.Is(err, content.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return row.(*Asset), nil
}

// result says how the text of an entry was read, as it stands in its asset.
func (s *session) result(ctx context.Context, e *entry) (connectors.Record, error) {
	a, err := s.stored(ctx, e.path)
	if err != nil {
		return connectors.Record{}, err
	}
	if a == nil {
		return connectors.Record{Key: e.path, Place: connectors.Place{File: e.source}, Err: fmt.Errorf("the asset could not be stored: %w", cmp.Or(e.err, content.ErrNotFound))}, nil
	}
	row := &ExtractionResult{Path: a.Path, Filename: a.Filename, SHA256: a.SHA256, Characters: int64(len(a.Text)), Extraction: a.Extraction}
	return connectors.Record{Row: row, Place: connectors.Place{File: e.source}}, nil
}
