package connectors

import (
	"context"

	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
)

// Keeper keeps files in the object store under the connection's prefix and reads
// their text with an extractor, which may be nil. In a dry run nothing is kept.
func (in Input[S]) Keeper(extractor extract.Extractor) asset.Keeper {
	k := asset.Keeper{Extractor: extractor, Objects: in.Objects, Prefix: in.ObjectPrefix, Now: in.Now}
	if in.DryRun {
		k.Objects = nil
	}
	return k
}

// ReplayAsset is what a Replay makes of an asset: it is read again from the bytes
// that were kept. Of other records, and where no bytes were kept, it makes nothing.
func ReplayAsset(ctx context.Context, k asset.Keeper, p Payload) Record {
	row, err := k.AgainOf(ctx, p.Stored)
	return Record{Row: row, Err: err}
}
