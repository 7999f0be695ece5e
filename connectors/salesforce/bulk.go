package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// API says how the connection reads changes over Salesforce's Bulk API 2.0, in
// place of an export: with it, an import without files asks for what has changed
// since the last one.
type API struct {
	URL          string               `json:"url,omitempty" jsonschema_description:"Such as https://acme.my.salesforce.com."`
	ClientID     string               `json:"client_id,omitempty" jsonschema_description:"Consumer key of the connected app."`
	ClientSecret connectors.SecretRef `json:"client_secret,omitempty" jsonschema_description:"Consumer secret of the connected app, as a reference."`
	Version      string               `json:"version,omitempty" jsonschema:"pattern=^(v[0-9]{2\\,3}\\.0)?$" jsonschema_description:"Of the API; v62.0 by default."`
	// LookBack is how many minutes before the last import are asked for again:
	// changes that are committed late carry an earlier time. 0 is 10.
	LookBack int `json:"look_back,omitempty" jsonschema:"minimum=0,maximum=10080" jsonschema_description:"How many minutes before the last import are asked for again."`
}

// bulk is an import over the API.
type bulk struct {
	in     connectors.Input[Options]
	client *rest.Client
	base   string // of paths
	maps   []objectMap
}

var (
	_ connectors.Preflighter = (*bulk)(nil)
	_ connectors.Lister      = (*bulk)(nil)
)

func openBulk(ctx context.Context, in connectors.Input[Options]) (connectors.Session, error) {
	api := in.Settings.API
	secret, err := in.Secret(ctx, api.ClientSecret)
	if err != nil {
		return nil, err
	}
	b := &bulk{in: in, base: "/services/data/" + cmp.Or(api.Version, "v62.0"), maps: objectMaps(in.Settings)}
	b.client, err = in.REST(rest.Config{
		Service: "Salesforce", BaseURL: api.URL, Credential: secret, PerSecond: 10, Burst: 10, MaxBody: 64 << 20, Timeout: 10 * time.Minute,
		Auth:    &rest.ClientCredentials{TokenURL: strings.TrimRight(api.URL, "/") + "/services/oauth2/token", ID: api.ClientID, Secret: secret, HTTP: in.HTTP, Now: in.Now},
		Inspect: func(a *rest.Answer) (rest.Verdict, time.Time) { return inspect(a, in.Now) },
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// inspect reads the error codes of Salesforce, which say more than its statuses.
func inspect(a *rest.Answer, now func() time.Time) (rest.Verdict, time.Time) {
	if a.Status/100 == 2 {
		return rest.ByStatus, time.Time{}
	}
	var problems []struct {
		Code string `json:"errorCode"`
	}
	if json.Unmarshal(a.Body, &problems) == nil {
		for _, p := range problems {
			switch p.Code {
			case "INVALID_SESSION_ID":
				return rest.Expired, time.Time{}
			case "REQUEST_LIMIT_EXCEEDED": // of 24 hours that pass one by one
				return rest.Limited, now().Add(time.Hour)
			}
		}
	}
	return rest.ByStatus, time.Time{}
}

// Close implements connectors.Session.
func (b *bulk) Close() error { return nil }

// Streams implements connectors.Session: what has changed of each object.
func (b *bulk) Streams() (streams []connectors.Stream) {
	lookBack := cmp.Or(b.in.Settings.API.LookBack, 10)
	for _, m := range b.maps {
		streams = append(streams, connectors.Pull{
			Type: m.typ, Start: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), LookBack: time.Duration(lookBack) * time.Minute, Now: b.in.Now, Run: b.in.Run,
			State: fmt.Sprintf("%x", m.fingerprint()),
			Read: func(ctx context.Context, w connectors.Window, from string) iter.Seq2[connectors.Record, error] {
				return b.pull(ctx, m, w, from)
			},
		}.Stream())
	}
	return streams
}

// pull gives the records that changed in a window, deleted ones as tombstones. The
// job that finds them keeps its results for days, so that an interrupted import
// reads on in them; when they are gone or damaged, it asks again.
func (b *bulk) pull(ctx context.Context, m objectMap, w connectors.Window, from string) iter.Seq2[connectors.Record, error] {
	return func(yield func(connectors.Record, error) bool) {
		var p place
		if from != "" {
			if err := json.Unmarshal([]byte(from), &p); err != nil {
				yield(connectors.Record{}, fmt.Errorf("%w position: %w", content.ErrInvalid, err))
				return
			}
		}
		for fresh := p.Job == ""; ; fresh = true {
			if fresh {
				query, err := b.query(ctx, m, w)
				if err == nil {
					p = place{}
					p.Job, err = b.start(ctx, "queryAll", query)
				}
				if err != nil {
					yield(connectors.Record{}, err)
					return
				}
			}
			err := b.results(ctx, m, &p, yield)
			if err == nil || errors.Is(err, errStopped) {
				return
			}
			if fresh || !lost(err) {
				yield(connectors.Record{}, err)
				return
			}
		}
	}
}

// lost reports whether the results of a job that was made earlier are gone: its
// days are over, somebody has ended it, or what it gives cannot be read.
func lost(err error) bool {
	var status *rest.StatusError
	return errors.Is(err, rest.ErrUnreadable) ||
		errors.As(err, &status) && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone}, status.Status)
}

// errStopped says that nobody wants more records.
var errStopped = errors.New("stopped")

// maxQuery is below the length of a query that Salesforce takes, in bytes.
const maxQuery = 90_000

// query asks for the columns that the object has, as far as an export has them:
// those that are mapped, and all others that are no formulas, for the payload.
func (b *bulk) query(ctx context.Context, m objectMap, w connectors.Window) (string, error) {
	var described struct {
		Fields []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Calculated bool   `json:"calculated"`
		} `json:"fields"`
	}
	if err := b.client.JSON(ctx, rest.Request{Path: b.base + "/sobjects/" + url.PathEscape(m.object) + "/describe"}, &described); err != nil {
		return "", fmt.Errorf("describe %s: %w", m.object, err)
	}
	own := []string{"Id", "IsDeleted", "SystemModstamp"}
	var mapped, others []string
	wanted := m.header()
	for _, f := range described.Fields {
		switch {
		case index(own, f.Name) >= 0:
		case slices.Contains([]string{"address", "location", "base64", "complexvalue"}, f.Type): // cannot be asked for in bulk; the parts of the first two can
		case index(wanted, f.Name) >= 0:
			mapped = append(mapped, f.Name)
		case !f.Calculated:
			others = append(others, f.Name)
		}
	}
	if len(mapped) == 0 {
		return "", fmt.Errorf("describe %s: %w: it names no field that is imported; the user of the app may lack Read on them", m.object, rest.ErrUnreadable)
	}
	ask := func(columns []string) string {
		// No ORDER BY and no LIMIT: these would keep Salesforce from dividing the work.
		return fmt.Sprintf("SELECT %s FROM %s WHERE SystemModstamp >= %s AND SystemModstamp <= %s", strings.Join(columns, ", "), m.object,
			w.From.UTC().Format(time.RFC3339), w.To.UTC().Format(time.RFC3339))
	}
	if all := ask(slices.Concat(own, mapped, others)); len(all) <= maxQuery {
		return all, nil
	}
	return ask(slices.Concat(own, mapped)), nil
}

// header returns the columns that are mapped, in order.
func (m objectMap) header() []string {
	list := []string{"Id", "IsDeleted"}
	for _, f := range m.typ.Fields() {
		if c := m.columns[f.Name]; c != "" {
			list = append(list, c)
		}
		for _, p := range m.special[f.Name].parts {
			list = append(list, p.column)
		}
	}
	return list
}

// Preflight implements connectors.Preflighter.
func (b *bulk) Preflight(ctx context.Context) []connectors.Finding {
	a, err := b.client.Do(ctx, rest.Request{Path: b.base + "/limits"})
	switch {
	case errors.Is(err, rest.ErrForbidden):
		return []connectors.Finding{connectors.Passed("reachable", ""), connectors.Passed("credentials", "a token was given"), connectors.Failed("API Enabled", err)}
	case err != nil:
		return connectors.Unanswered(err)
	}
	found := []connectors.Finding{connectors.Passed("reachable", ""), connectors.Passed("credentials", "a token was given"), connectors.Passed("API Enabled", ""), connectors.ClockCheck(a.Header, b.in.Now())}
	for _, m := range b.maps {
		if _, err := b.client.Do(ctx, rest.Request{Path: b.base + "/sobjects/" + url.PathEscape(m.object) + "/describe"}); err != nil {
			found = append(found, connectors.Failed("Read "+m.object, fmt.Errorf("the user of the app lacks Read on the object: %w", err)))
			continue
		}
		found = append(found, connectors.Passed("Read "+m.object, ""))
	}
	return found
}
