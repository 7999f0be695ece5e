package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/blob"
)

// replay makes the function that reads a page or a document once more, from the bytes
// that were kept of it.
func replay(_ context.Context, in connectors.Input[Settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
	keeper := keeperOf(in)
	return func(ctx context.Context, p connectors.Payload) connectors.Record {
		a, ok := p.Stored.(*ScrapedAsset)
		if !ok {
			return connectors.ReplayAsset(ctx, keeper, p)
		}
		i := slices.IndexFunc(in.Settings.Collections, func(c Collection) bool { return c.Name == a.Collection })
		if a.ObjectKey == "" || keeper.Objects == nil || i < 0 {
			return connectors.Record{}
		}
		row, err := a, error(nil)
		if a.Kind == "page" {
			row, err = again(ctx, keeper, a, in.Settings.Collections[i].WholePages)
		} else {
			err = row.againBelow(ctx, keeper)
		}
		if errors.Is(err, content.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) {
			return connectors.Record{}
		}
		if err != nil {
			return connectors.Record{Key: a.Key, Err: err}
		}
		return connectors.Record{Row: row}
	}, nil
}

// againBelow reads a document once more. Its text stands in the asset below it.
func (a *ScrapedAsset) againBelow(ctx context.Context, keeper asset.Keeper) error {
	kept, err := keeper.Again(ctx, asset.File(a.File))
	if err != nil || a.Extractor == kept.Extractor {
		return err
	}
	a.holdDocument(kept)
	return nil
}

// again reads a page once more. One that says the same as before is as it was.
func again(ctx context.Context, keeper asset.Keeper, a *ScrapedAsset, whole bool) (*ScrapedAsset, error) {
	at, err := url.Parse(a.URL)
	if err != nil {
		return nil, err
	}
	kept, err := blob.OpenLocal(ctx, keeper.Objects, a.ObjectKey, a.SHA256, blob.Spill{})
	if err != nil {
		return nil, err
	}
	defer kept.Close() //nolint:errcheck // it was read
	started := keeper.Now().UTC().Truncate(time.Microsecond)
	body, err := io.ReadAll(io.NewSectionReader(kept, 0, a.Size))
	if err != nil {
		return nil, err
	}
	p, err := readPage(body, cmp.Or(kept.Info.ContentType, a.ContentType), at, whole)
	if err != nil {
		return nil, err
	}
	row := *a
	if row.hold(p, started, keeper.Now().UTC().Truncate(time.Microsecond)); row.TextHash == a.TextHash && row.Extractor == a.Extractor {
		row.Extraction = a.Extraction
	}
	row.Record = content.Record{}
	return &row, nil
}
