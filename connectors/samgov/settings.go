package samgov

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/guard"
	"github.com/curatore/curatore-go/content/extract"
)

// Settings say what an organization looks for, and with which key.
type Settings struct {
	APIKey connectors.SecretRef `json:"api_key,omitempty" jsonschema_description:"The key of SAM.gov, as a reference to a secret."`
	URL    string               `json:"url,omitempty" jsonschema_description:"Where the API is; https://api.sam.gov by default."`
	// Searches are what is imported; a notice that several find is one. None finds
	// everything.
	Searches []Search `json:"searches,omitempty" jsonschema_description:"What is looked for; a notice need be found by one of them."`
	// From is the first day, "2026-01-31"; "" is a year ago.
	From string `json:"from,omitempty" jsonschema_description:"The first day, such as 2026-01-31; by default a year ago."`
	// LookBack is how many days before the last import are asked for again, since
	// notices change without being posted anew; 0 is 3.
	LookBack int `json:"look_back,omitempty" jsonschema:"minimum=0,maximum=365" jsonschema_description:"How many days before the last import are asked for again."`
	// DailyLimit is how many requests the key may make a day, 10, 1000 or 10000; 0
	// is 1000.
	DailyLimit int64 `json:"daily_limit,omitempty" jsonschema:"minimum=0,maximum=1000000" jsonschema_description:"How many requests the key may make in a day."`
	// Descriptions is how many descriptions an import fetches, each a request; 0 is
	// 500, and -1 none. A tenth of the quota is left for searches.
	Descriptions int `json:"descriptions,omitempty" jsonschema:"minimum=-1,maximum=100000" jsonschema_description:"How many descriptions one import fetches; -1 for none."`
	// Attachments says which files of notices are downloaded.
	Attachments Attachments `json:"attachments,omitzero" jsonschema_description:"Which files of notices are downloaded."`

	// Extractor reads the texts of attachments; without one, and without an object
	// store, none is downloaded. It belongs to the program, not to what is stored.
	Extractor extract.Extractor `json:"-"`
	// AllowNetworks are private networks from which attachments may come, such as
	// "10.1.0.0/16"; all others are public.
	AllowNetworks []string `json:"-"`
}

// Attachments says which files of notices are downloaded, the most recent first. They
// cost nothing of the quota.
type Attachments struct {
	Off     bool     `json:"off,omitempty" jsonschema_description:"Leaves all of them out."`
	Max     int      `json:"max,omitempty" jsonschema:"minimum=0,maximum=100000" jsonschema_description:"How many one import downloads; 0 is 200. The next one goes on."`
	MaxSize int64    `json:"max_size,omitempty" jsonschema:"minimum=0" jsonschema_description:"The largest that is downloaded, in bytes; 0 is 50 MB."`
	Types   []string `json:"types,omitempty" jsonschema_description:"Extensions of those that are downloaded, such as pdf; none are all."`
}

// wants reports whether a file of that name is downloaded.
func (a Attachments) wants(name string) bool {
	return len(a.Types) == 0 || slices.ContainsFunc(a.Types, func(t string) bool { return strings.EqualFold(strings.TrimPrefix(t, "."), extension(name)) })
}

func extension(name string) string { return strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")) }

// A Search is a set of conditions that a notice must meet all; the zero value
// meets every notice. Each takes one value, as the service does.
type Search struct {
	NAICS          string   `json:"naics,omitempty" jsonschema:"maxLength=6" jsonschema_description:"Industry code."`
	SetAside       string   `json:"set_aside,omitempty" jsonschema:"maxLength=20" jsonschema_description:"Code of a set-aside, such as SBA, 8A, HZC, SDVOSBC, WOSB."`
	Organization   string   `json:"organization,omitempty" jsonschema:"maxLength=200" jsonschema_description:"Name of a department, an agency or an office."`
	Code           string   `json:"organization_code,omitempty" jsonschema:"maxLength=40" jsonschema_description:"Code of a department, an agency or an office."`
	Types          []string `json:"types,omitempty" jsonschema:"enum=u,enum=p,enum=a,enum=r,enum=s,enum=o,enum=g,enum=k,enum=i" jsonschema_description:"Types of notices by their letter: u p a r s o g k i."`
	State          string   `json:"state,omitempty" jsonschema:"maxLength=2" jsonschema_description:"State of the place of performance."`
	Title          string   `json:"title,omitempty" jsonschema:"maxLength=200" jsonschema_description:"Words in the title."`
	Classification string   `json:"classification,omitempty" jsonschema:"maxLength=10" jsonschema_description:"Product or service code."`
	Due            Span     `json:"due,omitzero" jsonschema_description:"Days between which the response is due."`
}

// A Span is two days, both included; each may be "".
type Span struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

const (
	defaultURL          = "https://api.sam.gov"
	defaultLookBack     = 3
	defaultDailyLimit   = 1000
	defaultDescriptions = 500
	defaultAttachments  = 200
	defaultMaxSize      = 50 << 20
)

// Validate reports days that are none.
func (s *Settings) Validate() error {
	var errs []error
	day := func(name, v string) {
		if _, err := time.Parse(time.DateOnly, v); v != "" && err != nil {
			errs = append(errs, fmt.Errorf("%s is %q; write a day as 2026-01-31", name, v))
		}
	}
	day("from", s.From)
	for i, q := range s.Searches {
		day(fmt.Sprintf("searches.%d.due.from", i), q.Due.From)
		day(fmt.Sprintf("searches.%d.due.to", i), q.Due.To)
		for _, t := range q.Types {
			if _, ok := typeNames[t]; !ok {
				errs = append(errs, fmt.Errorf("searches.%d.types: %q is none of u, p, a, r, s, o, g, k, i", i, t))
			}
		}
	}
	if s.URL != "" {
		if u, err := url.Parse(s.URL); err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
			errs = append(errs, errors.New("url is no address like https://api.sam.gov"))
		}
	}
	if _, err := guard.Networks(s.AllowNetworks); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// typeNames are the letters of procurement types and what answers call them.
var typeNames = map[string]string{
	"u": "Justification", "p": "Presolicitation", "a": "Award Notice", "r": "Sources Sought", "s": "Special Notice",
	"o": "Solicitation", "g": "Sale of Surplus Property", "k": "Combined Synopsis/Solicitation", "i": "Intent to Bundle Requirements (DoD-Funded)",
}

// first is the first day that is asked for.
func (s *Settings) first(now time.Time) time.Time {
	if t, err := time.ParseInLocation(time.DateOnly, s.From, eastern); err == nil {
		return t
	}
	y, m, d := now.In(eastern).Date()
	return time.Date(y-1, m, d, 0, 0, 0, 0, eastern)
}

// state stands for what is searched for: with other searches, all is read anew.
func (s *Settings) state() string {
	b, _ := json.Marshal([]any{s.Searches, s.From}) // texts always encode
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func (s *Settings) searches() []Search {
	if len(s.Searches) == 0 {
		return []Search{{}}
	}
	return s.Searches
}

// query makes the parameters of a search. The service takes one type; with
// several, the others are left out of the answer here.
func (q Search) query() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value = strings.TrimSpace(value); value != "" {
			v.Set(name, value)
		}
	}
	set("ncode", q.NAICS)
	set("typeOfSetAside", q.SetAside)
	set("organizationName", q.Organization)
	set("organizationCode", q.Code)
	set("state", q.State)
	set("title", q.Title)
	set("ccode", q.Classification)
	if len(q.Types) == 1 {
		set("ptype", q.Types[0])
	}
	for name, day := range map[string]string{"rdlfrom": q.Due.From, "rdlto": q.Due.To} {
		if t, err := time.Parse(time.DateOnly, day); err == nil {
			v.Set(name, t.Format(wireDay))
		}
	}
	return v
}

// wants reports whether a notice is of one of the types.
func (q Search) wants(n *wireNotice) bool {
	if len(q.Types) < 2 {
		return true
	}
	return slices.ContainsFunc(q.Types, func(t string) bool {
		return strings.EqualFold(typeNames[t], string(cmp.Or(n.Type, n.BaseType)))
	})
}
