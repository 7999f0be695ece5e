package sharepoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content/extract"
)

// Settings say which sites are imported, as whom.
type Settings struct {
	Tenant       string               `json:"tenant,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Id or domain of the tenant."`
	ClientID     string               `json:"client_id,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Id of the application."`
	ClientSecret connectors.SecretRef `json:"client_secret,omitempty" jsonschema_description:"The secret of the application, as a reference."`
	Sites        []Site               `json:"sites,omitempty" jsonschema_description:"The sites that are imported."`
	// Include and Exclude are patterns of paths in a library, such as
	// "Proposals/**/*.docx": * is anything in a name, ** any folders. A document is
	// imported when it fits into one of Include, if there are any, and into none of
	// Exclude.
	Include []string `json:"include,omitempty" jsonschema_description:"Patterns of paths that are imported; none imports all."`
	Exclude []string `json:"exclude,omitempty" jsonschema_description:"Patterns of paths that are left out."`
	Types   []string `json:"types,omitempty" jsonschema_description:"Extensions of files that are read, such as pdf; none reads all. Others are listed without their text."`
	MaxSize int64    `json:"max_size,omitempty" jsonschema:"minimum=0" jsonschema_description:"The largest file that is read, in bytes; 0 is 50 MB. Larger ones are listed without their text."`

	LoginURL string `json:"login_url,omitempty" jsonschema_description:"Where tokens come from; https://login.microsoftonline.com by default, or that of the national cloud of graph_url."`
	GraphURL string `json:"graph_url,omitempty" jsonschema_description:"Where Graph is; https://graph.microsoft.com/v1.0 by default."`

	// Extractor reads the text of files; without one they are listed only. It
	// belongs to the program, not to what is stored.
	Extractor extract.Extractor `json:"-"`
}

// A Site is one site, with the libraries that are imported, by name; none are all.
type Site struct {
	Host      string   `json:"host" jsonschema:"minLength=1,maxLength=200" jsonschema_description:"Such as contoso.sharepoint.com."`
	Path      string   `json:"path,omitempty" jsonschema:"maxLength=400" jsonschema_description:"Such as sites/bids; the root site has none."`
	Libraries []string `json:"libraries,omitempty" jsonschema_description:"Names of libraries; none are all."`
}

func (s Site) name() string { return strings.TrimSuffix(s.Host+"/"+strings.Trim(s.Path, "/"), "/") }

const defaultMaxSize = 50 << 20

// Validate reports patterns and addresses that are none.
func (s *Settings) Validate() error {
	var errs []error
	for _, p := range append(append([]string(nil), s.Include...), s.Exclude...) {
		for part := range strings.SplitSeq(p, "/") {
			if _, err := path.Match(part, ""); err != nil {
				errs = append(errs, fmt.Errorf("the pattern %q cannot be read", p))
				break
			}
		}
	}
	for name, v := range map[string]string{"login_url": s.LoginURL, "graph_url": s.GraphURL} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "") {
			errs = append(errs, fmt.Errorf("%s is no address like https://host/path", name))
		}
	}
	return errors.Join(errs...)
}

// state stands for what is imported: with other patterns, libraries are listed
// anew.
func (s *Settings) state() string {
	extractor := ""
	if s.Extractor != nil {
		extractor = s.Extractor.Name()
	}
	b, _ := json.Marshal([]any{s.Include, s.Exclude, s.Types, s.MaxSize, extractor}) // these always encode
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// wants reports whether a document is imported.
func (s *Settings) wants(p string) bool {
	included := len(s.Include) == 0
	for _, pattern := range s.Include {
		included = included || fits(pattern, p)
	}
	for _, pattern := range s.Exclude {
		if fits(pattern, p) {
			return false
		}
	}
	return included
}

// reads reports whether a document's text is read.
func (s *Settings) reads(name string) bool {
	if len(s.Types) == 0 {
		return true
	}
	for _, t := range s.Types {
		if strings.EqualFold(strings.TrimPrefix(t, "."), extension(name)) {
			return true
		}
	}
	return false
}

func extension(name string) string { return strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")) }

// fits holds a path against a pattern, without regard to case, as SharePoint does.
func fits(pattern, p string) bool {
	return fitsParts(strings.Split(strings.ToLower(strings.Trim(pattern, "/")), "/"), strings.Split(strings.ToLower(strings.Trim(p, "/")), "/"))
}

func fitsParts(pattern, parts []string) bool {
	for i, p := range pattern {
		if p == "**" {
			for from := i; from <= len(parts); from++ {
				if fitsParts(pattern[i+1:], parts[from:]) {
					return true
				}
			}
			return false
		}
		if i >= len(parts) {
			return false
		}
		if ok, err := path.Match(p, parts[i]); !ok || err != nil {
			return false
		}
	}
	return len(pattern) == len(parts)
}
