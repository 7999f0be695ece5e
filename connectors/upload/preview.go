package upload

import (
	"context"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/store"
)

// A Lister lists the assets of an organization: a *curatore.Organization.
type Lister interface {
	List(ctx context.Context, typeName string, q store.Query) (store.Page[content.Item], error)
}

// A State says what an upload would do with a file.
type State string

// The states of a file.
const (
	Added     State = "new"
	Changed   State = "changed"
	Unchanged State = "unchanged"
	Missing   State = "missing" // stored and not among the files; Settings.Sync deletes it
	Refused   State = "refused" // it cannot be taken; see Change.Err
)

// A Change is what an upload would do with one file.
type Change struct {
	Path  string
	State State
	Err   error // of a refused file
}

// Preview tells what an upload of files with these settings would do, and does
// nothing: the files in the order of their paths, then those that are missing. It
// compares them with the assets of all instances.
func Preview(ctx context.Context, stored Lister, s Settings, files ...connectors.File) ([]Change, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	entries, err := list(ctx, s, files)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{} // by path
	var paths []string
	for q := (store.Query{Limit: 1000, Filters: []content.Filter{{Field: "source", Op: content.Equal, Values: []string{asset.Upload}}}}); ; {
		page, err := stored.List(ctx, "asset", q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			name, _ := item.Fields["path"].(string)
			sums[name], _ = item.Fields["sha256"].(string)
			paths = append(paths, name)
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	var changes []Change
	seen := map[string]bool{}
	for _, e := range entries.all {
		state, err := e.compare(ctx, sums)
		if err != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		changes = append(changes, Change{e.path, state, err})
		seen[e.path] = true
	}
	for _, p := range paths {
		if !seen[p] {
			changes = append(changes, Change{Path: p, State: Missing})
		}
	}
	return changes, nil
}

// compare holds an entry against what is stored.
func (e *entry) compare(ctx context.Context, sums map[string]string) (State, error) {
	if e.err != nil {
		return Refused, e.err
	}
	f, done, err := e.open(ctx)
	if err != nil {
		return Refused, err
	}
	defer done()
	sum, err := asset.Hash(ctx, f)
	if err != nil {
		return Refused, err
	}
	switch old, known := sums[e.path]; {
	case !known:
		return Added, nil
	case old != sum:
		return Changed, nil
	}
	return Unchanged, nil
}
