package samgov

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // the quota begins anew at midnight in Washington, also where a machine knows no zones

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
)

// eastern is the time of Washington: days of notices, and of the quota.
var eastern = func() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return time.FixedZone("EST", -5*60*60) // the zones are linked in, so this is never met
	}
	return zone
}()

// New declares the connection "samgov". The settings are the defaults of all
// organizations.
func New(defaults ...Settings) *connectors.Connection {
	spec := connectors.Spec[Settings]{
		Name: "samgov", Label: "SAM.gov", Description: "Contract opportunities of the United States government.",
		Icon: "notice", Color: "indigo",
		Types:   []*content.Type{solicitations, notices, attachments, asset.ResultType(asset.SAM)},
		Open:    open,
		Replay:  replay,
		Timeout: 6 * time.Hour,
	}
	if len(defaults) > 0 {
		spec.Settings = defaults[0]
	}
	return connectors.New(spec)
}

// session is one import.
type session struct {
	in     connectors.Input[Settings]
	client *rest.Client
	files  *files // nil: attachments are left out
}

var _ connectors.Preflighter = (*session)(nil)

func open(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	key, err := in.Secret(ctx, in.Settings.APIKey)
	if err != nil {
		return nil, err
	}
	s := &session{in: in}
	s.client, err = in.REST(rest.Config{
		Service: "SAM.gov", BaseURL: cmp.Or(in.Settings.URL, defaultURL), Credential: key,
		Auth:      rest.Header("X-Api-Key", "", key),
		Daily:     rest.Daily{Limit: cmp.Or(in.Settings.DailyLimit, defaultDailyLimit), Zone: eastern},
		PerSecond: 5, Burst: 5, Timeout: 2 * time.Minute, MaxBody: 64 << 20, Inspect: inspect,
	})
	if err != nil {
		return nil, err
	}
	if s.files, err = openFiles(in); err != nil {
		return nil, err
	}
	return s, nil
}

// inspect reads out of answers what their status does not say.
func inspect(a *rest.Answer) (rest.Verdict, time.Time) {
	switch a.Status {
	case http.StatusNotFound:
		if strings.Contains(strings.ToLower(string(a.Body)), "no data found") {
			return rest.Right, time.Time{}
		}
	case http.StatusTooManyRequests:
		if until, ok := nextAccess(a.Body); ok {
			return rest.Limited, until
		}
	}
	return rest.ByStatus, time.Time{}
}

// Streams implements connectors.Session: notices, then their descriptions and
// attachments, then the solicitations that they make.
func (s *session) Streams() []connectors.Stream {
	streams := []connectors.Stream{s.notices()}
	if s.in.Settings.Descriptions >= 0 {
		streams = append(streams, s.descriptions())
	}
	if s.files != nil {
		streams = append(streams, s.attachments())
	}
	return append(streams, s.solicitations())
}

// Close implements connectors.Session.
func (s *session) Close() error {
	if s.files != nil {
		s.files.http.CloseIdleConnections()
	}
	return nil
}

// Preflight implements connectors.Preflighter, with one request.
func (s *session) Preflight(ctx context.Context) []connectors.Finding {
	today := s.in.Now().In(eastern).Format(wireDay)
	a, err := s.client.Do(ctx, rest.Request{Path: searchPath, Query: url.Values{"postedFrom": {today}, "postedTo": {today}, "limit": {"1"}}})
	if err == nil {
		_, err = s.pageOf(a)
	}
	if err != nil {
		return findingsOf(err)
	}
	found := []connectors.Finding{connectors.Passed("reachable", ""), connectors.Passed("credentials", "the key is accepted")}
	if left, until, err := s.client.Left(ctx); err == nil && left >= 0 {
		found = append(found, connectors.Passed("quota", quotaText(left, until)))
	}
	return append(found, connectors.ClockCheck(a.Header, s.in.Now()))
}
