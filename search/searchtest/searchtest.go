// Package searchtest tells whether a search over some database does what package
// search promises.
//
// The promises are the same on every database, so they are tested by one suite
// that is run on each: ranking, phrases, prefixes, filters, facets, pages,
// highlights, separation of organizations, any input.
package searchtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
)

// Run runs the suite. Open returns a new database with the core's tables.
func Run(t *testing.T, open func(t *testing.T) *database.DB) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f *Fixture)
	}{
		{"words are joined by or", testWords},
		{"a title weighs more", testTitle},
		{"phrases have to be there", testPhrases},
		{"the last word may go on", testPrefix},
		{"identifiers", testIdentifiers},
		{"scripts and accents", testScripts},
		{"any text is a query", testAnyText},
		{"no text gives the newest", testNewest},
		{"types and groups are a union", testTypesAndGroups},
		{"filters", testFilters},
		{"unknown names are named", testUnknownNames},
		{"facets agree with hits", testFacets},
		{"pages are disjoint and whole", testPages},
		{"a page stays in place while documents come", testPagesWhileChanging},
		{"long texts are found by their best chunk", testChunks},
		{"highlights", testHighlights},
		{"hits say where in their source they stand", testLocations},
		{"what another process changes is found at once", testOtherProcess},
		{"put replaces", testPutReplaces},
		{"delete", testDelete},
		{"what cannot be indexed is reported", testFailures},
		{"changes are in the transaction", testTransaction},
		{"organizations do not see each other", testOrganizations},
		{"scopes are checked", testScopes},
		{"merging changes nothing", testMerge},
		{"a cancelled search is an error", testCancelled},
		{"indexing and searching at the same time", testConcurrent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, New(t, open(t)))
		})
	}
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func testWords(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org,
		Doc(1, "One", "Cloud migration for the agency."),
		Doc(2, "Two", "The cloud was grey, and grey was the sky."),
		Doc(3, "Three", "Migrations of birds, migrating in autumn."),
		Doc(4, "Four", "Nothing of the kind."))
	diff(t, "any word, both first", "doc001", f.IDs(org, search.Query{Text: "cloud migration "})[0])
	diff(t, "any word", 3, f.Search(org, search.Query{Text: "cloud migration "}).Total)
	diff(t, "stems", []string{"doc003", "doc001"}, f.IDs(org, search.Query{Text: "MIGRATE "}))
	diff(t, "words that say little do not match by themselves", []string{"doc001", "doc002"}, f.IDs(org, search.Query{Text: "the cloud of "}))
	diff(t, "unless there are no others", 4, f.Search(org, search.Query{Text: "of the "}).Total)
	diff(t, "nothing", []string{}, f.IDs(org, search.Query{Text: "zeppelin "}))
}

func testTitle(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, Doc(1, "Weather", "A word about harbors, and some more words."), Doc(2, "Harbors", "A word about weather, and some more words."))
	diff(t, "title first", []string{"doc002", "doc001"}, f.IDs(org, search.Query{Text: "harbor "}))
	f.Put(org, Doc(3, "Only a lighthouse title", ""))
	diff(t, "title alone", []string{"doc003"}, f.IDs(org, search.Query{Text: "lighthouse "}))
}

func testPhrases(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org,
		Doc(1, "One", "the state of the art in cloud computing"),
		Doc(2, "Two", "computing in the cloud, the art of state"),
		Doc(3, "State of the art", "something else"),
		Doc(4, "Four", "state art"))
	diff(t, "in order, in text and title", []string{"doc003", "doc001"}, f.IDs(org, search.Query{Text: `"state of the art"`}))
	diff(t, "with a word that need not be there", []string{"doc001", "doc003"}, f.IDs(org, search.Query{Text: `cloud "state of the art"`}))
	diff(t, "two phrases", []string{"doc001"}, f.IDs(org, search.Query{Text: `"state of the art" “cloud computing”`}))
	diff(t, "only words that say little", []string{"doc003", "doc001"}, f.IDs(org, search.Query{Text: `"of the"`}))
	diff(t, "absent", []string{}, f.IDs(org, search.Query{Text: `"cloud art"`}))
	diff(t, "not across fields", []string{}, f.IDs(org, search.Query{Text: `"art something"`}))
	diff(t, "unbalanced", 4, f.Search(org, search.Query{Text: `"state of the art`}).Total)
	diff(t, "empty", 0, f.Search(org, search.Query{Text: `""`}).Total)
	diff(t, "one word", []string{"doc001", "doc002"}, f.IDs(org, search.Query{Text: `"cloud"`}))
}

func testPrefix(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org,
		Doc(1, "One", "an invention of engineers"),
		Doc(2, "Two", "the inventory of the warehouse"),
		Doc(3, "Three", "the ware of traders"))
	for text, want := range map[string][]string{
		"inv":            {"doc001", "doc002"},
		"inventi":        {"doc001"},
		"inventor":       {"doc002"},
		"inv ":           {},
		"inv.":           {},
		`"inv"`:          {},
		"engineeri":      {"doc001"},
		"traders invent": {"doc001", "doc002", "doc003"},
		"ware":           {"doc003", "doc002"},
	} {
		got := f.IDs(org, search.Query{Text: text})
		if text != "ware" {
			slices.Sort(got)
		}
		diff(t, text, want, got)
	}
}

func testIdentifiers(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	var docs []content.Document
	for i := range 40 {
		docs = append(docs, Doc(i, fmt.Sprintf("Notice FA8750-24-R-%04d", i), "24 R FA8750 and FA8750 and 24 again"))
	}
	docs = append(docs, Doc(50, "Ann", "ann.lee@example.com"), Doc(51, "Bob", "bob.lee@example.com, 001bm00001ZL8U9AAL"), Doc(52, "C", "U.S. Army F-16"))
	f.Put(org, docs...)
	for text, want := range map[string]string{
		"FA8750-24-R-0017":          "doc017",
		"fa875024r0017":             "doc017",
		"notice FA8750-24-R-0023 ?": "doc023",
		"ann.lee@example.com":       "doc050",
		"001bm00001zl8u9aal":        "doc051",
		"us army":                   "doc052",
		"F16":                       "doc052",
	} {
		diff(t, text, want, f.IDs(org, search.Query{Text: text})[0])
	}
	diff(t, "a part of it", []string{"doc050", "doc051"}, f.IDs(org, search.Query{Text: "lee "}))
}

func testScripts(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org,
		Doc(1, "Café Müller", "crème brûlée"),
		Doc(2, "北京大学", "数据迁移"),
		Doc(3, "データ移行", "クラウド"),
		Doc(4, "Ёлка", "Москва"),
		Doc(5, "שלום", "مرحبا بالعالم"))
	for text, want := range map[string]string{
		"cafe": "doc001", "CREME": "doc001", "Mu\u0308ller": "doc001", "北京": "doc002", "学": "doc002", "迁移": "doc002",
		"移行": "doc003", "クラウド": "doc003", "елка": "doc004", "МОСКВА": "doc004", "שלום": "doc005", "مرحبا": "doc005",
	} {
		diff(t, text, []string{want}, f.IDs(org, search.Query{Text: text}))
	}
}

func testAnyText(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, Doc(1, "One", "plain words"), Doc(2, `O'Brien "quoted"`, `100% \ {json} <b>`))
	for _, text := range []string{
		strings.Repeat("word ", 2000), strings.Repeat("x", 10_000), strings.Repeat(`"a b" `, 1000), strings.Repeat("ab ", 5000) + "plain",
		"the of and", "the", "?", `"`, `""`, `" "`, `'`, `"unbalanced`, `a "b" c "`, "()[]{}", "AND", "OR NOT", "NEAR(a b)", "title:plain", "plain*", "*", "^", "~",
		"-plain", "+plain", "a & b | c ! d", "<->", `\`, `%`, "_", "$1", "?1", "'; DROP TABLE search_chunks; --", "🚀", "👩‍🚀 plain", "\x00", "plain\x00words",
		"\xff\xfe", "\u202eright to left", "\ufeffplain", "\u0301", "שלום", "北", "\n\t", "1e309", "NaN", "{\"a\":1}", "#chunks", "#",
	} {
		res, err := f.Searcher.Search(context.Background(), org, search.Query{Text: text})
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
		} else if strings.Contains(text, "plain") && !strings.Contains(text, `"`) && res.Total == 0 {
			t.Errorf("%.40q finds nothing", text)
		}
	}
	diff(t, "punctuation finds nothing", 0, f.Search(org, search.Query{Text: "?!"}).Total)
	diff(t, "white space is no text", 2, f.Search(org, search.Query{Text: " \n\t"}).Total)
}

func testNewest(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	diff(t, "empty index", 0, f.Search(org, search.Query{}).Total)
	diff(t, "empty index, text", 0, f.Search(org, search.Query{Text: "word"}).Total)
	f.Put(org, Doc(3, "C", ""), Doc(1, "A", ""), Doc(5, "E", strings.Repeat("long text. ", 500)))
	undated := Doc(9, "No date", "")
	undated.UpdatedAt = time.Time{}
	f.Put(org, undated, Doc(2, "B", ""), Doc(4, "D", ""))
	res := f.Search(org, search.Query{})
	var ids []string
	for _, h := range res.Hits {
		ids = append(ids, h.ID)
		if h.Score != 0 || h.Highlights != nil {
			t.Errorf("hit %s has score %v and highlights %v without a text", h.ID, h.Score, h.Highlights)
		}
	}
	diff(t, "newest first, undated last", []string{"doc005", "doc004", "doc003", "doc002", "doc001", "doc009"}, ids)
	diff(t, "total", 6, res.Total)
}

// corpus is a few documents of all types with metadata.
func corpus() []content.Document {
	founded := time.Date(1999, 5, 1, 0, 0, 0, 0, time.UTC)
	return []content.Document{
		With(Doc(1, "Acme", "rockets"), "crm_account", "crm", map[string]any{"industry": "Aerospace", "employees": int64(50), "revenue": 1.5, "active": true, "founded": founded}),
		With(Doc(2, "Bolt", "rockets and screws"), "crm_account", "crm", map[string]any{"industry": "Hardware", "employees": int64(500), "revenue": 20.0, "active": false}),
		With(Doc(3, "Crane", "rockets and cranes"), "crm_account", "crm", map[string]any{"industry": "aerospace defense", "employees": int64(5000), "revenue": -3.25, "active": true, "founded": founded.AddDate(10, 0, 0)}),
		With(Doc(4, "Dora", "knows rockets"), "crm_contact", "crm", nil),
		With(Doc(5, "Engines wanted", "rockets for the agency"), "sam_notice", "sam", map[string]any{"set_asides": []string{"8a", "hubzone"}}),
		With(Doc(6, "Flight report", "rockets in a file"), "asset", "sharepoint", map[string]any{"size": int64(10)}),
		With(Doc(7, "Gas prices", "no such thing"), "asset", "upload", nil),
	}
}

func testTypesAndGroups(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	docs := corpus()
	docs[0].ContentType, docs[5].ContentType = "Customer", "application/pdf"
	f.Put(org, docs...)
	sorted := func(q search.Query) []string {
		q.Text = "rockets "
		ids := f.IDs(org, q)
		slices.Sort(ids)
		return ids
	}
	diff(t, "type", []string{"doc001", "doc002", "doc003"}, sorted(search.Query{Types: []string{"crm_account"}}))
	diff(t, "types", []string{"doc004", "doc005"}, sorted(search.Query{Types: []string{"crm_contact", "sam_notice"}}))
	diff(t, "group", []string{"doc001", "doc002", "doc003", "doc004"}, sorted(search.Query{Groups: []string{"crm"}}))
	diff(t, "group of the record", []string{"doc006"}, sorted(search.Query{Groups: []string{"sharepoint"}}))
	diff(t, "declared group without documents", []string{}, sorted(search.Query{Groups: []string{"assets"}}))
	diff(t, "union", []string{"doc001", "doc002", "doc003", "doc005"}, sorted(search.Query{Types: []string{"crm_account"}, Groups: []string{"sam"}}))
	h := f.Search(org, search.Query{Text: "flight "}).Hits[0]
	h.Score, h.Highlights = 0, nil
	diff(t, "a hit", search.Hit{Type: "asset", Label: "Asset", Group: "sharepoint", ID: "doc006", Title: "Flight report", ContentType: "application/pdf"}, h)

	// a type that is no longer registered is not found
	left := Doc(8, "Left behind", "rockets")
	left.Type = "old_thing"
	f.Put(org, left)
	diff(t, "unregistered", 6, f.Search(org, search.Query{Text: "rockets "}).Total)
}

func testFilters(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, corpus()[:3]...)
	f.Put(org, corpus()[3:]...)
	for _, c := range []struct {
		field  string
		op     content.Op
		values []string
		want   []int
	}{
		{"crm.industry", content.Equal, []string{"Aerospace"}, []int{1}},
		{"crm.industry", content.NotEqual, []string{"Aerospace"}, []int{2, 3, 4, 5, 6, 7}},
		{"crm.industry", content.In, []string{"Aerospace", "Hardware", "None"}, []int{1, 2}},
		{"crm.industry", content.NotIn, []string{"Aerospace", "Hardware"}, []int{3, 4, 5, 6, 7}},
		{"crm.industry", content.Contains, []string{"AERO"}, []int{1, 3}},
		{"crm.industry", content.StartsWith, []string{"aerospace "}, []int{3}},
		{"crm.industry", content.Contains, []string{"%"}, nil},
		{"crm.industry", content.IsNull, nil, []int{4, 5, 6, 7}},
		{"crm.industry", content.NotNull, nil, []int{1, 2, 3}},
		{"crm.industry", content.Exists, nil, []int{1, 2, 3}},
		{"crm.employees", content.Greater, []string{"50"}, []int{2, 3}},
		{"crm.employees", content.GreaterOrEqual, []string{"50"}, []int{1, 2, 3}},
		{"crm.employees", content.Less, []string{"500.5"}, []int{1, 2}},
		{"crm.employees", content.LessOrEqual, []string{"500"}, []int{1, 2}},
		{"crm.employees", content.In, []string{"50", "5000", "many"}, []int{1, 3}},
		{"crm.revenue", content.Less, []string{"0"}, []int{3}},
		{"crm.revenue", content.Equal, []string{"20"}, []int{2}},
		{"crm.active", content.Equal, []string{"true"}, []int{1, 3}},
		{"crm.active", content.NotEqual, []string{"true"}, []int{2, 4, 5, 6, 7}},
		{"crm.founded", content.Equal, []string{"1999-05-01"}, []int{1}},
		{"crm.founded", content.Greater, []string{"2000-01-01T00:00:00Z"}, []int{3}},
		{"sam.set_asides", content.Equal, []string{"hubzone"}, []int{5}},
		{"sam.set_asides", content.NotEqual, []string{"hubzone"}, []int{1, 2, 3, 4, 6, 7}},
		{"sharepoint.size", content.Equal, []string{"10"}, []int{6}}, // not declared, but there
		{"type", content.NotEqual, []string{"crm_account"}, []int{4, 5, 6, 7}},
		{"group", content.In, []string{"sam", "upload"}, []int{5, 7}},
		{"updated_at", content.Less, []string{"2026-01-01T03:00:00Z"}, []int{1, 2}},
		{"updated_at", content.Less, []string{"2026-01-01"}, nil},
		{"content_type", content.IsNull, nil, []int{1, 2, 3, 4, 5, 6, 7}},
	} {
		q := search.Query{Filters: []content.Filter{{Field: c.field, Op: c.op, Values: c.values}}}
		want := []string{}
		for _, n := range c.want {
			want = append(want, fmt.Sprintf("doc%03d", n))
		}
		ids := f.IDs(org, q)
		slices.Sort(ids)
		diff(t, fmt.Sprint(c.field, " ", c.op, " ", c.values), want, ids)
		q.Text = "rockets "
		if got := f.Search(org, q).Total; got != len(slices.DeleteFunc(want, func(id string) bool { return id == "doc007" })) {
			t.Errorf("%s %s %v with a text: %d of %v", c.field, c.op, c.values, got, want)
		}
	}
	two := []content.Filter{{Field: "crm.active", Op: content.Equal, Values: []string{"true"}}, {Field: "crm.employees", Op: content.Greater, Values: []string{"100"}}}
	diff(t, "two filters", []string{"doc003"}, f.IDs(org, search.Query{Filters: two}))
}

func testUnknownNames(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	for round := range 2 {
		for _, c := range []struct {
			name  string
			query search.Query
			want  []string
		}{
			{"type", search.Query{Types: []string{"crm_acount"}}, []string{`"crm_acount"`, "crm_account", "sam_notice"}},
			{"group", search.Query{Groups: []string{"srm"}}, []string{`"srm"`, "crm", "sam", "assets"}},
			{"filter", search.Query{Filters: []content.Filter{{Field: "crm.industri", Op: content.IsNull}}}, []string{`"crm.industri"`, "crm.industry", "updated_at"}},
			{"facet", search.Query{Facets: []string{"industry"}}, []string{`"industry"`, "crm.industry"}},
			{"operator", search.Query{Filters: []content.Filter{{Field: "type", Op: "like", Values: []string{"x"}}}}, []string{`"like"`, "starts_with"}},
			{"histogram", search.Query{Histograms: []search.Histogram{{Field: "crm.industry", Interval: inverted.Year}}}, []string{`"crm.industry"`, "no times"}},
			{"inner name", search.Query{Facets: []string{"#chunks"}}, []string{`"#chunks"`}},
			{"cursor", search.Query{Cursor: "nonsense"}, []string{"cursor", "nonsense"}},
			{"limit", search.Query{Limit: -1}, []string{"-1"}},
			{"offset", search.Query{Offset: 10_001}, []string{"10001", "cursor"}},
		} {
			_, err := f.Searcher.Search(context.Background(), org, c.query)
			if !errors.Is(err, content.ErrInvalid) {
				t.Errorf("%s, round %d: %v", c.name, round, err)
				continue
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %q does not name %s", c.name, err, part)
				}
			}
		}
		declared := search.Query{Types: []string{"sam_notice"}, Groups: []string{"sam"}, Facets: []string{"sam.set_asides"},
			Filters: []content.Filter{{Field: "crm.founded", Op: content.Less, Values: []string{"2026-01-01"}}}}
		diff(t, "declared, without documents", 0, f.Search(org, declared).Total)
		f.Put(org, corpus()[1])
	}
	_, err := f.Searcher.Search(context.Background(), org, search.Query{Filters: []content.Filter{{Field: "crm.employees", Op: content.Greater, Values: []string{"many"}}}})
	if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "numbers") || !strings.Contains(err.Error(), "many") {
		t.Errorf("a value of the wrong kind: %v", err)
	}
}

func testScopes(t *testing.T, f *Fixture) {
	for name, scope := range map[string]content.Scope{"empty": {}, "foreign": content.NewAuthority().Mint("acme", "x")} {
		if _, err := f.Searcher.Search(context.Background(), scope, search.Query{}); !errors.Is(err, content.ErrScope) {
			t.Errorf("search, %s scope: %v", name, err)
		}
		err := f.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			_, err := f.Indexer.Put(ctx, tx, scope, []content.Document{Doc(1, "A", "b")})
			if _, err := f.Indexer.Delete(ctx, tx, scope, "asset", []string{"1"}); !errors.Is(err, content.ErrScope) {
				t.Errorf("delete, %s scope: %v", name, err)
			}
			return err
		})
		if !errors.Is(err, content.ErrScope) {
			t.Errorf("put, %s scope: %v", name, err)
		}
		if err := f.Indexer.Merge(context.Background(), scope); !errors.Is(err, content.ErrScope) {
			t.Errorf("merge, %s scope: %v", name, err)
		}
	}
}

func testCancelled(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org, Doc(1, "A", "b"))
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("the user left")
	cancel(cause)
	if res, err := f.Searcher.Search(ctx, org, search.Query{Text: "b"}); !errors.Is(err, cause) || res != nil {
		t.Errorf("got %v, %v", res, err)
	}
}
