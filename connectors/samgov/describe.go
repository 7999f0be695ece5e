package samgov

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// descriptions completes notices that lack their description, the most recent
// first: one request each, as many as the settings allow, and none of the tenth of
// the quota that the searches of the day may need. What is left waits for the next
// import.
func (s *session) descriptions() connectors.Stream {
	return connectors.Stream{Type: notices, Name: "sam_notice/descriptions", Mode: connectors.Incremental,
		Read: func(ctx context.Context, _ string) iter.Seq2[connectors.Record, error] {
			return func(yield func(connectors.Record, error) bool) {
				left := s.in.Settings.Descriptions
				if left == 0 {
					left = defaultDescriptions
				}
				limit := s.in.Settings.DailyLimit
				if limit == 0 {
					limit = defaultDailyLimit
				}
				waiting, err := s.waiting(ctx, left)
				if err != nil {
					yield(connectors.Record{}, err)
					return
				}
				failed := 0
				for i, key := range waiting {
					r, err := s.describe(ctx, key, (limit+9)/10)
					var used *rest.LimitError
					switch {
					case errors.As(err, &used):
						s.in.Logger.InfoContext(ctx, "descriptions wait for the quota", "until", used.Until, "left", len(waiting)-i)
						return
					case err != nil && ctx.Err() == nil && ofDescription(err):
						s.in.Logger.WarnContext(ctx, "a description of SAM.gov cannot be read; the next import asks for it again", "notice", key, "error", err)
						if !errors.As(err, new(*rest.StatusError)) || errors.Is(err, rest.ErrUnavailable) { // not of this notice alone
							failed++
						}
						if failed == maxFailed {
							return
						}
						continue
					}
					failed = 0
					// The position only says that there is one; the notices that wait
					// are found by what they lack.
					r.Position = connectors.Text(strconv.Itoa(i + 1))
					if !yield(r, err) || err != nil {
						return
					}
				}
			}
		}}
}

// maxFailed is how many descriptions may fail in a row before the others are left
// for another day: each costs a request of the quota.
const maxFailed = 5

// ofDescription reports whether the import goes on without a description: it is not
// the credential that is refused.
func ofDescription(err error) bool {
	var status *rest.StatusError
	return errors.As(err, &status) && !errors.Is(err, rest.ErrUnauthorized) && !errors.Is(err, rest.ErrForbidden) ||
		errors.Is(err, rest.ErrUnreadable) || errors.Is(err, rest.ErrTooLarge)
}

// waiting returns the ids of notices without a description, the most recent first.
func (s *session) waiting(ctx context.Context, most int) (ids []string, err error) {
	for row, err := range s.in.Stored.Each(ctx, notices, store.Query{Limit: 1000, Order: []store.Order{{Field: "posted_date", Desc: true}},
		Filters: []content.Filter{{Field: "described_at", Op: content.IsNull}}}) {
		if err != nil || len(ids) == most {
			return ids, err
		}
		if n, ok := row.(*Notice); ok && n.DescriptionLink != nil {
			ids = append(ids, n.NoticeID)
		}
	}
	return ids, nil
}

// describe fetches the description of a stored notice.
func (s *session) describe(ctx context.Context, key string, keep int64) (connectors.Record, error) {
	row, err := s.in.Stored.Row(ctx, notices, key)
	if err != nil {
		return connectors.Record{}, err
	}
	// It is read from its payload once more: JSON that comes back from a database
	// is written in another way, and would count as a change.
	n, ok := record(content.RecordOf(row).Raw).Row.(*Notice)
	if !ok || n.DescriptionLink == nil {
		return connectors.Record{}, fmt.Errorf("%w: the payload of the notice %s cannot be read any more", content.ErrInvalid, key)
	}
	now := s.in.Now().UTC().Truncate(time.Microsecond)
	n.DescribedAt = &now
	var answer struct {
		Description json.RawMessage `json:"description"`
	}
	a, err := s.client.Do(ctx, rest.Request{Path: s.here(*n.DescriptionLink), Keep: keep})
	switch {
	case errors.Is(err, content.ErrNotFound): // it has none
		return connectors.Record{Row: n}, nil
	case errors.Is(err, content.ErrInvalid): // a link that leads elsewhere
		return connectors.Record{Row: n, Values: []connectors.BadValue{{Column: "description", Value: *n.DescriptionLink, Err: err}}}, nil
	case err != nil:
		return connectors.Record{}, err
	case a.Status == 404:
		return connectors.Record{Row: n}, nil
	}
	if err := s.client.Decode(a, &answer); err != nil {
		return connectors.Record{}, err
	}
	if answer.Description == nil { // null is an answer, nothing is none
		return connectors.Record{}, fmt.Errorf("%w: it has no description", rest.ErrUnreadable)
	}
	var html text
	if err := json.Unmarshal(answer.Description, &html); err != nil {
		return connectors.Record{}, fmt.Errorf("%w: %w", rest.ErrUnreadable, err)
	}
	n.Description = text(plain(string(html))).ptr()
	return connectors.Record{Row: n}, nil
}

// here is a link of the service, at the address at which the service is reached: behind
// a gateway that is another one than it gives itself.
func (s *session) here(link string) string {
	u, err := url.Parse(link)
	if err != nil || s.in.Settings.URL == "" || u.Scheme+"://"+u.Host != defaultURL {
		return link
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

// blocks are elements that stand on lines of their own.
var blocks = map[string]bool{"p": true, "div": true, "br": true, "li": true, "ul": true, "ol": true, "tr": true, "table": true,
	"h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true, "section": true, "pre": true, "blockquote": true}

// plain is the text of a piece of HTML, a block a line. Text that is none passes
// as it is, but for entities.
func plain(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	hidden := 0
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // its end: a reader of a string does not fail
			lines := strings.Split(b.String(), "\n")
			kept := lines[:0]
			for _, l := range lines {
				if l = strings.Join(strings.Fields(l), " "); l != "" {
					kept = append(kept, l)
				}
			}
			return strings.Join(kept, "\n")
		case html.TextToken:
			if hidden == 0 {
				b.WriteString(html.UnescapeString(string(z.Text())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == "script" || tag == "style":
				if kind == html.StartTagToken {
					hidden++
				} else if kind == html.EndTagToken && hidden > 0 {
					hidden--
				}
			case blocks[tag]:
				b.WriteByte('\n')
			case tag == "td" || tag == "th":
				b.WriteByte(' ')
			}
		}
	}
}
