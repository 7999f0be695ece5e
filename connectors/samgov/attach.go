package samgov

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/store"
)

// attachments are the files of notices.
var attachments = asset.Type(asset.SAM)

// maxIll is how many downloads may fail in a row before the service is taken for ill.
const maxIll = 5

// attachments downloads the files of stored notices, those of the most recent ones
// first. What is there need not be had again: a file does not change under its
// address. When all are there, notices are looked through only after one has changed.
func (s *session) attachments() connectors.Stream {
	return connectors.Stream{Type: attachments, Mode: connectors.Incremental, Read: func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			newest, err := s.newest(ctx)
			if err != nil {
				yield(connectors.Record{}, err)
				return
			}
			done := newest + " " + s.files.state
			if newest == "" || from == done {
				return
			}
			w := &walk{session: s, left: cmp.Or(s.in.Settings.Attachments.Max, defaultAttachments), yield: yield}
			all, err := w.notices(ctx)
			switch {
			case err != nil:
				yield(connectors.Record{}, err)
			case all:
				yield(connectors.Record{Position: connectors.Text(done)}, nil)
			}
		}
	}}
}

// A walk goes through notices for their attachments.
type walk struct {
	*session
	yield func(connectors.Record, error) bool
	left  int // how many may be downloaded
	ill   int // how many have failed in a row
	given int
	open  bool // something is left for the next import
}

// chunk is how many notices are compared with their assets at once.
const chunk = 200

// notices reports whether all attachments are settled.
func (w *walk) notices(ctx context.Context) (all bool, err error) {
	var list []*Notice
	flush := func() (bool, error) {
		ok, err := w.compare(ctx, list)
		list = list[:0]
		return ok, err
	}
	for row, err := range w.in.Stored.Each(ctx, notices, store.Query{Limit: chunk, Order: []store.Order{{Field: "posted_date", Desc: true}}}) {
		if err != nil {
			return false, err
		}
		if n, ok := row.(*Notice); ok {
			list = append(list, n)
		}
		if len(list) == chunk {
			if ok, err := flush(); !ok || err != nil {
				return false, err
			}
		}
	}
	ok, err := flush()
	return ok && !w.open, err
}

// compare gives what is to be changed in the assets of some notices. It reports
// whether to go on.
func (w *walk) compare(ctx context.Context, list []*Notice) (bool, error) {
	if len(list) == 0 {
		return true, nil
	}
	ids := make([]string, len(list))
	for i, n := range list {
		ids[i] = n.NoticeID
	}
	stored := map[string]map[string]*asset.Asset{} // by notice and key
	for row, err := range w.in.Stored.Each(ctx, attachments, store.Query{Limit: 1000, Filters: []content.Filter{{Field: "parent_key", Op: content.In, Values: ids}}}) {
		if err != nil {
			return false, err
		}
		if a, ok := row.(*asset.Asset); ok {
			if stored[a.ParentKey] == nil {
				stored[a.ParentKey] = map[string]*asset.Asset{}
			}
			stored[a.ParentKey][a.Key] = a
		}
	}
	for _, n := range list {
		if ok, err := w.notice(ctx, n, stored[n.NoticeID]); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// notice gives the attachments of one notice. Those that it has no more go, unless it
// has none at all any more: that is what a notice says that was archived.
func (w *walk) notice(ctx context.Context, n *Notice, stored map[string]*asset.Asset) (bool, error) {
	var links []string
	if len(n.Resources) > 0 && json.Unmarshal(n.Resources, &links) != nil {
		links = nil
	}
	for _, link := range links {
		a := assetOf(n, link)
		old := stored[a.Key]
		delete(stored, a.Key)
		if w.files.settled(old) {
			continue
		}
		if w.left == 0 || w.ill == maxIll {
			w.open = true // the next import goes on here
			return false, nil
		}
		w.left--
		ill, err := w.files.fill(ctx, a, old)
		if err != nil {
			return false, err
		}
		if w.ill++; !ill {
			w.ill = 0
		}
		if !w.files.settled(a) {
			w.open = true
		}
		if !w.give(connectors.Record{Row: a}) {
			return false, nil
		}
	}
	if len(links) == 0 {
		return true, nil
	}
	for key := range stored {
		if !w.give(connectors.Record{Key: key, Deleted: true}) {
			return false, nil
		}
	}
	return true, nil
}

// give gives a record. Its position only says that there is one: what is left is found
// by what is stored.
func (w *walk) give(r connectors.Record) bool {
	w.given++
	r.Position = connectors.Text("open " + strconv.Itoa(w.given))
	return w.yield(r, nil)
}

// assetOf is an attachment before its file is there. Its folder is what the notice is
// about, so that the files of a solicitation stand together.
func assetOf(n *Notice, link string) *asset.Asset {
	a := &asset.Asset{Key: asset.Key(asset.SAM, n.NoticeID+"/"+fileID(link)), Source: asset.SAM, Folder: n.NoticeID, URL: link, ParentKey: n.NoticeID, SourceCreatedAt: n.Posted}
	if n.SolicitationNumber != nil {
		a.Folder = *n.SolicitationNumber
	}
	if n.Agency != nil {
		a.Collection = *n.Agency
	}
	put(a, nameOf(nil, link))
	return a
}

// fileID tells the files of a notice apart: the id in an address of the service, such
// as .../resources/files/ID/download, or a hash of any other.
func fileID(link string) string {
	if u, err := url.Parse(link); err == nil && u.RawQuery == "" {
		if _, rest, ok := strings.Cut(u.Path, "/resources/files/"); ok {
			if id, rest, _ := strings.Cut(rest, "/"); id != "" && (rest == "" || rest == "download") {
				return id
			}
		}
	}
	sum := sha256.Sum256([]byte(link))
	return hex.EncodeToString(sum[:16])
}
