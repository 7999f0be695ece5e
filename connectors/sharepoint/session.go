package sharepoint

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
)

// New declares the connection "sharepoint". The settings are the defaults of all
// organizations.
func New(defaults ...Settings) *connectors.Connection {
	spec := connectors.Spec[Settings]{
		Name: "sharepoint", Label: "SharePoint", Description: "Folders and documents of SharePoint libraries.",
		Icon: "folder", Color: "teal",
		Types: []*content.Type{folders, documents, asset.ResultType(asset.SharePoint)}, Open: open, Replay: replay, Timeout: 12 * time.Hour,
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
	missed int // downloads in a row that failed
}

var _ connectors.Preflighter = (*session)(nil)

func open(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	o := in.Settings
	if o.Tenant == "" || o.ClientID == "" || len(o.Sites) == 0 {
		return nil, fmt.Errorf("%w: tenant, client_id and at least one of sites are needed", content.ErrInvalid)
	}
	secret, err := in.Secret(ctx, o.ClientSecret)
	if err != nil {
		return nil, err
	}
	at := cloudOf(o)
	s := &session{in: in}
	s.client, err = in.REST(rest.Config{
		Service: "Microsoft Graph", BaseURL: at.graph, Credential: secret, PerSecond: 10, Burst: 10, MaxBody: 64 << 20, Timeout: 5 * time.Minute,
		Auth: &rest.ClientCredentials{TokenURL: strings.TrimRight(at.login, "/") + "/" + url.PathEscape(o.Tenant) + "/oauth2/v2.0/token",
			ID: o.ClientID, Secret: secret, Scope: at.scope, HTTP: in.HTTP, Now: in.Now},
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Streams implements connectors.Session: folders, then documents. Each goes through
// the change logs of all libraries for itself.
func (s *session) Streams() []connectors.Stream {
	return []connectors.Stream{
		{Type: folders, Mode: connectors.Incremental, Read: s.read(folders, s.folder)},
		{Type: documents, Mode: connectors.Incremental, Read: s.read(documents, s.document)},
	}
}

// Close implements connectors.Session.
func (s *session) Close() error { return nil }

// Preflight implements connectors.Preflighter: it reads a page of each library.
func (s *session) Preflight(ctx context.Context) (found []connectors.Finding) {
	reached := false
	for _, site := range s.in.Settings.Sites {
		list, err := s.libraries(ctx, site)
		if err != nil && !ofScope(err) {
			return append(found, connectors.Unanswered(err)...)
		}
		if !reached {
			reached = true
			found = append(found, connectors.Passed("reachable", ""), connectors.Passed("credentials", "a token was given"))
		}
		name := "Sites.Selected for " + site.name()
		switch {
		case errors.Is(err, rest.ErrForbidden):
			found = append(found, connectors.Failed(name, fmt.Errorf("the application may not read the site; grant it Sites.Selected for it, or Sites.Read.All: %w", err)))
			continue
		case err != nil:
			found = append(found, connectors.Failed("site "+site.name(), err))
			continue
		}
		found = append(found, connectors.Passed(name, fmt.Sprintf("%d libraries", len(list))))
		for _, l := range list {
			a, err := s.client.Do(ctx, rest.Request{Path: "/drives/" + url.PathEscape(l.ID) + "/root/delta", Query: url.Values{"$top": {"1"}}})
			if err != nil {
				found = append(found, connectors.Failed("library "+l.Name, fmt.Errorf("its documents need Files.Read.All, Sites.Read.All, or Sites.Selected for the site: %w", err)))
				continue
			}
			found = append(found, connectors.Passed("library "+l.Name, ""), connectors.ClockCheck(a.Header, s.in.Now()))
		}
	}
	return found
}
