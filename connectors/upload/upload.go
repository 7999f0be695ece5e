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

// assets are the files that were uploaded, under their paths.
var assets = asset.Type(asset.Upload)

// New declares the connection "upload". At most one Settings is taken.
func New(settings ...Settings) *connectors.Connection {
	spec := connectors.Spec[Settings]{Name: "upload", Label: "Upload", Description: "Files that were uploaded.", Icon: "folder", Color: "blue",
		Files: "those that are to be uploaded, or a folder with upload.Dir",
		Types: []*content.Type{assets, asset.ResultType(asset.Upload)}, Timeout: 6 * time.Hour, Open: open, Replay: replay}
	if len(settings) > 0 {
		spec.Settings = settings[0]
	}
	return connectors.New(spec)
}

// A session is one upload.
type session struct {
	in      connectors.Input[Settings]
	keeper  asset.Keeper
	entries *entries
}

func open(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	list, err := list(ctx, in.Settings, in.Files)
	if err != nil {
		return nil, err
	}
	return &session{in: in, entries: list, keeper: keeperOf(in)}, nil
}

func keeperOf(in connectors.Input[Settings]) asset.Keeper {
	k := in.Keeper(in.Settings.Extractor)
	switch {
	case in.DryRun: // no text is read either
		k.Extractor = nil
	case k.Extractor == nil:
		k.Extractor = local.New()
	}
	if in.Settings.Now != nil {
		k.Now = in.Settings.Now
	}
	return k
}

// replay makes the function that reads the text of a file once more, from the bytes
// that were kept of it.
func replay(_ context.Context, in connectors.Input[Settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
	keeper := keeperOf(in)
	return func(ctx context.Context, p connectors.Payload) connectors.Record {
		return connectors.ReplayAsset(ctx, keeper, p)
	}, nil
}

// Close implements connectors.Session.
func (s *session) Close() error { return nil }

// Describe implements connectors.Describer.
func (s *session) Describe() map[string]any {
	return map[string]any{"entries": len(s.entries.all), "skipped": s.entries.skipped, "sync": s.in.Settings.Sync}
}

// Streams implements connectors.Session.
func (s *session) Streams() []connectors.Stream {
	mode := connectors.Push
	if s.in.Settings.Sync { // all that there is
		mode = connectors.Snapshot
	}
	return []connectors.Stream{{Type: assets, Mode: mode, Read: s.each, Total: int64(len(s.entries.all)), Incomplete: s.entries.incomplete}}
}

// each gives a record for each entry. Their order is always the same, so that a
// position is a number.
func (s *session) each(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
	return func(yield func(connectors.Record, error) bool) {
		first, _ := strconv.Atoi(from) // "" is the beginning
		for i := max(0, first); i < len(s.entries.all); i++ {
			r, err := s.asset(ctx, s.entries.all[i])
			if err != nil {
				yield(connectors.Record{}, err)
				return
			}
			r.Position = connectors.Text(strconv.Itoa(i + 1))
			r.Done = int64(i + 1)
			if !yield(r, nil) {
				return
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
		return connectors.Record{Key: e.key(), Place: connectors.Place{File: e.source}, Err: err}, nil
	}
	if e.err != nil {
		return failed(e.err)
	}
	f, done, err := e.open(ctx)
	if err != nil {
		return failed(err)
	}
	defer done()
	old, err := s.stored(ctx, e.key())
	if err != nil {
		return connectors.Record{}, err
	}
	kept, err := s.keeper.Keep(ctx, f, "", old)
	if err != nil {
		return failed(err)
	}
	folder := path.Dir(e.path)
	if folder == "." {
		folder = ""
	}
	return connectors.Record{Row: &asset.Asset{Key: e.key(), Source: asset.Upload, Path: e.path, Folder: folder, File: kept}, Place: connectors.Place{File: e.source}}, nil
}

// stored returns the file under a key as it is stored, or nil.
func (s *session) stored(ctx context.Context, key string) (*asset.File, error) {
	row, err := s.in.Stored.Row(ctx, assets, key)
	if errors.Is(err, content.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &row.(*asset.Asset).File, nil
}
