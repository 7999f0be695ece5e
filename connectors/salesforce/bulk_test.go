//go:build !race

package salesforce_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

const (
	bulkSecret = "salesforce-canary-secret"
	bulkToken  = "salesforce-canary-token"
)

// An org answers like the Bulk API 2.0: describes, query jobs that take their time,
// results in pages with locators.
type org struct {
	*httptest.Server
	mu    sync.Mutex
	rows  map[string][]map[string]string // by object
	jobs  map[string][][]string
	polls map[string]int
	asked []string // queries
	token int
	page  int
	spoil func(w http.ResponseWriter, r *http.Request) bool // answers in its place
}

var (
	soql = regexp.MustCompile(`^SELECT (.+) FROM (\w+)(?: WHERE SystemModstamp >= (\S+) AND SystemModstamp <= (\S+))?$`)
	have = map[string][]string{
		"Account":     {"Id", "IsDeleted", "SystemModstamp", "Name", "Type", "ParentId", "BillingCity", "BillingAddress", "AnnualRevenue"},
		"Contact":     {"Id", "IsDeleted", "SystemModstamp", "FirstName", "LastName", "AccountId", "Email"},
		"Opportunity": {"Id", "IsDeleted", "SystemModstamp", "Name", "StageName", "Amount", "AccountId", "CloseDate", "IsClosed", "IsWon"},
	}
)

func newOrg(t *testing.T) *org {
	o := &org{rows: map[string][]map[string]string{}, jobs: map[string][][]string{}, polls: map[string]int{}, page: 5}
	o.Server = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

func (o *org) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.URL.Path == "/services/oauth2/token" {
		if r.FormValue("client_secret") != bulkSecret {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"invalid client credentials"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":"%s-%d","instance_url":%q,"token_type":"Bearer"}`, bulkToken, o.token, o.URL)
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer %s-%d", bulkToken, o.token) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
		return
	}
	if o.spoil != nil && o.spoil(w, r) {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/services/data/v62.0")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/limits":
		fmt.Fprint(w, `{"DailyApiRequests":{"Max":15000,"Remaining":14998}}`)
	case parts[0] == "sobjects":
		var fields []map[string]string
		for _, name := range have[parts[1]] {
			kind := "string"
			if strings.HasSuffix(name, "Address") {
				kind = "address"
			}
			fields = append(fields, map[string]string{"name": name, "type": kind})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": parts[1], "fields": fields})
	case path == "/jobs/query" && r.Method == http.MethodPost:
		o.query(w, r)
	case len(parts) == 3:
		state := "InProgress"
		if o.polls[parts[2]]++; o.polls[parts[2]] > 1 {
			state = "JobComplete"
		}
		fmt.Fprintf(w, `{"id":%q,"state":%q}`, parts[2], state)
	case len(parts) == 4 && parts[3] == "results":
		o.results(w, r, parts[2])
	default:
		http.NotFound(w, r)
	}
}

func (o *org) query(w http.ResponseWriter, r *http.Request) {
	var job struct{ Operation, Query string }
	err := json.NewDecoder(r.Body).Decode(&job)
	m := soql.FindStringSubmatch(job.Query)
	if err != nil || m == nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `[{"errorCode":"MALFORMED_QUERY","message":"%v"}]`, err)
		return
	}
	o.asked = append(o.asked, job.Operation+" "+m[2])
	columns := strings.Split(m[1], ", ")
	table := [][]string{columns}
	from, _ := time.Parse(time.RFC3339, m[3])
	to, _ := time.Parse(time.RFC3339, m[4])
	for _, row := range o.rows[m[2]] {
		at, _ := time.Parse("2006-01-02T15:04:05.000Z", row["SystemModstamp"])
		if m[3] != "" && (at.Before(from) || at.After(to)) || job.Operation == "query" && row["IsDeleted"] == "true" {
			continue
		}
		var values []string
		for _, c := range columns {
			if !slices.Contains(have[m[2]], c) || strings.HasSuffix(c, "Address") {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `[{"errorCode":"INVALID_FIELD","message":"No such column %s"}]`, c)
				return
			}
			values = append(values, row[c])
		}
		table = append(table, values)
	}
	id := fmt.Sprintf("750%015d", len(o.jobs)+1)
	o.jobs[id] = table
	fmt.Fprintf(w, `{"id":%q,"operation":%q,"object":%q,"state":"UploadComplete"}`, id, job.Operation, m[2])
}

func (o *org) results(w http.ResponseWriter, r *http.Request, id string) {
	table, ok := o.jobs[id]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
		return
	}
	at, _ := strconv.Atoi(r.URL.Query().Get("locator"))
	rows := table[1:]
	most, _ := strconv.Atoi(r.URL.Query().Get("maxRecords"))
	end := min(at+min(o.page, most), len(rows))
	locator := "null"
	if end < len(rows) {
		locator = strconv.Itoa(end)
	}
	w.Header().Set("Sforce-Locator", locator)
	w.Header().Set("Sforce-NumberOfRecords", strconv.Itoa(end-min(at, end)))
	w.Header().Set("Content-Type", "text/csv")
	c := csv.NewWriter(w)
	_ = c.WriteAll(append([][]string{table[0]}, rows[min(at, end):end]...))
}

// set gives the org n accounts with contacts and opportunities, as of a time.
func (o *org) set(n int, at time.Time, change func(object string, i int, row map[string]string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows = map[string][]map[string]string{}
	for i := range n {
		account := salesforcetest.ID("001", i+1)
		for object, row := range map[string]map[string]string{
			"Account":     {"Id": account, "Name": fmt.Sprintf("Account %d", i), "Type": "Customer", "BillingCity": "Tucson", "AnnualRevenue": "1000.5"},
			"Contact":     {"Id": salesforcetest.ID("003", i+1), "FirstName": "C", "LastName": fmt.Sprintf("Contact %d", i), "AccountId": account},
			"Opportunity": {"Id": salesforcetest.ID("006", i+1), "Name": fmt.Sprintf("Deal, \"%d\"", i), "StageName": "Won", "Amount": "10", "AccountId": account, "CloseDate": "2026-01-31", "IsClosed": "true", "IsWon": "true"},
		} {
			row["IsDeleted"], row["SystemModstamp"] = "false", at.Format("2006-01-02T15:04:05.000Z")
			if change != nil {
				change(object, i, row)
			}
			o.rows[object] = append(o.rows[object], row)
		}
	}
}

type bulkSecrets string

func (s bulkSecrets) Secret(context.Context, string) (rest.Secret, error) {
	return rest.NewSecret(string(s)), nil
}

// What changes in Salesforce is read through query jobs, with tombstones; the suite
// spoils every part of it.
func TestBulk(t *testing.T) {
	o := newOrg(t)
	start := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	changed := func(object string, i int, row map[string]string) {
		switch {
		case i == 2:
			row["IsDeleted"] = "true"
		case i%4 == 1 && object == "Account":
			row["Name"] += " renamed"
		}
	}
	connectortest.Run(t, connectortest.Subject{
		Connection: salesforce.New(salesforce.Options{API: salesforce.API{URL: o.URL, ClientID: "app", ClientSecret: "env:X", LookBack: 1_000_000}}),
		Secrets:    bulkSecrets(bulkSecret), HTTP: o.Client(), Batch: 6, Moves: true,
		Edition: func(n int) {
			if n == 0 {
				o.set(9, start.AddDate(0, 0, 28), nil)
			} else {
				o.set(13, start.AddDate(0, 0, 30), changed)
			}
		},
		Refreshes: true, TokenPath: "/oauth2/", Canaries: []string{bulkSecret, bulkToken},
		Empty: func() { o.set(0, start, nil) },
		Shuffle: func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			for object, rows := range o.rows {
				slices.Reverse(rows)
				o.rows[object] = append(rows, rows[:3]...)
			}
		},
	})
}

// A limit of requests parks, a lost session is renewed, and a test of the
// connection names what is missing.
func TestBulkPreflight(t *testing.T) {
	o := newOrg(t)
	auth := content.NewAuthority()
	db := databasetest.Open(t, database.SQLite)
	test := func(secret string) (names []string) {
		engine := &connectors.Engine{DB: db, Auth: auth, Secrets: bulkSecrets(secret), HTTP: o.Client(), Wait: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }}
		found, err := engine.Test(t.Context(), auth.Mint("x", "test"), salesforce.New(salesforce.Options{API: salesforce.API{URL: o.URL, ClientID: "app", ClientSecret: "env:X"}}), connectors.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if strings.Contains(f.Detail, "canary") {
				t.Errorf("a secret shows: %+v", f)
			}
			if !f.OK {
				f.Name += " failed"
			}
			names = append(names, f.Name)
		}
		return names
	}
	if got := test(bulkSecret); !slices.Equal(got, []string{"settings", "reachable", "credentials", "API Enabled", "clock", "Read Account", "Read Contact", "Read Opportunity"}) {
		t.Error(got)
	}
	o.spoil = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return reply(w, nil, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`)
	}
	if got := test(bulkSecret); !slices.Equal(got, []string{"settings", "reachable", "quota failed"}) {
		t.Error(got)
	}
	o.spoil = nil
	if got := test("canary-wrong"); !slices.Equal(got, []string{"settings", "reachable", "credentials failed"}) {
		t.Error(got)
	}
}
