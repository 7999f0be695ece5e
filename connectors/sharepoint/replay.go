package sharepoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/store"
)

// regrow makes the tree of the folders that are stored, from what Graph had said of
// them.
func (s *session) regrow(ctx context.Context, l library) (*tree, error) {
	t := &tree{library: l, folders: map[string]node{}}
	for row, err := range s.in.Stored.Each(ctx, folders, store.Query{Limit: 1000, Filters: []content.Filter{{Field: "drive_id", Op: content.Equal, Values: []string{l.ID}}}}) {
		if err != nil {
			return nil, err
		}
		item := &driveItem{}
		if err := json.Unmarshal(content.RecordOf(row).Raw, item); err == nil {
			t.note(item)
		}
	}
	return t, nil
}

// replay makes the function that reads a folder or a document once more, from what
// Graph had said of it and from the bytes that were kept. Where it stands is told by
// the folders that are stored.
func replay(_ context.Context, in connectors.Input[Settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
	s := &session{in: in}
	trees := map[string]*tree{}
	return func(ctx context.Context, p connectors.Payload) connectors.Record {
		item := &driveItem{}
		var l library
		switch row := p.Stored.(type) {
		case *Folder:
			l = library{ID: row.DriveID, Name: row.Library, site: row.Site}
		case *asset.Asset:
			l = library{ID: row.Part, Name: detailsOf(row).Library, site: detailsOf(row).Site}
		default: // not stored: it is not known where it belongs
			return connectors.Record{}
		}
		if err := json.Unmarshal(p.Raw, item); err != nil || item.ID == "" {
			return connectors.Record{Err: errors.Join(fmt.Errorf("%w: it is no item of a library", content.ErrInvalid), err)}
		}
		t, err := trees[l.ID], error(nil)
		if t == nil {
			if t, err = s.regrow(ctx, l); err != nil {
				return connectors.Record{Err: err}
			}
			trees[l.ID] = t
		}
		if old, ok := p.Stored.(*asset.Asset); ok {
			return s.reread(ctx, t, item, p.Raw, old)
		}
		r, _, err := s.folder(ctx, t, item, p.Raw)
		if err != nil {
			r.Err = err
		}
		return r
	}, nil
}

// reread makes a document of what is stored of it. One whose last download has failed
// has the bytes of an earlier version, and waits for the next import.
func (s *session) reread(ctx context.Context, t *tree, item *driveItem, raw []byte, old *asset.Asset) connectors.Record {
	if old.Status == string(extract.Failed) {
		return connectors.Record{}
	}
	d := assetOf(t, item, raw)
	d.File = old.File
	if s.in.Settings.reads(item.Name) {
		file, err := s.in.Keeper(s.in.Settings.Extractor).Again(ctx, old.File)
		switch {
		case err == nil:
			d.File = file
		case !errors.Is(err, content.ErrNotFound):
			return connectors.Record{Err: err}
		}
	}
	d.Filename = item.Name
	return connectors.Record{Row: d}
}
