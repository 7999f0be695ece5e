package salesforce

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/salesforce/export"
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
		Service: "Salesforce", BaseURL: api.URL, Credential: secret, PerSecond: 10, Burst: 10, MaxBody: 256 << 20, Timeout: 10 * time.Minute,
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

// A place is the position in the results of a job.
type place struct {
	Job     string `json:"j"`
	Locator string `json:"l,omitempty"`
	Given   int    `json:"i,omitempty"` // rows behind the locator
}

func (p place) String() string {
	b, _ := json.Marshal(p) // texts always encode
	return string(b)
}

// pull gives the records that changed in a window, deleted ones as tombstones. The
// job that finds them keeps its results for days, so that an interrupted import
// reads on in them; when they are gone, it asks again.
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
			if fresh || !errors.Is(err, content.ErrNotFound) {
				yield(connectors.Record{}, err)
				return
			}
		}
	}
}

// errStopped says that nobody wants more records.
var errStopped = errors.New("stopped")

// query asks for the columns that are mapped and that the object has.
func (b *bulk) query(ctx context.Context, m objectMap, w connectors.Window) (string, error) {
	var described struct {
		Fields []struct {
			Name string `json:"name"`
			Type string `json:"type"`
		} `json:"fields"`
	}
	if err := b.client.JSON(ctx, rest.Request{Path: b.base + "/sobjects/" + url.PathEscape(m.object) + "/describe"}, &described); err != nil {
		return "", fmt.Errorf("describe %s: %w", m.object, err)
	}
	columns := []string{"Id", "IsDeleted", "SystemModstamp"}
	wanted := m.header()
	for _, f := range described.Fields {
		// Compound fields cannot be asked for in bulk; their parts can.
		if f.Type != "address" && f.Type != "location" && index(wanted, f.Name) >= 0 && index(columns, f.Name) < 0 {
			columns = append(columns, f.Name)
		}
	}
	// No ORDER BY and no LIMIT: these would keep Salesforce from dividing the work.
	return fmt.Sprintf("SELECT %s FROM %s WHERE SystemModstamp >= %s AND SystemModstamp <= %s", strings.Join(columns, ", "), m.object,
		w.From.UTC().Format(time.RFC3339), w.To.UTC().Format(time.RFC3339)), nil
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

// start makes a query job and waits until it is done.
func (b *bulk) start(ctx context.Context, operation, query string) (id string, err error) {
	body, err := json.Marshal(map[string]string{"operation": operation, "query": query})
	if err != nil {
		return "", err
	}
	var job struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Message string `json:"errorMessage"`
	}
	// A job that was made twice costs little: nobody reads the other one.
	if err := b.client.JSON(ctx, rest.Request{Method: http.MethodPost, Path: b.base + "/jobs/query", Body: body, Repeat: true}, &job); err != nil {
		return "", err
	}
	id = job.ID
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		switch job.State {
		case "JobComplete":
			return id, nil
		case "Failed", "Aborted":
			return "", fmt.Errorf("the query of Salesforce ended as %s: %s", job.State, job.Message)
		}
		if err := b.client.Pause(ctx, pause); err != nil {
			return "", err
		}
		if err := b.client.JSON(ctx, rest.Request{Path: b.base + "/jobs/query/" + url.PathEscape(id)}, &job); err != nil {
			return "", err
		}
	}
}

// pageRows is how many rows a page of results has, at most.
const pageRows = 20_000

// page reads a page of the results of a job.
func (b *bulk) page(ctx context.Context, job, locator string) (rows [][]string, next string, err error) {
	query := url.Values{"maxRecords": {strconv.Itoa(pageRows)}}
	if locator != "" {
		query.Set("locator", locator)
	}
	a, err := b.client.Do(ctx, rest.Request{Path: b.base + "/jobs/query/" + url.PathEscape(job) + "/results", Query: query, Header: http.Header{"Accept": {"text/csv"}}})
	if err != nil {
		return nil, "", err
	}
	r := csv.NewReader(strings.NewReader(string(a.Body)))
	if rows, err = r.ReadAll(); err != nil {
		return nil, "", fmt.Errorf("%w: the results of Salesforce cannot be read: %w", content.ErrInvalid, err)
	}
	if len(rows) == 0 || index(rows[0], "Id") < 0 {
		return nil, "", fmt.Errorf("%w: the results of Salesforce have no column Id", content.ErrInvalid)
	}
	next = a.Header.Get("Sforce-Locator")
	if next == "null" {
		next = ""
	}
	return rows, next, nil
}

// results gives the records of a job from a place on.
func (b *bulk) results(ctx context.Context, m objectMap, p *place, yield func(connectors.Record, error) bool) error {
	for {
		rows, next, err := b.page(ctx, p.Job, p.Locator)
		if err != nil {
			return err
		}
		header := rows[0]
		r := newReader(m, export.MonthFirst, func(column string) int { return index(header, column) })
		f := newFingerprints(r, header)
		for i, fields := range rows[1:] {
			if i < p.Given {
				continue
			}
			p.Given = i + 1
			record := r.fetched(header, fields, f)
			record.Position = *p
			if !yield(record, nil) {
				return errStopped
			}
		}
		if next == "" {
			return nil
		}
		p.Locator, p.Given = next, 0
	}
}

// fetched makes a record of a row of results.
func (r *reader) fetched(header, fields []string, f *fingerprints) connectors.Record {
	var o jsonObject
	for i, v := range fields {
		if v != "" {
			o.text(header[i], v)
		}
	}
	raw := append(o.b, '}')
	key, err := export.ParseID(fields[r.id])
	if err != nil {
		return connectors.Record{Err: err, Raw: raw, Values: []connectors.BadValue{{Column: "Id", Value: fields[r.id], Err: err}}}
	}
	if r.deleted(fields) {
		return connectors.Record{Key: key, Deleted: true}
	}
	return connectors.Record{Key: key, Fingerprint: f.of(fields), Read: func() connectors.Record { return r.record(key, fields, raw) }}
}

// Keys implements connectors.Lister: what was deleted so long ago that queryAll
// does not give it any more is found by what is left.
func (b *bulk) Keys(typ *content.Type) func(context.Context) iter.Seq2[string, error] {
	i := slices.IndexFunc(b.maps, func(m objectMap) bool { return m.typ.Name() == typ.Name() })
	if i < 0 {
		return nil
	}
	return func(ctx context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			job, err := b.start(ctx, "query", "SELECT Id FROM "+b.maps[i].object)
			for locator := ""; err == nil; {
				var rows [][]string
				var next string
				if rows, next, err = b.page(ctx, job, locator); err != nil {
					break
				}
				at := index(rows[0], "Id")
				for _, fields := range rows[1:] {
					key, bad := export.ParseID(fields[at])
					if bad != nil {
						err = bad
						break
					}
					if !yield(key, nil) {
						return
					}
				}
				if locator = next; next == "" {
					break
				}
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield("", err)
			}
		}
	}
}

// Preflight implements connectors.Preflighter.
func (b *bulk) Preflight(ctx context.Context) []connectors.Finding {
	a, err := b.client.Do(ctx, rest.Request{Path: b.base + "/limits"})
	switch {
	case errors.Is(err, rest.ErrUnauthorized):
		return []connectors.Finding{connectors.Passed("reachable", ""), connectors.Failed("credentials", err)}
	case errors.Is(err, rest.ErrForbidden):
		return []connectors.Finding{connectors.Passed("reachable", ""), connectors.Passed("credentials", "a token was given"), connectors.Failed("API Enabled", err)}
	case err != nil:
		return []connectors.Finding{connectors.Failed("reachable", err)}
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
