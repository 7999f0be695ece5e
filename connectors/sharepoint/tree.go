package sharepoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/store"
)

// A tree knows the folders of a library, so that the path of an item can be told:
// a change log gives the id of the folder above, and nothing of what is below a
// folder that was renamed.
type tree struct {
	library library
	folders map[string]node // by id
}

type node struct{ parent, name string }

// grow makes the tree of the folders that are stored.
func (s *session) grow(ctx context.Context, l library) (*tree, error) {
	t := &tree{library: l, folders: map[string]node{}}
	for row, err := range s.in.Stored.Each(ctx, folders, store.Query{Limit: 1000, Filters: []content.Filter{{Field: "drive_id", Op: content.Equal, Values: []string{l.ID}}}}) {
		if err != nil {
			return nil, err
		}
		if f, ok := row.(*Folder); ok {
			parent := ""
			if f.ParentKey != nil {
				parent = t.id(*f.ParentKey)
			}
			t.folders[t.id(f.Key)] = node{parent, f.Name}
		}
	}
	return t, nil
}

// key names an item in the whole tenant: ids are unique in a library.
func (t *tree) key(id string) string { return t.library.ID + "/" + id }

// assetKey names a file among the assets of all sources.
func (t *tree) assetKey(id string) string { return asset.Key(asset.SharePoint, t.key(id)) }

func (t *tree) id(key string) string { return strings.TrimPrefix(key, t.library.ID+"/") }

// note takes over what an item says about folders.
func (t *tree) note(item *driveItem) {
	switch {
	case item.Deleted != nil:
		delete(t.folders, item.ID)
	case item.Root != nil:
		t.folders[item.ID] = node{"", t.library.Name}
	case item.Folder != nil:
		t.folders[item.ID] = node{item.Parent.ID, item.Name}
	}
}

// maxDepth is more folders than SharePoint's longest path can name.
const maxDepth = 400

// path is where an item stands, from the top of the library: "Bids/2026/plan.docx".
// What is above an unknown folder is left out.
func (t *tree) path(parent, name string) string {
	parts := []string{name}
	for id := parent; id != ""; {
		n, ok := t.folders[id]
		if !ok || n.parent == "" || len(parts) > maxDepth { // the top, or folders that lie in each other
			break
		}
		parts = append(parts, n.name)
		id = n.parent
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, "/")
}

// shape is another one when a folder was made, renamed or moved, or the library was
// renamed, which no log tells.
func (t *tree) shape() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", t.library.site, t.library.Name)
	for _, id := range slices.Sorted(maps.Keys(t.folders)) {
		fmt.Fprintf(h, "%q %q %q\n", id, t.folders[id].parent, t.folders[id].name)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// repath gives what is stored and stands somewhere else now, since a folder above it,
// or the library, was renamed or moved. It reports whether to go on.
func (f *feed) repath(ctx context.Context) (bool, error) {
	for row, err := range f.in.Stored.Each(ctx, f.typ, store.Query{Limit: 500, Filters: []content.Filter{{Field: f.part(), Op: content.Equal, Values: []string{f.library.ID}}}}) {
		if err != nil {
			return false, err
		}
		rec := content.RecordOf(row)
		var r connectors.Record
		switch v := row.(type) {
		case *Folder:
			if f.given[v.Key] || f.tree.folders[f.tree.id(v.Key)].name == "" {
				continue
			}
			name, at := v.Name, f.tree.top()
			if v.ParentKey == nil {
				name = f.library.Name
			} else {
				at = f.tree.place(f.tree.id(*v.ParentKey), name)
			}
			if at == v.place && name == v.Name {
				continue
			}
			v.Name, v.place = name, at
			r.Row = v
		case *asset.Asset:
			if f.given[v.Key] {
				continue
			}
			at := f.tree.path(f.tree.id(v.ParentKey), v.Filename)
			if at == v.Path && v.Collection == f.tree.collection() {
				continue
			}
			put(v, at)
			d := detailsOf(v)
			d.Site, d.Library = f.library.site, f.library.Name
			v.Collection, v.Details = f.tree.collection(), d.json()
			if r.Row = v; !f.in.Settings.wants(at) {
				r = connectors.Record{Key: v.Key, Deleted: true}
			}
		}
		*rec = content.Record{Raw: rec.Raw}
		if !f.yield(r, nil) {
			return false, nil
		}
	}
	return true, nil
}

func (t *tree) place(parent, name string) place {
	p := t.top()
	p.Path = t.path(parent, name)
	return p
}

// top is where the top of the library stands.
func (t *tree) top() place {
	return place{Site: t.library.site, Library: t.library.Name, DriveID: t.library.ID}
}

// collection names the library among those of all sites.
func (t *tree) collection() string { return t.library.site + "/" + t.library.Name }
