package sharepoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// A driveItem is an item as Graph writes it.
type driveItem struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	ETag     string          `json:"eTag"`
	CTag     string          `json:"cTag"`
	Size     int64           `json:"size"`
	WebURL   string          `json:"webUrl"`
	Created  *time.Time      `json:"createdDateTime"`
	Modified *time.Time      `json:"lastModifiedDateTime"`
	By       identity        `json:"createdBy"`
	LastBy   identity        `json:"lastModifiedBy"`
	Deleted  *struct{}       `json:"deleted"`
	Folder   *struct{}       `json:"folder"`
	Root     *struct{}       `json:"root"`
	Package  json.RawMessage `json:"package"` // a notebook: neither folder nor file
	File     *struct {
		MIMEType string `json:"mimeType"`
	} `json:"file"`
	Parent struct {
		ID string `json:"id"`
	} `json:"parentReference"`
	Download string `json:"@microsoft.graph.downloadUrl"`
}

type identity struct {
	User struct {
		Name  string `json:"displayName"`
		Email string `json:"email"`
	} `json:"user"`
}

func (i identity) name() *string {
	for _, s := range []string{i.User.Name, i.User.Email} {
		if s = strings.TrimSpace(s); s != "" {
			return &s
		}
	}
	return nil
}

// A deltaPage is a page of a change log. One of the links is set.
type deltaPage struct {
	Value []json.RawMessage `json:"value"`
	Next  string            `json:"@odata.nextLink"`
	Delta string            `json:"@odata.deltaLink"`
}

// A library is what Graph calls a drive.
type library struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	site string
}

// libraries returns those of a site.
func (s *session) libraries(ctx context.Context, site Site) ([]library, error) {
	at := "/sites/" + url.PathEscape(site.Host)
	if p := strings.Trim(site.Path, "/"); p != "" {
		parts := strings.Split(p, "/")
		for i := range parts {
			parts[i] = url.PathEscape(parts[i])
		}
		at += ":/" + strings.Join(parts, "/")
	}
	var found struct {
		ID string `json:"id"`
	}
	if err := s.client.JSON(ctx, rest.Request{Path: at}, &found); err != nil {
		return nil, err
	}
	if found.ID == "" {
		return nil, fmt.Errorf("%w: Graph gave a site without an id", content.ErrInvalid)
	}
	var list []library
	for page, err := range rest.Pages(ctx, "/sites/"+url.PathEscape(found.ID)+"/drives", func(ctx context.Context, link string) (rest.Page[library], error) {
		var answer struct {
			Value []library `json:"value"`
			Next  string    `json:"@odata.nextLink"`
		}
		err := s.client.JSON(ctx, rest.Request{Path: link}, &answer)
		if err == nil && answer.Value == nil {
			err = fmt.Errorf("%w: Graph gave no list of libraries", content.ErrInvalid)
		}
		return rest.Page[library]{Items: answer.Value, Next: answer.Next}, err
	}) {
		if err != nil {
			return nil, err
		}
		list = append(list, page.Items...)
	}
	wanted := list[:0]
	missing := append([]string(nil), site.Libraries...)
	for _, l := range list {
		l.site = site.name()
		take := len(site.Libraries) == 0
		for i, name := range missing {
			if strings.EqualFold(name, l.Name) {
				take = true
				missing = append(missing[:i:i], missing[i+1:]...)
				break
			}
		}
		if take && l.ID != "" {
			wanted = append(wanted, l)
		}
	}
	if len(missing) > 0 {
		return wanted, fmt.Errorf("%w: the site has no library %q", content.ErrNotFound, missing[0])
	}
	return wanted, nil
}

// errLog says that a change log cannot be followed.
var errLog = errors.New("the log of changes cannot be followed")

// ofScope reports whether an error is one of a site or library, and the others can
// be read: it is locked, hidden, gone.
func ofScope(err error) bool {
	var status *rest.StatusError
	if errors.As(err, &status) {
		switch status.Status {
		case 403, 404, 410, 423:
			return true
		}
	}
	return errors.Is(err, content.ErrNotFound) || errors.Is(err, errLog)
}

// page reads a page of a change log. Its links are checked before they are kept as
// the place to go on from: one that leads elsewhere would end every later import.
func (s *session) page(ctx context.Context, link string) (*deltaPage, error) {
	page := &deltaPage{}
	if err := s.client.JSON(ctx, rest.Request{Path: link}, page); errors.Is(err, rest.ErrUnreadable) {
		return nil, fmt.Errorf("%w: %w", errLog, err)
	} else if err != nil {
		return nil, err
	}
	if (page.Next == "") == (page.Delta == "") {
		return nil, fmt.Errorf("%w: Graph gave a page with neither a next nor a last link, or with both", errLog)
	}
	if err := s.client.Own(page.Next + page.Delta); err != nil {
		return nil, fmt.Errorf("%w: %w", errLog, err)
	}
	return page, nil
}
