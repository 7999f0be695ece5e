package content_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
)

func TestRegistryReportsEveryMistakeAtOnce(t *testing.T) {
	type broken struct {
		content.Record
		A    string   `db:"a" content:"key"`
		B    string   `db:"b" content:"key,colour"`
		C    chan int `db:"c"`
		D    string   `db:"Delta"`
		E    string   `db:"raw"`
		F    string   `content:"facet"`
		G    *string  `db:"g" content:"parent=nobody,from=zzz"`
		H    string   `db:"h" content:"date"`
		I    func()   `db:"i"`
		Site struct{ C chan int }
		J    struct{ C chan int } `db:"j"`
	}
	_, err := content.NewRegistry(
		content.Define(content.Spec[broken]{Name: "Broken-1", Icon: "unicorn", Color: "octarine",
			Children:   []content.Child{{Type: "ghost", Relation: "ghosts"}, {Type: "ticket", Relation: "tickets"}},
			Statistics: []content.Statistic{{Name: "s", Sum: "a"}}}),
		ticketType(), ticketType(), nil)
	if !errors.Is(err, content.ErrInvalid) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	for _, want := range []string{
		`two fields have the role "key": a and b`, `unknown word "colour"`, "no database can hold a chan int", `column "Delta"`,
		`column "raw" is one that every table has`, "field F has a content tag but no db tag", `unknown type "nobody"`, "from=zzz",
		"only a time.Time can be a date", "no database can hold a func()", "field J: no database can hold", "the title is missing",
		"the label is missing", `unknown icon "unicorn"`, `unknown color "octarine"`, `child relation "ghosts": unknown type "ghost"`,
		"no field of ticket links to Broken-1", `statistic "s" adds up "a"`, "type ticket: two types have this name",
		"a type is nil", "the name must be a lower-case letter",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func dynamic(name string, fields ...content.FieldSpec) *content.Type {
	return content.DefineDynamic(content.Spec[content.Dynamic]{Name: name, Label: name}, append([]content.FieldSpec{
		{Name: "key", Kind: content.String, Roles: content.Key}, {Name: "name", Kind: content.String, Roles: content.Title}}, fields...)...)
}

// Each mistake alone, so that none hides behind another one.
func TestRegistryFindsEachMistake(t *testing.T) {
	type base struct {
		Key  string `db:"key" content:"key"`
		Name string `db:"name" content:"title"`
	}
	type more struct {
		Size int `db:"size"`
	}
	define := func(change func(*content.Spec[content.Dynamic]), fields ...content.FieldSpec) *content.Type {
		spec := content.Spec[content.Dynamic]{Name: "thing", Label: "Thing"}
		change(&spec)
		return content.DefineDynamic(spec, append([]content.FieldSpec{
			{Name: "key", Kind: content.String, Roles: content.Key}, {Name: "name", Kind: content.String, Roles: content.Title},
			{Name: "size", Kind: content.Int}, {Name: "state", Kind: content.String, Roles: content.Facet}, {Name: "open", Kind: content.Bool, Roles: content.Filterable}}, fields...)...)
	}
	spec := func(change func(*content.Spec[content.Dynamic])) *content.Type { return define(change) }
	field := func(f content.FieldSpec) *content.Type { return define(func(*content.Spec[content.Dynamic]) {}, f) }
	statistic := func(st content.Statistic) *content.Type {
		return spec(func(s *content.Spec[content.Dynamic]) { s.Statistics = []content.Statistic{st} })
	}
	many := make([]content.FieldSpec, 2000)
	for i := range many {
		many[i] = content.FieldSpec{Name: fmt.Sprintf("f%d", i), Kind: content.Int}
	}
	for want, types := range map[string][]*content.Type{
		"no field has the role \"key\"": {content.DefineDynamic(content.Spec[content.Dynamic]{Name: "x", Label: "X"}, content.FieldSpec{Name: "n", Kind: content.String, Roles: content.Title})},
		"the title is missing":          {content.DefineDynamic(content.Spec[content.Dynamic]{Name: "x", Label: "X"}, content.FieldSpec{Name: "n", Kind: content.String, Roles: content.Key})},
		"must be a string (not a pointer)": {content.Define(content.Spec[struct {
			content.Record
			Key  *string `db:"key" content:"key"`
			Name string  `db:"name" content:"title"`
		}]{Name: "x", Label: "X"})},
		"embeds *content_test.more": {content.Define(content.Spec[struct {
			content.Record
			base
			*more
		}]{Name: "x", Label: "X"})},
		"embeds *content.Record": {content.Define(content.Spec[struct {
			*content.Record
			base
		}]{Name: "x", Label: "X"})},
		"not exported": {content.Define(content.Spec[struct {
			content.Record
			base
			hidden string `db:"hidden"`
		}]{Name: "x", Label: "X"})},
		"no database can hold a complex128": {content.Define(content.Spec[struct {
			content.Record
			base
			C complex128 `db:"c"`
		}]{Name: "x", Label: "X"})},
		"no database can hold a uint64": {content.Define(content.Spec[struct {
			content.Record
			base
			N uint64 `db:"n"`
		}]{Name: "x", Label: "X"})},
		"two types have this name":                       {dynamic("twin"), dynamic("twin")},
		"its table":                                      {dynamic("a"), content.DefineDynamic(content.Spec[content.Dynamic]{Name: "b", Label: "B", Table: "as"}, content.FieldSpec{Name: "k", Kind: content.String, Roles: content.Key | content.Title})},
		"a type is nil":                                  {nil},
		`column "name" is declared twice`:                {field(content.FieldSpec{Name: "name", Kind: content.String})},
		`column "xmin" is one that every table has`:      {field(content.FieldSpec{Name: "xmin", Kind: content.String})},
		`column "organization_id"`:                       {field(content.FieldSpec{Name: "organization_id", Kind: content.String})},
		`column "two words": use a lower-case`:           {field(content.FieldSpec{Name: "two words", Kind: content.String})},
		`column "a;b": use a lower-case`:                 {field(content.FieldSpec{Name: "a;b", Kind: content.String})},
		`column "nokind" has no kind`:                    {field(content.FieldSpec{Name: "nokind"})},
		"a table takes at most":                          {define(func(*content.Spec[content.Dynamic]) {}, many...)},
		"links to the unknown type \"ghost\"":            {field(content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent, LinkType: "ghost"})},
		"has neither the role Parent nor Link":           {field(content.FieldSpec{Name: "up", Kind: content.String, LinkType: "thing"})},
		"says from=key2, which is no text field":         {field(content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Link, LinkType: "thing", LinkFrom: "key2"})},
		"says from=key but links to nothing":             {field(content.FieldSpec{Name: "up", Kind: content.String, LinkFrom: "key"})},
		"must be a *string: a record can be without one": {field(content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent, LinkType: "thing", Required: true})},
		"two fields have the role \"parent\"": {define(func(*content.Spec[content.Dynamic]) {}, content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent, LinkType: "thing"},
			content.FieldSpec{Name: "up2", Kind: content.String, Roles: content.Parent, LinkType: "thing"})},
		"is hidden, so it can be neither": {field(content.FieldSpec{Name: "s", Kind: content.String, Roles: content.Hidden | content.Facet})},
		"is unindexed, but stands in":     {field(content.FieldSpec{Name: "s", Kind: content.String, Roles: content.Unindexed | content.Facet})},
		"is kept, but each import brings": {content.DefineDynamic(content.Spec[content.Dynamic]{Name: "x", Label: "X"}, content.FieldSpec{Name: "k", Kind: content.String, Roles: content.Key | content.Title | content.Kept})},
		"is kept, but from=state":         {field(content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Link | content.Kept, LinkType: "thing", LinkFrom: "state"})},
		"holds JSON, which cannot be":     {field(content.FieldSpec{Name: "j", Kind: content.JSON, Roles: content.Facet})},
		"must hold text for its role":     {field(content.FieldSpec{Name: "u", Kind: content.Int, Roles: content.URL})},
		"child relation \"subs\": unknown type": {spec(func(s *content.Spec[content.Dynamic]) {
			s.Children = []content.Child{{Type: "ghost", Relation: "subs"}}
		})},
		"is empty or declared twice": {define(func(s *content.Spec[content.Dynamic]) { s.Children = []content.Child{{Type: "thing"}} },
			content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent, LinkType: "thing"})},
		"no field of thing links to thing": {spec(func(s *content.Spec[content.Dynamic]) {
			s.Children = []content.Child{{Type: "thing", Relation: "subs"}}
		})},
		"unknown rule \"shred\"": {spec(func(s *content.Spec[content.Dynamic]) {
			s.Children = []content.Child{{Type: "thing", Relation: "subs", OnDelete: "shred"}}
		})},
		"up is hidden, so children cannot be looked up": {define(func(s *content.Spec[content.Dynamic]) {
			s.Children = []content.Child{{Type: "thing", Relation: "subs"}}
		},
			content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent | content.Hidden, LinkType: "thing"})},
		"several fields of thing link here (up, up2)": {define(func(s *content.Spec[content.Dynamic]) {
			s.Children = []content.Child{{Type: "thing", Relation: "subs"}}
		},
			content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent, LinkType: "thing"}, content.FieldSpec{Name: "up2", Kind: content.String, Roles: content.Link, LinkType: "thing"})},
		"the name must be":                       {spec(func(s *content.Spec[content.Dynamic]) { s.Name = "Thing" })},
		"the label is missing":                   {spec(func(s *content.Spec[content.Dynamic]) { s.Label = "" })},
		`table name "drop table x"`:              {spec(func(s *content.Spec[content.Dynamic]) { s.Table = "drop table x" })},
		`unknown icon "unicorn"`:                 {spec(func(s *content.Spec[content.Dynamic]) { s.Icon = "unicorn" })},
		`unknown color "octarine"`:               {spec(func(s *content.Spec[content.Dynamic]) { s.Color = "octarine" })},
		`the language "english (US)"`:            {spec(func(s *content.Spec[content.Dynamic]) { s.Language = "english (US)" })},
		`group "title": this metadata namespace`: {spec(func(s *content.Spec[content.Dynamic]) { s.Group = "title" })},
		`group "a.b": use a lower-case`:          {spec(func(s *content.Spec[content.Dynamic]) { s.Group = "a.b" })},
		`unknown text source "telepathy"`:        {spec(func(s *content.Spec[content.Dynamic]) { s.Text = "telepathy" })},
		`unknown text format "pdf"`:              {spec(func(s *content.Spec[content.Dynamic]) { s.TextFormat = "pdf" })},
		"no field has the role \"text\"":         {spec(func(s *content.Spec[content.Dynamic]) { s.Text = content.TextField })},
		"the text comes from an object":          {spec(func(s *content.Spec[content.Dynamic]) { s.Text = content.TextObject })},
		`TextFrom "state" is no link field`:      {spec(func(s *content.Spec[content.Dynamic]) { s.Text, s.TextFrom = content.TextLinked, "state" })},
		"the title is given twice":               {spec(func(s *content.Spec[content.Dynamic]) { s.Title = func(*content.Dynamic) string { return "x" } })},
		"a statistic has no name":                {statistic(content.Statistic{})},
		`adds up "state", which is no number`:    {statistic(content.Statistic{Name: "n", Sum: "state"})},
		`groups by "size", which is no facet`:    {statistic(content.Statistic{Name: "n", GroupBy: "size"})},
		`name what to add up per group in Value`: {statistic(content.Statistic{Name: "n", GroupBy: "state", Sum: "size"})},
		`has no groups, so it takes neither`:     {statistic(content.Statistic{Name: "n", Value: "size"})},
		`filters by "size"`:                      {statistic(content.Statistic{Name: "n", Filters: []content.Filter{{Field: "size", Op: content.IsNull}}})},
		`unknown operator "like"`:                {statistic(content.Statistic{Name: "n", Filters: []content.Filter{{Field: "state", Op: "like"}}})},
		`"maybe" is not true or false`:           {statistic(content.Statistic{Name: "n", Filters: []content.Filter{{Field: "open", Op: content.Equal, Values: []string{"maybe"}}}})},
		`contains needs text, open is a bool`:    {statistic(content.Statistic{Name: "n", Filters: []content.Filter{{Field: "open", Op: content.Contains, Values: []string{"t"}}}})},
		`two statistics have the name "n"`:       {spec(func(s *content.Spec[content.Dynamic]) { s.Statistics = []content.Statistic{{Name: "n"}, {Name: "n"}} })},
	} {
		_, err := content.NewRegistry(types...)
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %q", err, want)
			continue
		}
		if lines := strings.Count(err.Error(), "\n"); lines != 1 {
			t.Errorf("%d mistakes reported in place of one: %v", lines, err)
		}
	}
	if _, err := content.NewRegistry(field(content.FieldSpec{Name: "fine", Kind: content.Date})); err != nil {
		t.Errorf("the type that the mistakes are put into is wrong itself: %v", err)
	}
}

func TestRegistriesAreValues(t *testing.T) {
	typ := ticketType()
	one, err := content.NewRegistry(typ, dynamic("page").Of("web"), dynamic("site").Of("web"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := content.NewRegistry(typ)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := two.Type("page"); known || len(one.Types()) != 3 || strings.Join(one.Groups(), " ") != "helpdesk web" || len(one.InGroup("web")) != 2 {
		t.Errorf("%v and %v", one.Names(), two.Names())
	}
	if _, err := one.Lookup("ticke"); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "known are ticket, page, site") {
		t.Errorf("%v", err)
	}
	if registered, _ := one.Type("ticket"); registered.Children()[0].Field != "parent_id" || typ.Children()[0].Field != "" {
		t.Error("the registry does not complete relations, or changes the declaration")
	}
}

func TestAnEmptyRegistryIsFine(t *testing.T) {
	r, err := content.NewRegistry()
	if err != nil || len(r.Types()) != 0 {
		t.Errorf("%v %v", r, err)
	}
}

func TestHoldsKnowsItsRows(t *testing.T) {
	typ, other := ticketType(), dynamic("page")
	for _, c := range []struct {
		typ  *content.Type
		row  content.Row
		want bool
	}{
		{typ, typ.New(), true}, {typ, &ticket{}, true}, {typ, (*ticket)(nil), false}, {typ, nil, false}, {typ, other.New(), false},
		{other, other.New(), true}, {other, &content.Dynamic{}, true}, {other, &content.Dynamic{Values: make([]any, 3)}, false}, {other, (*content.Dynamic)(nil), false}, {other, typ.New(), false},
	} {
		if got := c.typ.Holds(c.row); got != c.want {
			t.Errorf("%s holds %T %v: %v", c.typ.Name(), c.row, c.row, got)
		}
	}
	short := &content.Dynamic{}
	name, _ := other.Field("name")
	if v := name.Value(short); v != nil {
		t.Errorf("a missing value is %v", v)
	}
	name.Set(short, "set")
	if v := name.Value(short); v != "set" || other.Title(short) != "set" {
		t.Errorf("a value set behind the end is %v", v)
	}
}

func TestDatesAreTheDayThatATimeShows(t *testing.T) {
	typ := ticketType()
	due, _ := typ.Field("due_on")
	row := typ.New()
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 12*3600), time.FixedZone("west", -12*3600)} {
		due.Set(row, time.Date(2026, 1, 31, 0, 0, 0, 0, zone))
		if got := due.Value(row); got != time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC) {
			t.Errorf("midnight of January 31 in %s is the date %v", zone, got)
		}
	}
}
