package asset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/extract"
)

// Again reads the text of a file once more from the bytes that were kept, without
// its source. A file that the extractor has read already comes back as it is; one
// whose bytes were not kept, or are lost, is content.ErrNotFound.
func (k Keeper) Again(ctx context.Context, old File) (File, error) {
	if old.ObjectKey == "" || k.Objects == nil {
		return File{}, fmt.Errorf("%w: the bytes of %q were not kept", content.ErrNotFound, old.Filename)
	}
	if old.Done(k.Extractor) {
		return old, nil
	}
	kept, err := blob.OpenLocal(ctx, k.Objects, old.ObjectKey, old.SHA256, blob.Spill{})
	if errors.Is(err, blob.ErrCorrupt) {
		err = fmt.Errorf("%w: the bytes of %q are lost: %w", content.ErrNotFound, old.Filename, err)
	}
	if err != nil {
		return File{}, err
	}
	said := kept.Info.ContentType
	if said == "application/octet-stream" { // nothing was said
		said = ""
	}
	file, err := k.Keep(ctx, extract.File{Name: old.Filename, ContentType: said, Size: old.Size, ReaderAt: kept}, old.SHA256, &old)
	return file, errors.Join(err, kept.Close())
}

// AgainOf is Again for a stored record, for the Replay of a connection: the asset
// with its text as it is read now. Nil is no asset, or one whose bytes were not kept.
func (k Keeper) AgainOf(ctx context.Context, row content.Row) (content.Row, error) {
	a, ok := row.(*Asset)
	if !ok {
		return nil, nil
	}
	file, err := k.Again(ctx, a.File)
	if errors.Is(err, content.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a.File = file
	a.Details, err = sorted(a.Details)
	return a, err
}

// sorted writes details in the one way in which connections do: a database may give
// back the same JSON in another.
func sorted(d Details) (Details, error) {
	if len(d) == 0 {
		return d, nil
	}
	var v any
	if err := json.Unmarshal(d, &v); err != nil {
		return nil, fmt.Errorf("%w details: %w", content.ErrInvalid, err)
	}
	return json.Marshal(v)
}
