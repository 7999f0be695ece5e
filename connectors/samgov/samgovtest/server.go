// Package samgovtest is a SAM.gov for tests: the opportunities API as it answers,
// oddities included, over notices that are generated.
package samgovtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key is the API key that a Server accepts.
const Key = "SAM-canary-4711-key"

// A Server answers like api.sam.gov. Change its fields before it is asked, or with
// the methods.
type Server struct {
	*httptest.Server
	DailyLimit int              // 0 is none
	Now        func() time.Time // of the daily limit; nil is time.Now

	mu       sync.Mutex
	notices  []*Notice
	texts    map[string]string
	requests map[string]int   // by "search", "description" and "file"
	files    *httptest.Server // where attachments come from: another host
	used     int
	hook     func(n int, w http.ResponseWriter, r *http.Request) bool
	extra    func(page int) int64 // added to the total
}

// New starts a server with notices. Close it.
func New(notices ...*Notice) *Server {
	s := &Server{notices: slices.Clone(notices), texts: map[string]string{}, requests: map[string]int{}}
	s.sort()
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	s.files = httptest.NewServer(http.HandlerFunc(s.file))
	return s
}

// Close ends the server.
func (s *Server) Close() {
	s.Server.Close()
	s.files.Close()
}

// Set replaces the notices.
func (s *Server) Set(notices ...*Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = slices.Clone(notices)
	s.sort()
}

// Post adds a notice. It is for hooks, which have the server to themselves.
func (s *Server) Post(n *Notice) {
	s.notices = append(s.notices, n)
	s.sort()
}

// The most recent come first, as at the service.
func (s *Server) sort() {
	slices.SortStableFunc(s.notices, func(a, b *Notice) int { return b.Day.Compare(a.Day) })
}

// Hook has a function see each request before the server does; it reports whether
// it has answered. The requests are counted from 1.
func (s *Server) Hook(f func(n int, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook, s.used = f, 0
}

// WrongTotals adds something to the total on each page of a search, by its number.
func (s *Server) WrongTotals(extra func(page int) int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extra = extra
}

// Requests returns how often "search", "description" and "file" were asked for since the
// last call.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = map[string]int{}
	return r
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used++
	if s.hook != nil && s.hook(s.used, w, r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, filesPath) { // needs no key, and costs nothing of the limit
		s.used--
		s.requests["file"]++
		id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, filesPath), "/download")
		http.Redirect(w, r, s.files.URL+"/signed/"+id+"?X-Amz-Signature=signature-canary-1", http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("X-Api-Key") == "":
		problem(w, http.StatusForbidden, `{"error":{"code":"API_KEY_MISSING","message":"No api_key was supplied."}}`)
	case r.Header.Get("X-Api-Key") != Key:
		problem(w, http.StatusForbidden, `{"error":{"code":"API_KEY_INVALID","message":"An invalid api_key was supplied."}}`)
	case s.DailyLimit > 0 && s.used > s.DailyLimit:
		now := time.Now()
		if s.Now != nil {
			now = s.Now()
		}
		next := now.UTC().AddDate(0, 0, 1).Truncate(24 * time.Hour)
		problem(w, http.StatusTooManyRequests, fmt.Sprintf(`{"code":"900804","message":"Message throttled out","description":"You have exceeded your quota","nextAccessTime":%q}`,
			next.Format("2006-Jan-02 15:04:05-0700 MST")))
	case r.URL.Path == "/opportunities/v2/search":
		s.requests["search"]++
		s.search(w, r)
	case r.URL.Path == "/prod/opportunities/v1/noticedesc":
		s.requests["description"]++
		s.description(w, r)
	default:
		problem(w, http.StatusNotFound, `{"message":"no Route matched with those values"}`)
	}
}

func problem(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

const wireDay = "01/02/2006"

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err1 := time.Parse(wireDay, q.Get("postedFrom"))
	to, err2 := time.Parse(wireDay, q.Get("postedTo"))
	limit, err3 := strconv.Atoi(cmp.Or(q.Get("limit"), "1"))
	offset, err4 := strconv.Atoi(cmp.Or(q.Get("offset"), "0"))
	switch {
	case err1 != nil || err2 != nil:
		problem(w, http.StatusBadRequest, `{"errorCode":"400","errorMessage":"PostedFrom and PostedTo are mandatory"}`)
		return
	case to.Sub(from) > 365*24*time.Hour:
		problem(w, http.StatusBadRequest, `{"errorCode":"400","errorMessage":"Date range must be null year(s) apart"}`)
		return
	case err3 != nil || limit < 0 || limit > 1000 || err4 != nil || offset < 0:
		problem(w, http.StatusBadRequest, `{"errorCode":"400","errorMessage":"Limit valid range is 0-1000. Please provide valid input."}`)
		return
	}
	var found []*Notice
	for _, n := range s.notices {
		if !n.Day.Before(from) && !n.Day.After(to) && n.matches(q) {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		problem(w, http.StatusNotFound, `{"errorCode":"404","errorMessage":"No Data found"}`)
		return
	}
	total := int64(len(found))
	if s.extra != nil {
		total += s.extra(offset)
	}
	// The offset is the number of a page.
	page := found[min(offset*limit, len(found)):min((offset+1)*limit, len(found))]
	data := make([]json.RawMessage, len(page))
	for i, n := range page {
		data[i] = n.json(s.URL)
	}
	b, err := json.Marshal(map[string]any{"totalRecords": total, "limit": limit, "offset": offset, "opportunitiesData": data, "links": []any{}})
	if err != nil {
		problem(w, http.StatusInternalServerError, "")
		return
	}
	_, _ = w.Write(b)
}

func (s *Server) description(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("noticeid")
	for _, n := range s.notices {
		if n.ID == id && n.Text != "" {
			b, _ := json.Marshal(map[string]string{"description": n.Text})
			_, _ = w.Write(b)
			return
		}
	}
	problem(w, http.StatusNotFound, `{"errorCode":"404","errorMessage":"Description Not Found"}`)
}

// file gives an attachment to whoever has a signed address, and to nobody who shows a
// key.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook != nil && s.hook(0, w, r) {
		return
	}
	if r.URL.Query().Get("X-Amz-Signature") == "" || r.Header.Get("X-Api-Key") != "" {
		problem(w, http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>")
		return
	}
	id, number, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/signed/"), "-")
	i, err := strconv.Atoi(number)
	for _, n := range s.notices {
		if n.ID == id && err == nil && i < len(n.Files) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="SOW %s.txt"`, number))
			_, _ = w.Write([]byte(n.Files[i]))
			return
		}
	}
	problem(w, http.StatusNotFound, "<Error><Code>NoSuchKey</Code></Error>")
}

// matches holds a notice against the parameters of a search.
func (n *Notice) matches(q map[string][]string) bool {
	for name, have := range map[string]string{"ncode": n.NAICS, "typeOfSetAside": n.SetAside, "state": n.State, "ptype": n.Type, "solnum": n.Number, "noticeid": n.ID} {
		if want := q[name]; len(want) > 0 && want[0] != have {
			return false
		}
	}
	for name, have := range map[string]string{"title": n.Title, "organizationName": n.Path} {
		if want := q[name]; len(want) > 0 && !strings.Contains(strings.ToLower(have), strings.ToLower(want[0])) {
			return false
		}
	}
	return true
}
