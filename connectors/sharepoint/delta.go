package sharepoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// positions is where a stream stands in the change log of each library, by id.
type positions struct {
	V      int                 `json:"v"`
	State  string              `json:"state"`
	Drives map[string]position `json:"drives"`
	Done   map[string]string   `json:"done,omitempty"` // libraries read to the end, by the run that did so
}

// A position is where a change log goes on. A listing of all that there is belongs
// to the run that began it: another one begins it anew.
type position struct {
	Link   string `json:"link"`
	Full   string `json:"full,omitempty"`   // the run that lists all
	Resync string `json:"resync,omitempty"` // the run that found the log gone
	Tree   string `json:"tree,omitempty"`   // of the folders by which paths were told
	Ended  bool   `json:"ended,omitempty"`  // all was listed; Link is for the next import
}

func (p positions) String() string {
	b, _ := json.Marshal(p) // texts always encode
	return string(b)
}

const positionVersion = 1

// maker makes a record of an item; ok is false for one that is not of its type.
type maker func(ctx context.Context, t *tree, item *driveItem, raw json.RawMessage) (r connectors.Record, ok bool, err error)

// read makes the stream of a type: the change logs of all libraries, one after the
// other. A site or library that cannot be read is told and left as it is.
func (s *session) read(typ *content.Type, make maker) func(context.Context, string) iter.Seq2[connectors.Record, error] {
	return func(ctx context.Context, from string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			p := positions{}
			if from != "" {
				if err := json.Unmarshal([]byte(from), &p); err != nil {
					yield(connectors.Record{}, fmt.Errorf("%w position: %w", content.ErrInvalid, err))
					return
				}
			}
			if state := s.in.Settings.state(); p.V != positionVersion || p.State != state {
				p = positions{V: positionVersion, State: state}
			}
			if p.Drives == nil {
				p.Drives = map[string]position{}
			}
			for id, run := range p.Done {
				if run != s.in.Run {
					delete(p.Done, id)
				}
			}
			read, failed, given := map[string]library{}, error(nil), map[string]bool{}
			for _, site := range s.in.Settings.Sites {
				list, err := s.libraries(ctx, site)
				if err != nil {
					if !ofScope(err) {
						yield(connectors.Record{}, err)
						return
					}
					failed = err
					if !yield(skipped("site "+site.name(), err), nil) {
						return
					}
				}
				for _, l := range list {
					if p.Done[l.ID] == s.in.Run {
						read[l.ID] = l
						continue // before a crash
					}
					f := &feed{session: s, typ: typ, make: make, library: l, positions: &p, yield: yield, given: given}
					ok, err := f.follow(ctx)
					switch {
					case err != nil && ofScope(err):
						failed = err
						if !yield(skipped("library "+l.Name+" of "+l.site, err), nil) {
							return
						}
					case err != nil:
						yield(connectors.Record{}, err)
						return
					case !ok:
						return
					default:
						read[l.ID] = l
					}
				}
			}
			if len(read) == 0 && failed != nil { // then it is the credential, not a site
				yield(connectors.Record{}, fmt.Errorf("no library could be read: %w", failed))
				return
			}
			if typ == documents && !s.in.DryRun {
				s.again(ctx, read, given, yield)
			}
		}
	}
}

func skipped(name string, err error) connectors.Record {
	return connectors.Record{Part: &connectors.Part{Name: name, State: connectors.PartFailed, Err: err}}
}

// A feed reads the change log of one library.
type feed struct {
	*session
	typ       *content.Type
	make      maker
	library   library
	positions *positions
	yield     func(connectors.Record, error) bool
	tree      *tree
	given     map[string]bool // keys, in this run
}

func (f *feed) at() position     { return f.positions.Drives[f.library.ID] }
func (f *feed) set(p position)   { f.positions.Drives[f.library.ID] = p }
func (f *feed) root() string     { return "/drives/" + url.PathEscape(f.library.ID) + "/root/delta" }
func (f *feed) snapshot() string { return f.positions.String() }

// key is that of an item among the records of the stream.
func (f *feed) key(id string) string {
	if f.typ == documents {
		return f.tree.assetKey(id)
	}
	return f.tree.key(id)
}

// part is the field that holds the id of the library.
func (f *feed) part() string {
	if f.typ == documents {
		return "part"
	}
	return "drive_id"
}

// mark marks the beginning or the end of a listing of all that the library has.
func (f *feed) mark(state connectors.PartState) bool {
	return f.yield(connectors.Record{Position: connectors.Text(f.snapshot()),
		Part: &connectors.Part{Name: "library " + f.library.Name + " of " + f.library.site, Field: f.part(), Value: f.library.ID, State: state}}, nil)
}

// follow reads to the end of the log. It reports whether to go on.
func (f *feed) follow(ctx context.Context) (bool, error) {
	var err error
	if f.tree, err = f.grow(ctx, f.library); err != nil {
		return false, err
	}
	p := f.at()
	if p.Link == "" || p.Full != "" && p.Full != f.in.Run {
		if ok := f.begin(f.root(), p.Resync); !ok {
			return false, nil
		}
	}
	if f.at().Ended { // before a crash
		return f.end(), nil
	}
	seen, empty := map[string]bool{}, 0
	for {
		link := f.at().Link
		if seen[link] || empty > maxEmpty {
			return f.astray(len(seen))
		}
		seen[link] = true
		page, err := f.page(ctx, link)
		if err != nil {
			again, err := f.lost(err)
			if err != nil || !again {
				return false, err
			}
			clear(seen)
			continue
		}
		if empty++; len(page.Value) > 0 {
			empty = 0
		}
		if ok, err := f.give(ctx, page); !ok || err != nil {
			return false, err
		}
		p := f.at()
		if page.Delta == "" {
			p.Link = page.Next
			f.set(p)
			if !f.yield(connectors.Record{Position: connectors.Text(f.snapshot())}, nil) {
				return false, nil
			}
			continue
		}
		// The link of this very listing: one that is asked for later would lose
		// what changed in between.
		full := p.Full != ""
		shape := f.tree.shape()
		if shape != p.Tree {
			if ok, err := f.repath(ctx); !ok || err != nil {
				return false, err
			}
		}
		f.set(position{Link: page.Delta, Full: p.Full, Resync: p.Resync, Tree: shape, Ended: true})
		if full && !f.yield(connectors.Record{Position: connectors.Text(f.snapshot())}, nil) {
			return false, nil
		}
		return f.end(), nil
	}
}

// maxEmpty is how many pages without an item may follow each other.
const maxEmpty = 1000

// astray gives up a log that has no end. The next import lists the library anew.
func (f *feed) astray(pages int) (bool, error) {
	f.set(position{Tree: f.at().Tree})
	if !f.yield(connectors.Record{Position: connectors.Text(f.snapshot())}, nil) {
		return false, nil
	}
	return false, fmt.Errorf("%w: it leads in a circle, or nowhere, after %d pages", errLog, pages)
}

// end closes the log of a library for this run.
func (f *feed) end() bool {
	p := f.at()
	full := p.Full != ""
	p.Full, p.Ended = "", false
	f.set(p)
	if f.positions.Done == nil {
		f.positions.Done = map[string]string{}
	}
	f.positions.Done[f.library.ID] = f.in.Run
	if full {
		return f.mark(connectors.PartComplete)
	}
	return f.yield(connectors.Record{Position: connectors.Text(f.snapshot())}, nil)
}

// begin starts a listing of all.
func (f *feed) begin(link, resync string) bool {
	f.set(position{Link: link, Full: f.in.Run, Resync: resync, Tree: f.at().Tree})
	return f.mark(connectors.PartBegins)
}

// lost begins anew when the log is gone (410): where the service says, and, when
// that is gone too, from the beginning; not again in the same run.
func (f *feed) lost(err error) (bool, error) {
	if !errors.Is(err, rest.ErrGone) {
		return false, err
	}
	p := f.at()
	again, clean := f.in.Run, f.in.Run+" clean"
	switch p.Resync {
	case clean:
		return false, err
	case again:
		return f.begin(f.root(), clean), nil
	}
	link := f.root()
	var status *rest.StatusError
	if errors.As(err, &status) {
		if at, err := url.Parse(status.Header.Get("Location")); err == nil && at.IsAbs() && f.client.Own(at.String()) == nil {
			link = at.String()
		} else {
			again = clean
		}
	}
	return f.begin(link, again), nil
}

// give gives the records of a page.
func (f *feed) give(ctx context.Context, page *deltaPage) (bool, error) {
	items := make([]*driveItem, len(page.Value))
	for i, raw := range page.Value {
		item := &driveItem{}
		if err := json.Unmarshal(raw, item); err != nil || item.ID == "" {
			if !f.yield(connectors.Record{Raw: withoutLink(raw), Err: fmt.Errorf("%w: an item of the library %s cannot be read", content.ErrInvalid, f.library.Name)}, nil) {
				return false, nil
			}
			continue
		}
		items[i] = item
		f.tree.note(item) // a folder may come behind what is in it
	}
	for i, item := range items {
		if item == nil {
			continue
		}
		if item.Deleted != nil {
			f.given[f.key(item.ID)] = true
			if !f.yield(connectors.Record{Key: f.key(item.ID), Deleted: true}, nil) {
				return false, nil
			}
			continue
		}
		r, ok, err := f.make(ctx, f.tree, item, page.Value[i])
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		f.given[f.key(item.ID)] = true
		if !f.yield(r, nil) {
			return false, nil
		}
	}
	return true, nil
}
