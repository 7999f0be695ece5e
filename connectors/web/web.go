// Package web is the data connection for websites.
//
// A crawler is a loop around an HTTP client until it meets the web: sites that ask
// not to be read, or to be read slowly; calendars without an end; the same page
// under ten addresses; pages that are gone for an hour; links that lead into the
// network of the program itself; and people who ask why a page is missing. Here a
// [Collection] of addresses is read breadth first within rules, robots.txt is
// obeyed, hosts are given time, connections to private networks are refused, what
// has not changed is not fetched again, and the fate of each address is a record.
//
//	web.New(web.Settings{Collections: []web.Collection{{
//		Name: "town", Seeds: []string{"https://town.example"}, Sitemaps: true,
//		Include: []string{"/council/*", "/tenders/*"}, MaxPages: 5000,
//	}}})
//
// A page becomes a scraped_asset with its readable text as Markdown; a document that
// it links to becomes one that has an asset below it, as files of all connections
// do, and that is what a search finds. The bytes are kept, and earlier versions when the
// text changes. A page is deleted when it is gone twice (404 or 410, or something else in
// its place), when it asks for it, or when the rules exclude it, and never because a
// server is ill.
package web

//go:generate go test . -run TestMigrationFiles -update

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/guard"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// Settings of the connection.
type Settings struct {
	Collections []Collection `json:"collections,omitempty"`
	// UserAgent names the crawler; its first word is what robots.txt calls it. ""
	// is "curatore".
	UserAgent string `json:"user_agent,omitempty"`
	// DelayMillis lies between two requests to one host, or what its robots.txt
	// asks for if that is more; 0 is 1,000, negative is none.
	DelayMillis int `json:"delay_millis,omitempty"`
	// Parallel is how many hosts are asked at the same time; 0 is 8.
	Parallel int `json:"parallel,omitempty"`
	// MaxBytes is the size from on which a page or a document is cut off and
	// refused; 0 is 20 MB.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// TimeoutMillis is how long one request may take; 0 is 30,000.
	TimeoutMillis int `json:"timeout_millis,omitempty"`
	// AllowNetworks are private networks that may be read, such as
	// "192.168.1.0/24". Without it connections to other than public addresses, and
	// to other ports than 80 and 443, are refused.
	AllowNetworks []string `json:"allow_networks,omitempty"`

	Renderer  Renderer          `json:"-"` // for collections with Render
	Extractor extract.Extractor `json:"-"` // of documents; nil is local.New()
	Resolver  *net.Resolver     `json:"-"` // nil is that of the machine
	Now       func() time.Time  `json:"-"` // of extractions; nil is that of the program
}

// A Collection is a set of pages to be read.
type Collection struct {
	Name  string   `json:"name" jsonschema:"minLength=1,maxLength=100"`
	Seeds []string `json:"seeds" jsonschema:"minItems=1"`
	// Hosts are those that may be read; none are those of the seeds. "*.example.org"
	// is all below.
	Hosts []string `json:"hosts,omitempty"`
	// Include and Exclude are patterns of paths with their query, in which * stands
	// for anything: "/news/*". A page is read when one of Include fits, or there is
	// none, and none of Exclude does. Seeds are always read.
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
	// MaxDepth is how many links a page may be away from a seed; 0 is 5, negative
	// is the seeds alone.
	MaxDepth int `json:"max_depth,omitempty"`
	// MaxPages is how many pages and documents are read; 0 is 1,000.
	MaxPages int `json:"max_pages,omitempty"`
	// Sitemaps reads the addresses that the sites list, too.
	Sitemaps bool `json:"sitemaps,omitempty"`
	// NoDocuments leaves out linked PDF, DOCX and other files.
	NoDocuments bool `json:"no_documents,omitempty"`
	// IgnoreRobots reads what robots.txt excludes: for sites of one's own.
	IgnoreRobots bool `json:"ignore_robots,omitempty"`
	// WholePages keeps all text of pages, navigation included.
	WholePages bool `json:"whole_pages,omitempty"`
	// Render gives pages to Settings.Renderer.
	Render bool `json:"render,omitempty"`
}

// A Renderer makes of a page what a browser shows, with its scripts run; package
// web/chromium, a module of its own, has one. It has to guard what the page fetches by
// itself, and is called for several pages at the same time.
type Renderer interface {
	// Render returns the HTML of the page at an address that was fetched as page, both
	// in UTF-8.
	Render(ctx context.Context, address string, page []byte) ([]byte, error)
}

// Validate implements connectors.Validator.
func (s Settings) Validate() error {
	names := map[string]bool{}
	for _, c := range s.Collections {
		if c.Name == "" || names[c.Name] {
			return fmt.Errorf("%w: the collection name %q is empty or given twice", content.ErrInvalid, c.Name)
		}
		names[c.Name] = true
		if len(c.Seeds) == 0 {
			return fmt.Errorf("%w: the collection %q has no seeds", content.ErrInvalid, c.Name)
		}
		for _, seed := range c.Seeds {
			if u, err := url.Parse(seed); err == nil && u.User != nil {
				if _, secret := u.User.Password(); secret {
					return fmt.Errorf("%w: the collection %q: a seed has a password in its address; secrets do not stand in settings", content.ErrInvalid, c.Name)
				}
			}
			if _, err := normalise(nil, seed); err != nil {
				return fmt.Errorf("%w: the collection %q: the seed %q: %w", content.ErrInvalid, c.Name, seed, err)
			}
		}
		if c.Render && s.Renderer == nil {
			return fmt.Errorf("%w: the collection %q is to be rendered, and Settings.Renderer is nil", content.ErrInvalid, c.Name)
		}
	}
	if _, err := guard.Networks(s.AllowNetworks); err != nil {
		return fmt.Errorf("%w: %w", content.ErrInvalid, err)
	}
	return nil
}

// A ScrapeCollection is a collection as it was read.
type ScrapeCollection struct {
	content.Record
	Name  string   `db:"name" content:"key,title"`
	Seeds []string `db:"seeds"`
	Hosts []string `db:"hosts"`
}

// A ScrapedAsset is a page with its text, or the place of a document on the web, whose
// text stands in the asset below it.
type ScrapedAsset struct {
	content.Record
	Key          string   `db:"asset_key" content:"key,hidden"`
	Title        string   `db:"title" content:"title"`
	URL          string   `db:"url" content:"url,filter"`
	Collection   string   `db:"collection" content:"facet"`
	CollectionID *string  `db:"collection_id" content:"parent=scrape_collection,from=collection"`
	Host         string   `db:"host" content:"facet"`
	Kind         string   `db:"kind" content:"facet" description:"page or document"`
	Depth        int      `db:"depth" content:"filter,unindexed" description:"Links between a seed and this page."`
	TextHash     string   `db:"text_hash" content:"filter,unindexed" description:"SHA-256 of the text: the same text under two addresses has the same."`
	ETag         string   `db:"etag" content:"hidden,unindexed"`
	LastModified string   `db:"last_modified" content:"unindexed"`
	Links        []string `db:"links" content:"hidden,unindexed"`
	Misses       int      `db:"misses" content:"filter,unindexed" description:"How often it was gone since it was last there."`
	File

	document *asset.Asset // below it, when it has been read anew
}

// Companions returns the document below it.
func (a *ScrapedAsset) Companions() []content.Row {
	if a.document == nil {
		return nil
	}
	return []content.Row{a.document}
}

// File is what scraped assets have of a file: its name is not their title. Documents
// have no text in it.
type File struct {
	Filename    string `db:"filename" content:"filter" label:"File name"`
	ContentType string `db:"content_type" content:"category,facet" label:"Type of file"`
	Size        int64  `db:"size" content:"filter,sort,unindexed" label:"Bytes"`
	SHA256      string `db:"sha256" content:"unindexed" label:"SHA-256"`
	ObjectKey   string `db:"object_key" content:"hidden,unindexed"`
	Text        string `db:"text" content:"text"`
	asset.Extraction
}

// A ScrapeDecision says what became of an address.
type ScrapeDecision struct {
	content.Record
	Key        string `db:"decision_key" content:"key,hidden"`
	URL        string `db:"url" content:"title,url"`
	Collection string `db:"collection" content:"facet"`
	Decision   string `db:"decision" content:"facet" description:"stored, redirected, skipped, gone or failed"`
	Reason     string `db:"reason" content:"filter" description:"Why, when it is not stored."`
	FoundOn    string `db:"found_on" content:"filter,unindexed" description:"The page that led to it first; empty for a seed."`
	Depth      int    `db:"depth" content:"unindexed"`
}

// The decisions.
const (
	Stored     = "stored"
	Redirected = "redirected"
	Skipped    = "skipped"
	Gone       = "gone"
	Broken     = "failed"
)

// documents are the files that pages link to.
var documents = asset.Type(asset.Web)

type types struct{ collections, assets, decisions *content.Type }

func declare() types {
	return types{
		content.Define(content.Spec[ScrapeCollection]{Name: "scrape_collection", Label: "Website", FormalName: "Scrape Collection", Icon: "globe", Color: "teal", Group: asset.Web,
			Description: "Pages of one or more websites that are read together.", Text: content.TextNone,
			Children: []content.Child{{Type: "scraped_asset", Relation: "pages", Label: "Pages"}}}),
		content.Define(content.Spec[ScrapedAsset]{Name: "scraped_asset", Label: "Web page", FormalName: "Scraped Asset", Icon: "globe", Color: "teal", Group: asset.Web,
			Description: "A page of a website, or a document that it links to, with its readable text. Earlier versions are kept.",
			TextFormat:  content.FormatMarkdown, History: true,
			Children: []content.Child{{Type: "asset", Relation: "documents", Label: "Document", OnDelete: content.Cascade}},
			Document: func(a *ScrapedAsset) content.Document {
				if a.Kind != "page" { // the asset below it is what is found
					return content.Document{Unlisted: true}
				}
				return content.Document{Text: a.Text, Locations: a.Locations, ContentType: a.ContentType, Filename: a.URL, URL: a.URL, Language: a.Language}
			},
			Statistics: []content.Statistic{{Name: "by_host", GroupBy: "host"}, {Name: "by_kind", GroupBy: "kind"}}}),
		content.Define(content.Spec[ScrapeDecision]{Name: "scrape_decision", Label: "Crawl decision", FormalName: "Scrape Decision", Icon: "globe", Color: "gray", Group: asset.Web,
			Description: "What became of an address that a crawl met: why a page is there, or missing.", Text: content.TextNone,
			Document:   func(*ScrapeDecision) content.Document { return content.Document{Unlisted: true} }, // the page is found
			Statistics: []content.Statistic{{Name: "by_decision", GroupBy: "decision"}}}),
	}
}

// New declares the connection "web". At most one Settings is taken.
func New(settings ...Settings) *connectors.Connection {
	t := declare()
	spec := connectors.Spec[Settings]{Name: "web", Label: "Web", Description: "Pages and documents of websites.", Icon: "globe", Color: "teal", Queue: "scrape",
		Types: []*content.Type{t.collections, t.assets, documents, asset.ResultType(asset.Web), t.decisions}, Timeout: 24 * time.Hour,
		Open: func(_ context.Context, in connectors.Input[Settings]) (connectors.Session, error) { return open(in, t) }, Replay: replay}
	if len(settings) > 0 {
		spec.Settings = settings[0]
	}
	return connectors.New(spec)
}

// open prepares a crawl; nothing is fetched yet.
func open(in connectors.Input[Settings], t types) (connectors.Session, error) {
	s := in.Settings
	if len(s.Collections) == 0 {
		return nil, fmt.Errorf("%w: the settings have no collections", content.ErrInvalid)
	}
	if s.UserAgent == "" {
		s.UserAgent = "curatore"
	}
	if s.DelayMillis == 0 {
		s.DelayMillis = 1000
	}
	if s.Parallel <= 0 {
		s.Parallel = 8
	}
	if s.MaxBytes <= 0 {
		s.MaxBytes = 20 << 20
	}
	if s.TimeoutMillis <= 0 {
		s.TimeoutMillis = 30_000
	}
	client, err := guard.Client(guard.Options{AllowNetworks: s.AllowNetworks, Resolver: s.Resolver})
	if err != nil {
		return nil, err
	}
	return &session{in: in, settings: s, types: t, keeper: keeperOf(in),
		web: &fetcher{client: client, agent: s.UserAgent, maxBytes: s.MaxBytes, timeout: time.Duration(s.TimeoutMillis) * time.Millisecond,
			delay: time.Duration(s.DelayMillis) * time.Millisecond, now: in.Now, wait: in.Wait, hosts: map[string]*host{}}}, nil
}

func keeperOf(in connectors.Input[Settings]) asset.Keeper {
	k := in.Keeper(in.Settings.Extractor)
	if k.Extractor == nil {
		k.Extractor = local.New()
	}
	if in.Settings.Now != nil {
		k.Now = in.Settings.Now
	}
	return k
}

// hostsOf returns the hosts that a collection may read.
func (s *session) hostsOf(c Collection) []string {
	var hosts []string
	for _, name := range c.Hosts {
		hosts = append(hosts, hostOf(name))
	}
	if len(hosts) > 0 {
		return hosts
	}
	for _, seed := range c.Seeds {
		if u, err := normalise(nil, seed); err == nil && !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

// client is what a fetcher asks.
type client interface {
	Do(req *http.Request) (*http.Response, error)
}
