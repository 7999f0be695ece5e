package curatore

import (
	"context"
	"errors"

	"github.com/curatore/curatore-go/connectors"
)

// ImportFiles is [Organization.Import] of files that are given by their paths,
// all parts of one export at once. They are open no longer than they are needed.
func (o *Organization) ImportFiles(ctx context.Context, connection string, paths ...string) (*Run, error) {
	files, closeAll, err := connectors.OpenFiles(paths...)
	if err != nil {
		return nil, err
	}
	run, err := o.Import(ctx, connection, files...)
	if err != nil || o.c.hasObjects() { // which has a copy by now
		return run, errors.Join(err, closeAll())
	}
	o.c.untilClosed(ctx, func(ctx context.Context) {
		o.c.waitForEnd(ctx, o.scope, run.id)
		_ = closeAll() // of files that were only read
	})
	return run, nil
}
