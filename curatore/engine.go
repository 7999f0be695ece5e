package curatore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/functions"
)

// largeCatalogue is from how many functions on a model is helped to find them.
const largeCatalogue = 40

// assembleFunctions makes the engine of all functions: those that follow from
// the declarations, those of runs, and those of the connections and the program.
func (c *Curator) assembleFunctions() (err error) {
	all := functions.Builtins(c.sources())
	all = append(all, c.runFunctions()...)
	all = append(all, c.ownFunctions()...)
	if len(all) > largeCatalogue {
		all = append(all, functions.FindFunctions())
	}
	c.engine, err = functions.NewEngine(functions.Config{
		Authorize: c.config.Authorize, Logger: c.config.Logger, Now: c.now, Off: c.off,
		Ledger: &functions.Ledger{DB: c.db, Authority: c.auth, Now: c.now},
	}, all...)
	return err
}

// exportFor is how long the URL of an export is good.
const exportFor = 24 * time.Hour

// export stores a file that a function writes, below the organization's exports.
func (c *Curator) export(ctx context.Context, scope content.Scope, filename, contentType string, write func(io.Writer) error) (functions.Exported, error) {
	organization, err := c.auth.Organization(scope)
	if err != nil {
		return functions.Exported{}, err
	}
	objects, err := c.objects()
	if err != nil {
		return functions.Exported{}, err
	}
	key, err := blob.Key(organization, "exports", store.NewID())
	if err != nil {
		return functions.Exported{}, err
	}
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err) // it always returns nil
		written <- err
	}()
	info, err := objects.Put(ctx, key, r, blob.PutOptions{ContentType: contentType, Filename: filename})
	_ = r.CloseWithError(errors.New("the object store stopped reading")) // the writer ends, also when the store has failed
	if wrong := <-written; wrong != nil && err == nil || err != nil {
		return functions.Exported{}, fmt.Errorf("store the export %s: %w", filename, errors.Join(err, wrong))
	}
	out := functions.Exported{Key: key, Size: info.Size}
	if p, ok := objects.(blob.Presigner); ok {
		if out.URL, err = p.PresignGet(ctx, key, exportFor); err != nil {
			return functions.Exported{}, fmt.Errorf("make a URL for the export %s: %w", filename, err)
		}
	}
	return out, nil
}
