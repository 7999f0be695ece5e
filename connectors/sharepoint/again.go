package sharepoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/store"
)

// maxAgain is how many files one import tries once more.
const maxAgain = 200

// again tries files once more whose bytes could not be got, or not be read for a
// reason that may have passed: a change log does not tell them again.
func (s *session) again(ctx context.Context, libraries map[string]library, given map[string]bool, yield func(connectors.Record, error) bool) {
	var waiting []*asset.Asset
	for row, err := range s.in.Stored.Each(ctx, documents, store.Query{Limit: maxAgain,
		Filters: []content.Filter{{Field: "extraction_status", Op: content.Equal, Values: []string{string(extract.Failed)}}}}) {
		if err != nil {
			yield(connectors.Record{}, err)
			return
		}
		d, ok := row.(*asset.Asset)
		if !ok || given[d.Key] {
			continue
		}
		if _, read := libraries[d.Part]; read {
			waiting = append(waiting, d)
		}
		if len(waiting) == maxAgain {
			break
		}
	}
	trees := map[string]*tree{}
	for _, d := range waiting {
		l := libraries[d.Part]
		t, err := trees[l.ID], error(nil)
		if t == nil {
			if t, err = s.grow(ctx, l); err != nil {
				yield(connectors.Record{}, err)
				return
			}
			trees[l.ID] = t
		}
		r, ok, err := s.fetch(ctx, t, detailsOf(d).ID)
		if err != nil {
			yield(connectors.Record{}, err)
			return
		}
		if ok && !yield(r, nil) {
			return
		}
	}
}

// fetch makes a record of a file by its id. One that is not there is left out: the
// log will tell.
func (s *session) fetch(ctx context.Context, t *tree, id string) (connectors.Record, bool, error) {
	a, err := s.client.Do(ctx, rest.Request{Path: "/drives/" + url.PathEscape(t.library.ID) + "/items/" + url.PathEscape(id)})
	if err != nil {
		if ofScope(err) {
			err = nil
		}
		return connectors.Record{}, false, err
	}
	var raw json.RawMessage
	item := &driveItem{}
	err = errors.Join(s.client.Decode(a, &raw), s.client.Decode(a, item))
	if err != nil || item.ID != id || item.Deleted != nil {
		return connectors.Record{}, false, nil
	}
	return s.document(ctx, t, item, raw)
}
