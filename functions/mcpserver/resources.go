package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/functions"
)

// The addresses of resources.
const (
	catalogueURI = "curatore://catalogue"
	itemScheme   = "curatore://"
	itemTemplate = "curatore://{type}/{id}"
)

// followResources serves the types as one resource and each record as one. They
// are what the functions list_types and get return, and are there when those are.
func (s *served) followResources(changed func(function string) (begins, ends bool)) {
	switch begins, ends := changed("list_types"); {
	case begins:
		s.server.AddResource(&mcp.Resource{URI: catalogueURI, Name: "catalogue", Title: "Catalogue", MIMEType: "application/json",
			Description: "The types of records that there are, with their groups and how they belong together."},
			func(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
				return s.read(ctx, req.Params.URI, "list_types", map[string]string{})
			})
	case ends:
		s.server.RemoveResources(catalogueURI)
	}
	switch begins, ends := changed("get"); {
	case begins:
		s.server.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: itemTemplate, Name: "record", Title: "Record", MIMEType: "application/json",
			Description: "One record by its type and id, with its text and the records below it."}, s.readRecord)
	case ends:
		s.server.RemoveResourceTemplates(itemTemplate)
	}
}

// readRecord reads the record that an address names.
func (s *served) readRecord(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	typ, id, ok := strings.Cut(strings.TrimPrefix(req.Params.URI, itemScheme), "/")
	typ, wrongType := url.PathUnescape(typ)
	id, wrongID := url.PathUnescape(id)
	if !ok || wrongType != nil || wrongID != nil || typ == "" || id == "" || !utf8.ValidString(typ+id) {
		return nil, mcp.ResourceNotFoundError(req.Params.URI)
	}
	return s.read(ctx, req.Params.URI, "get", map[string]string{"type": typ, "id": id})
}

// read returns the result of a function as a resource.
func (s *served) read(ctx context.Context, uri, function string, args map[string]string) (*mcp.ReadResourceResult, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	result, err := s.do(ctx, functions.Request{Name: function, Arguments: raw})
	var failed *functions.Error
	if errors.As(err, &failed) {
		switch failed.Code {
		case functions.CodeNotFound, functions.CodeInvalid, functions.CodeUnknownFunction:
			return nil, mcp.ResourceNotFoundError(uri)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", uri, told(err))
	}
	text, err := result.JSON()
	if err != nil {
		return nil, fmt.Errorf("read %s: it failed", uri)
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: uri, MIMEType: "application/json", Text: string(text)}}}, nil
}

// told is of an error what a client may read.
func told(err error) error {
	var failed *functions.Error
	if errors.As(err, &failed) {
		return errors.New(failed.Error())
	}
	return errors.New("it failed")
}
