package content_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

// A picture is a record that several connections have.
type picture struct {
	content.Record
	Key     string  `db:"picture_key" content:"key"`
	Name    string  `db:"name" content:"title"`
	Source  string  `db:"source" content:"group,facet"`
	AlbumID *string `db:"album_id" content:"link=album,from=name,optional"`
}

var pictures = content.Define(content.Spec[picture]{Name: "picture", Label: "Picture", Group: "art", Statistics: []content.Statistic{{Name: "total"}}})

func names(types []*content.Type) (names []string) {
	for _, t := range types {
		names = append(names, t.Name())
	}
	return names
}

// A type that connections share is one type, whose groups are those of all of them.
func TestSharedTypesAreOne(t *testing.T) {
	r, err := content.NewRegistry(pictures.Share("museum"), ticketType().Of("helpdesk"), pictures.Share("shop"), pictures.Share("museum"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"picture", "ticket"}, r.Names()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"museum", "shop", "helpdesk"}, r.Groups()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"picture"}, names(r.InGroup("shop"))); d != "" {
		t.Error(d)
	}
	typ, err := r.Lookup("picture")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"museum", "shop"}, typ.Groups()); d != "" || !typ.Shared() || typ.Group() != "art" {
		t.Error(d, typ.Shared(), typ.Group())
	}
	row := &picture{Key: "shop:1", Source: "shop"}
	if got := typ.GroupOf(row); got != "shop" {
		t.Errorf("the group of the row is %q", got)
	}
	// Its statistics are of all records, those of a connection's of its own.
	if n := len(typ.Statistics()[0].Filters); n != 0 {
		t.Errorf("%d filters", n)
	}
	want := []content.Filter{{Field: "source", Op: content.Equal, Values: []string{"shop"}}}
	if d := cmp.Diff(want, pictures.Share("shop").Statistics()[0].Filters); d != "" {
		t.Error(d)
	}
	if pictures.Shared() || len(pictures.Statistics()[0].Filters) > 0 {
		t.Error("the declaration has changed")
	}
}

// An optional link is there only when its target is.
func TestOptionalLinks(t *testing.T) {
	album := dynamic("album")
	for _, c := range []struct {
		types []*content.Type
		want  bool
	}{
		{[]*content.Type{pictures.Share("shop")}, false},
		{[]*content.Type{pictures.Share("shop"), album}, true},
	} {
		r, err := content.NewRegistry(c.types...)
		if err != nil {
			t.Fatal(err)
		}
		typ, _ := r.Type("picture")
		_, there := typ.Field("album_id")
		listed := slices.ContainsFunc(typ.Columns(), func(f *content.Field) bool { return f.Name == "album_id" })
		if there != c.want || listed != c.want {
			t.Errorf("with %v: %v, %v", names(c.types), there, listed)
		}
	}
}

// Types are one only if they are of one declaration, and can tell whose a record is.
func TestSharedMistakes(t *testing.T) {
	other := content.Define(content.Spec[picture]{Name: "picture", Label: "Picture", Group: "art"})
	for want, types := range map[string][]*content.Type{
		"two types have this name":           {pictures.Share("shop"), other.Share("museum")},
		"a field has to tell whose a record": {ticketType().Share("shop")},
		`group "Shop 1"`:                     {pictures.Share("Shop 1")},
		`group "metadata"`:                   {pictures.Share("metadata")},
	} {
		if _, err := content.NewRegistry(types...); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
