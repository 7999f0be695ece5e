package samgov

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

const (
	searchPath = "/opportunities/v2/search"
	pageSize   = 1000 // the most that the service gives

	// maxPages is how many pages a window of several days may have. Within a
	// window the pages have to fit together: fewer of them do so more often, more
	// of them waste less on pages that are not full.
	maxPages = 10
	// longest is how many days the service takes in one search.
	longest = 364
	// attempts is how often the pages of a single day are read that do not fit
	// together.
	attempts = 3
)

// notices is the stream of all notices of the searches, by the day on which they
// were posted.
func (s *session) notices() connectors.Stream {
	lookBack := s.in.Settings.LookBack
	if lookBack == 0 {
		lookBack = defaultLookBack
	}
	return connectors.Pull{
		Type: notices, Start: s.in.Settings.first(s.in.Now()), LookBack: time.Duration(lookBack) * 24 * time.Hour, Now: s.in.Now, Run: s.in.Run,
		State: s.in.Settings.state(), Read: s.pull,
	}.Stream()
}

// days is a window of days, both included, as numbers of the days since 1970.
type days struct {
	From int `json:"f"`
	To   int `json:"t"`
}

func dayNumber(t time.Time) int {
	y, m, d := t.In(eastern).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func wireOf(n int) string { return time.Unix(int64(n)*86400, 0).UTC().Format(wireDay) }

// A progress is the position inside a pull: the search at work, the windows that
// are left of it, and how much of the first one was given, of how many.
type progress struct {
	Search  int    `json:"s"`
	Windows []days `json:"w"`
	Given   int    `json:"g,omitempty"`
	Total   int64  `json:"n,omitempty"`
}

func (p progress) String() string {
	b, _ := json.Marshal(p) // numbers always encode
	return string(b)
}

// pull reads all searches from where it left off.
func (s *session) pull(ctx context.Context, w connectors.Window, from string) iter.Seq2[connectors.Record, error] {
	return func(yield func(connectors.Record, error) bool) {
		var p progress
		if from != "" {
			if err := json.Unmarshal([]byte(from), &p); err != nil {
				yield(connectors.Record{}, fmt.Errorf("%w position: %w", content.ErrInvalid, err))
				return
			}
		} else {
			p.Windows = cut(w)
		}
		for searches := s.in.Settings.searches(); p.Search < len(searches); {
			for len(p.Windows) > 0 {
				if !s.window(ctx, searches[p.Search], &p, yield) {
					return
				}
			}
			p = progress{Search: p.Search + 1, Windows: cut(w)}
			if !yield(connectors.Record{Position: p}, nil) {
				return
			}
		}
	}
}

// cut divides a span into windows that the service takes.
func cut(w connectors.Window) (windows []days) {
	for from, last := dayNumber(w.From), dayNumber(w.To); from <= last; from += longest {
		windows = append(windows, days{from, min(from+longest-1, last)})
	}
	return windows
}

// split divides a window into about equal parts.
func split(d days, parts int) (windows []days) {
	n := d.To - d.From + 1
	parts = min(parts, n)
	for i := range parts {
		windows = append(windows, days{d.From + i*n/parts, d.From + (i+1)*n/parts - 1})
	}
	return windows
}

// window reads the first of the windows that are left, or divides it. It reports
// whether to go on.
//
// A window is read in pages, each notice given at once. At its end the notices are
// counted: as many different ones as the service said, and it said the same on
// each page. If not, notices were posted meanwhile and have moved from one page to
// another, and its halves are read anew; what comes twice is found unchanged.
func (s *session) window(ctx context.Context, q Search, p *progress, yield func(connectors.Record, error) bool) bool {
	d := p.Windows[0]
	skip, skipTotal := p.Given, p.Total
	var why error
	for try := 1; try <= attempts; try++ {
		first, err := s.page(ctx, q, d, 0)
		if err != nil {
			yield(connectors.Record{}, err)
			return false
		}
		if first.total > maxPages*pageSize && d.To > d.From {
			parts := first.total/((maxPages-2)*pageSize) + 1
			p.Windows, p.Given, p.Total = append(split(d, int(min(parts, longest))), p.Windows[1:]...), 0, 0
			return true
		}
		if skipTotal != first.total {
			skip = 0
		}
		var ok bool
		if ok, why = s.pages(ctx, q, d, first, skip, p, yield); !ok {
			return false
		}
		if why == nil {
			break
		}
		s.in.Logger.WarnContext(ctx, "pages of SAM.gov do not fit together and are read again", "from", wireOf(d.From), "to", wireOf(d.To), "why", why)
		if d.To > d.From {
			p.Windows, p.Given, p.Total = append(split(d, 2), p.Windows[1:]...), 0, 0
			return true
		}
		skip, skipTotal = 0, 0
	}
	p.Windows, p.Given, p.Total = p.Windows[1:], 0, 0
	mark := connectors.Record{Position: *p}
	if why != nil { // the look-back of the next imports asks for the day again
		mark.Part = &connectors.Part{Name: "the notices of " + wireOf(d.From), State: connectors.PartFailed, Err: why}
	}
	return yield(mark, nil)
}

// pages gives the notices of a window from its first page on, and returns why they
// are not all, if so.
func (s *session) pages(ctx context.Context, q Search, d days, at *page, skip int, p *progress, yield func(connectors.Record, error) bool) (ok bool, why error) {
	total, given := at.total, 0
	seen := make(map[string]bool, min(total, maxPages*pageSize))
	for number := 0; ; {
		before := len(seen)
		records, err := s.read(ctx, q, at, seen)
		if err != nil {
			yield(connectors.Record{}, err)
			return false, nil
		}
		for _, r := range records {
			if given++; given <= skip {
				continue
			}
			p.Given, p.Total = given, total
			r.Position = *p
			if !yield(r, nil) {
				return false, nil
			}
		}
		if number++; int64(number)*pageSize >= total {
			break
		}
		if len(seen) == before { // it may say what it likes of how many there are
			return true, fmt.Errorf("there are %d notices, and none of them is new on page %d", total, number)
		}
		if at, err = s.page(ctx, q, d, number); err != nil {
			yield(connectors.Record{}, err)
			return false, nil
		}
		if at.total != total {
			return true, fmt.Errorf("there were %d notices on one page and %d on another", total, at.total)
		}
	}
	if int64(len(seen)) != total {
		return true, fmt.Errorf("there are %d notices, and %d came", total, len(seen))
	}
	return true, nil
}

// page asks for one page. The service counts them from 0 in what it calls offset.
func (s *session) page(ctx context.Context, q Search, d days, number int) (*page, error) {
	query := q.query()
	for name, value := range map[string]string{"postedFrom": wireOf(d.From), "postedTo": wireOf(d.To), "limit": strconv.Itoa(pageSize), "offset": strconv.Itoa(number)} {
		query.Set(name, value)
	}
	a, err := s.client.Do(ctx, rest.Request{Path: searchPath, Query: query})
	if err != nil {
		return nil, err
	}
	return s.pageOf(a)
}

// pageOf reads an answer to a search.
func (s *session) pageOf(a *rest.Answer) (*page, error) {
	if a.Status == 404 { // nothing was found
		return &page{}, nil
	}
	var w wirePage
	if err := s.client.Decode(a, &w); err != nil {
		return nil, err
	}
	if w.Total == nil || *w.Total < 0 || len(w.Notices) > pageSize {
		return nil, fmt.Errorf("%w: SAM.gov gave a page without a total, with a negative one, or with more notices than were asked for", rest.ErrUnreadable)
	}
	return &page{*w.Total, w.Notices}, nil
}

// read makes records of a page, with the descriptions that are stored.
func (s *session) read(ctx context.Context, q Search, p *page, seen map[string]bool) ([]connectors.Record, error) {
	records := make([]connectors.Record, 0, len(p.notices))
	var keys []string
	for i, raw := range p.notices {
		r := record(raw)
		n, ok := r.Row.(*Notice)
		switch {
		case ok:
			seen[n.NoticeID] = true
		case r.Key != "":
			seen[r.Key] = true
		default:
			seen[fmt.Sprintf("without an id, %p %d", p, i)] = true
		}
		if ok {
			var w wireNotice
			if err := json.Unmarshal(raw, &w); err == nil && !q.wants(&w) {
				continue
			}
			keys = append(keys, n.NoticeID)
		}
		records = append(records, r)
	}
	stored, err := s.described(ctx, keys)
	if err != nil {
		return nil, err
	}
	for i := range records {
		if n, ok := records[i].Row.(*Notice); ok {
			n.keepDescription(stored[n.NoticeID])
		}
	}
	return records, nil
}

// described returns the notices of these keys that are stored.
func (s *session) described(ctx context.Context, keys []string) (map[string]*Notice, error) {
	const chunk = 200
	found := make(map[string]*Notice, len(keys))
	for from := 0; from < len(keys); from += chunk {
		for row, err := range s.in.Stored.Each(ctx, notices, store.Query{Limit: 2 * chunk,
			Filters: []content.Filter{{Field: "notice_id", Op: content.In, Values: keys[from:min(from+chunk, len(keys))]}}}) {
			if err != nil {
				return nil, err
			}
			if n, ok := row.(*Notice); ok {
				found[n.NoticeID] = n
			}
		}
	}
	return found, nil
}

// keepDescription takes over what an earlier import has fetched, which a search
// does not give. A notice that was posted anew has its description fetched again.
func (n *Notice) keepDescription(old *Notice) {
	if old == nil || n.DescriptionLink == nil && n.Description != nil {
		return
	}
	n.Description = old.Description
	if n.DescriptionLink != nil && old.DescriptionLink != nil && *n.DescriptionLink == *old.DescriptionLink && postedOf(n).Equal(postedOf(old)) {
		n.DescribedAt = old.DescribedAt
	}
}

func findingsOf(err error) []connectors.Finding {
	if errors.Is(err, rest.ErrForbidden) { // as it answers a key that is none
		return []connectors.Finding{connectors.Passed("reachable", ""), connectors.Failed("credentials", err)}
	}
	return connectors.Unanswered(err)
}

func quotaText(left int64, until time.Time) string {
	return fmt.Sprintf("%d requests are left until %s", left, until.Format(time.RFC3339))
}
