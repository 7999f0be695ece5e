// Package sharepointtest is a Microsoft Graph for tests: tokens, sites, libraries,
// change logs and downloads as Graph answers them, with what happens to them.
package sharepointtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Tenant, ClientID and Secret are what a Server accepts.
const (
	Tenant   = "contoso"
	ClientID = "app-1"
	Secret   = "graph-canary-secret-8"
)

// A Server answers like graph.microsoft.com and login.microsoftonline.com.
type Server struct {
	*httptest.Server
	PageSize int // of change logs; 0 is 200

	files *httptest.Server // where downloads come from: another host, as with Graph

	mu        sync.Mutex
	host      string
	sites     []*Site
	token     int // the one that is valid
	tickets   int // of download addresses
	requests  map[string]int
	hook      func(w http.ResponseWriter, r *http.Request) bool
	afterPage func(n int)
	pages     int
}

// A Site has libraries.
type Site struct {
	Path   string
	Status int // 0 is right; 403, 404, 423 are what it answers
	Drives []*Drive
}

// A Drive is a library, with a log of what changed.
type Drive struct {
	ID, Name string
	Status   int // 0 is right

	items  map[string]*Item
	log    []string // ids, in the order of changes
	epoch  int      // tokens of an earlier one are gone
	where  bool     // a 410 says where to begin anew
	broken bool     // and that is gone too
}

// An Item is a folder or a file.
type Item struct {
	ID, Name, Parent string
	Folder           bool
	Text             string // what a file holds
	Size             int64  // what is said of it; 0 is right
	MIME             string
	deleted          bool
	version, content int
}

// New starts a server with sites. Close it.
func New(host string, sites ...*Site) *Server {
	s := &Server{host: host, sites: sites, requests: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	s.files = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Close ends the server.
func (s *Server) Close() {
	s.Server.Close()
	s.files.Close()
}

// NewDrive makes a library with its top folder.
func NewDrive(id, name string, items ...Item) *Drive {
	d := &Drive{ID: id, Name: name, items: map[string]*Item{}}
	d.items[id+"-root"] = &Item{ID: id + "-root", Name: "root", Folder: true}
	d.log = append(d.log, id+"-root")
	for _, i := range items {
		d.Put(i)
	}
	return d
}

// Root is the id of the top folder.
func (d *Drive) Root() string { return d.ID + "-root" }

// Put stores an item, a new one or in place of what it was. Without a Parent it is
// in the top folder.
func (d *Drive) Put(i Item) {
	if i.Parent == "" {
		i.Parent = d.Root()
	}
	if i.MIME == "" {
		i.MIME = "text/plain"
	}
	if old := d.items[i.ID]; old != nil {
		i.version, i.content = old.version+1, old.content
		if old.Text != i.Text {
			i.content++
		}
	}
	d.items[i.ID] = &i
	d.log = append(d.log, i.ID)
}

// Delete deletes an item. What is below a folder is deleted one by one, as Graph
// tells it.
func (d *Drive) Delete(id string) {
	for _, other := range slices.Sorted(keys(d.items)) {
		if i := d.items[other]; i.Parent == id && !i.deleted {
			d.Delete(other)
		}
	}
	d.items[id].deleted = true
	d.log = append(d.log, id)
}

// Vanish takes an item away without a word in the log.
func (d *Drive) Vanish(id string) {
	delete(d.items, id)
	d.log = slices.DeleteFunc(d.log, func(l string) bool { return l == id })
}

// Touch changes the tags of a file, as saving it without a change does.
func (d *Drive) Touch(id string) {
	d.items[id].content++
	d.items[id].version++
	d.log = append(d.log, id)
}

// Expire makes all tokens of the log invalid. With where, the answer says where to
// begin; with broken that is invalid too.
func (d *Drive) Expire(where, broken bool) {
	d.epoch++
	d.where, d.broken = where, broken
}

func keys(m map[string]*Item) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Do changes what the server has.
func (s *Server) Do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Revoke makes the tokens invalid that were given out.
func (s *Server) Revoke() { s.Do(func() { s.token++ }) }

// Hook has a function see each request first; it reports whether it has answered.
func (s *Server) Hook(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.Do(func() { s.hook = f })
}

// AfterPage has a function called behind each page of a change log, counted from 1;
// it may change what the server has.
func (s *Server) AfterPage(f func(n int)) { s.Do(func() { s.afterPage, s.pages = f, 0 }) }

// Requests returns how often "token", "site", "delta", "item" and "download" were asked for
// since the last call.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = map[string]int{}
	return r
}

func problem(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%q,"message":"it is %s","innerError":{"request-id":"1"}}}`, code, code)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook != nil && s.hook(w, r) {
		return
	}
	path := r.URL.Path
	switch {
	case path == "/"+Tenant+"/oauth2/v2.0/token":
		s.requests["token"]++
		if r.FormValue("client_id") != ClientID || r.FormValue("client_secret") != Secret || r.FormValue("scope") != "https://graph.microsoft.com/.default" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"graph-token-canary-%d"}`, s.token)
		return
	case strings.HasPrefix(path, "/download/"):
		s.requests["download"]++
		s.download(w, r, strings.TrimPrefix(path, "/download/"))
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer graph-token-canary-%d", s.token) {
		problem(w, http.StatusUnauthorized, "InvalidAuthenticationToken")
		return
	}
	path = strings.TrimPrefix(path, "/v1.0")
	switch {
	case strings.HasPrefix(path, "/sites/") && strings.HasSuffix(path, "/drives"):
		s.drives(w, strings.TrimSuffix(strings.TrimPrefix(path, "/sites/"), "/drives"))
	case strings.HasPrefix(path, "/sites/"):
		s.requests["site"]++
		s.site(w, strings.TrimPrefix(path, "/sites/"))
	case strings.HasPrefix(path, "/drives/"):
		s.drive(w, r, strings.TrimPrefix(path, "/drives/"))
	default:
		problem(w, http.StatusNotFound, "itemNotFound")
	}
}

func (s *Server) site(w http.ResponseWriter, address string) {
	host, path, _ := strings.Cut(address, ":/")
	for i, site := range s.sites {
		if host == s.host && site.Path == path {
			if site.Status != 0 {
				problem(w, site.Status, map[int]string{403: "accessDenied", 404: "itemNotFound", 423: "resourceLocked"}[site.Status])
				return
			}
			fmt.Fprintf(w, `{"id":"%s,site-%d,web-%d","name":%q,"webUrl":"https://%s/%s"}`, s.host, i, i, path, s.host, path)
			return
		}
	}
	problem(w, http.StatusNotFound, "itemNotFound")
}

func (s *Server) drives(w http.ResponseWriter, id string) {
	for i, site := range s.sites {
		if id == fmt.Sprintf("%s,site-%d,web-%d", s.host, i, i) {
			list := []map[string]any{}
			for _, d := range site.Drives {
				list = append(list, map[string]any{"id": d.ID, "name": d.Name, "driveType": "documentLibrary"})
			}
			write(w, map[string]any{"value": list})
			return
		}
	}
	problem(w, http.StatusNotFound, "itemNotFound")
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) find(id string) *Drive {
	for _, site := range s.sites {
		for _, d := range site.Drives {
			if d.ID == id {
				return d
			}
		}
	}
	return nil
}

func (s *Server) drive(w http.ResponseWriter, r *http.Request, path string) {
	id, rest, _ := strings.Cut(path, "/")
	d := s.find(id)
	switch {
	case d == nil:
		problem(w, http.StatusNotFound, "itemNotFound")
	case d.Status != 0:
		problem(w, d.Status, "resourceLocked")
	case rest == "root/delta":
		s.requests["delta"]++
		s.delta(w, r, d)
	case strings.HasPrefix(rest, "items/") && strings.HasSuffix(rest, "/content"):
		item := d.items[strings.TrimSuffix(strings.TrimPrefix(rest, "items/"), "/content")]
		if item == nil || item.deleted {
			problem(w, http.StatusNotFound, "itemNotFound")
			return
		}
		http.Redirect(w, r, s.ticket(d, item), http.StatusFound)
	case strings.HasPrefix(rest, "items/"):
		s.requests["item"]++
		item := d.items[strings.TrimPrefix(rest, "items/")]
		if item == nil || item.deleted {
			problem(w, http.StatusNotFound, "itemNotFound")
			return
		}
		write(w, s.json(d, item))
	default:
		problem(w, http.StatusBadRequest, "invalidRequest")
	}
}

// delta gives the log from a place on, each item as it is now. A listing of all
// begins at the beginning; what was deleted before is not in it.
func (s *Server) delta(w http.ResponseWriter, r *http.Request, d *Drive) {
	q := r.URL.Query()
	at, full := 0, true
	if t := q.Get("token"); t != "" {
		parts := strings.Split(t, ".")
		epoch, _ := strconv.Atoi(parts[1])
		at, _ = strconv.Atoi(parts[2])
		full = parts[0] != "changes"
		switch {
		case parts[0] == "resync" && d.broken:
			problem(w, http.StatusGone, "resyncRequired")
			return
		case epoch < d.epoch:
			if d.where {
				w.Header().Set("Location", fmt.Sprintf("%s/v1.0/drives/%s/root/delta?token=resync.%d.0", s.URL, d.ID, d.epoch))
			}
			problem(w, http.StatusGone, "resyncRequired")
			return
		}
	}
	size := s.PageSize
	if size == 0 {
		size = 200
	}
	at = min(at, len(d.log))
	end := min(at+size, len(d.log))
	values := []map[string]any{}
	for _, id := range d.log[at:end] {
		if i := d.items[id]; i != nil && (!i.deleted || !full) {
			values = append(values, s.json(d, i))
		}
	}
	answer := map[string]any{"@odata.context": s.URL + "/v1.0/$metadata#Collection(driveItem)", "value": values}
	base := s.URL + "/v1.0/drives/" + d.ID + "/root/delta?token="
	kind := "changes"
	if full {
		kind = "all"
	}
	if end < len(d.log) {
		answer["@odata.nextLink"] = fmt.Sprintf("%s%s.%d.%d", base, kind, d.epoch, end)
	} else {
		answer["@odata.deltaLink"] = fmt.Sprintf("%schanges.%d.%d", base, d.epoch, end)
	}
	write(w, answer)
	s.pages++
	if s.afterPage != nil {
		s.afterPage(s.pages)
	}
}

func (s *Server) json(d *Drive, i *Item) map[string]any {
	m := map[string]any{"id": i.ID, "parentReference": map[string]any{"driveId": d.ID, "driveType": "documentLibrary", "id": i.Parent}}
	if i.deleted {
		m["deleted"] = map[string]any{"state": "deleted"}
		return m
	}
	who := map[string]any{"user": map[string]any{"displayName": "Wile Coyote", "email": "wile@contoso.com"}}
	m["name"], m["webUrl"], m["eTag"] = i.Name, "https://"+s.host+"/"+d.Name+"/"+i.Name, fmt.Sprintf(`"{%s},%d"`, i.ID, i.version)
	m["createdDateTime"], m["lastModifiedDateTime"], m["createdBy"], m["lastModifiedBy"] = "2026-01-02T03:04:05Z", "2026-02-03T04:05:06Z", who, who
	switch {
	case i.ID == d.Root():
		m["root"], m["folder"] = map[string]any{}, map[string]any{"childCount": 1}
		m["parentReference"] = map[string]any{"driveId": d.ID, "driveType": "documentLibrary"}
	case i.Folder:
		m["folder"] = map[string]any{"childCount": 1}
	default:
		m["size"] = i.Size
		if i.Size == 0 {
			m["size"] = len(i.Text)
		}
		m["cTag"] = fmt.Sprintf(`"c:{%s},%d"`, i.ID, i.content)
		m["file"] = map[string]any{"mimeType": i.MIME, "hashes": map[string]any{"quickXorHash": "AAAA"}}
		m["@microsoft.graph.downloadUrl"] = s.ticket(d, i)
	}
	return m
}

// ticket is an address that carries its own permission, for some time.
func (s *Server) ticket(d *Drive, i *Item) string {
	s.tickets++
	return fmt.Sprintf("%s/download/%s/%s?tempauth=ticket-canary-%d", s.files.URL, d.ID, i.ID, s.tickets)
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, path string) {
	id, item, _ := strings.Cut(path, "/")
	d := s.find(id)
	switch {
	case r.Header.Get("Authorization") != "": // a pre-authenticated address takes none
		problem(w, http.StatusUnauthorized, "unauthenticated")
	case !strings.HasPrefix(r.URL.Query().Get("tempauth"), "ticket-canary-"):
		problem(w, http.StatusForbidden, "accessDenied")
	case d == nil || d.items[item] == nil || d.items[item].deleted:
		problem(w, http.StatusNotFound, "itemNotFound")
	default:
		w.Header().Set("Content-Type", d.items[item].MIME)
		fmt.Fprint(w, d.items[item].Text)
	}
}

// Repeat has the log give all items once more, the last first.
func (d *Drive) Repeat() {
	again := slices.Clone(d.log)
	slices.Reverse(again)
	d.log = append(d.log, again...)
}
