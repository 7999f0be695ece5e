package searchtest

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
)

func testFacets(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	docs := corpus()
	docs[3].Text = strings.Repeat("Rockets. ", 1000) // several chunks are one document
	docs[0].ContentType, docs[1].ContentType = "Customer", "Customer"
	f.Put(org, docs[:4]...)
	f.Put(org, docs[4:]...)
	f.Put(org, docs[1])
	res := f.Search(org, search.Query{Text: "rockets "})
	diff(t, "default facets", map[string][]search.FacetCount{
		"type": {{Value: "crm_account", Label: "Account", Count: 3}, {Value: "asset", Label: "Asset", Count: 1},
			{Value: "crm_contact", Label: "Contact", Count: 1}, {Value: "sam_notice", Label: "Notice", Count: 1}},
		"group":        {{Value: "crm", Label: "crm", Count: 4}, {Value: "sam", Label: "sam", Count: 1}, {Value: "sharepoint", Label: "sharepoint", Count: 1}},
		"content_type": {{Value: "Customer", Label: "Customer", Count: 2}},
	}, res.Facets)
	diff(t, "total", 6, res.Total)

	res = f.Search(org, search.Query{Text: "rockets ", Groups: []string{"crm", "sam"}, Limit: 1,
		Facets: []string{"crm.active", "sam.set_asides", "crm.founded", "crm.revenue", "crm.employees"}})
	diff(t, "facets under filters", map[string][]search.FacetCount{
		"crm.active":     {{Value: "true", Label: "true", Count: 2}, {Value: "false", Label: "false", Count: 1}},
		"sam.set_asides": {{Value: "8a", Label: "8a", Count: 1}, {Value: "hubzone", Label: "hubzone", Count: 1}},
		"crm.founded":    {{Value: "1999-05-01", Label: "1999-05-01", Count: 1}, {Value: "2009-05-01", Label: "2009-05-01", Count: 1}},
		"crm.revenue":    {{Value: "-3.25", Label: "-3.25", Count: 1}, {Value: "1.5", Label: "1.5", Count: 1}, {Value: "20", Label: "20", Count: 1}},
		"crm.employees":  {{Value: "50", Label: "50", Count: 1}, {Value: "500", Label: "500", Count: 1}, {Value: "5000", Label: "5000", Count: 1}},
	}, res.Facets)
	many := make([]content.Document, 150)
	for i := range many {
		many[i] = With(Doc(200+i, "Many", "numbers"), "crm_account", "crm", map[string]any{"employees": int64(i)})
	}
	f.Put(org, many...)
	diff(t, "a long facet is cut", 100, len(f.Search(org, search.Query{Text: "numbers ", Facets: []string{"crm.employees"}}).Facets["crm.employees"]))
	diff(t, "no facets", map[string][]search.FacetCount{}, f.Search(org, search.Query{Facets: []string{}}).Facets)
}

// pages walks all pages of a query and returns the ids, and fails on anything
// that differs from page to page.
func pages(t *testing.T, f *Fixture, org content.Scope, q search.Query) []string {
	t.Helper()
	first := f.Search(org, q)
	var ids []string
	scores := map[string]float64{}
	last := 0.0
	for res := first; ; {
		diff(t, "total and facets of a page", []any{first.Total, first.Facets}, []any{res.Total, res.Facets})
		for i, h := range res.Hits {
			if (i > 0 || len(ids) > 0) && h.Score > last {
				t.Fatalf("score %v after %v", h.Score, last)
			}
			last = h.Score
			ids = append(ids, h.ID)
			scores[h.ID] = h.Score
		}
		if res.NextCursor == "" {
			break
		}
		q.Cursor = res.NextCursor
		res = f.Search(org, q)
	}
	q.Cursor = ""
	whole := q
	whole.Limit = 100
	for i, h := range f.Search(org, whole).Hits {
		if i < len(ids) && (h.ID != ids[i] || h.Score != scores[h.ID]) {
			t.Fatalf("hit %d is %s with score %v on a page, %s with %v on a larger page", i, ids[i], scores[ids[i]], h.ID, h.Score)
		}
	}
	if len(ids) != first.Total || len(scores) != first.Total {
		t.Fatalf("the pages have %d hits of %d documents, total %d", len(ids), len(scores), first.Total)
	}
	return ids
}

func testPages(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	var docs []content.Document
	for i := range 95 {
		// many documents have equal scores
		docs = append(docs, Doc(i, "A page", strings.Repeat("word ", i%3+1)+strings.Repeat("other thing. ", i%5*150)))
		if i%10 == 9 {
			f.Put(org, docs...)
			docs = nil
		}
	}
	f.Put(org, docs...)
	for _, text := range []string{"", "word ", "other word "} {
		for _, limit := range []int{1, 7, 20, 94, 95, 96} {
			q := search.Query{Text: text, Limit: limit}
			ids := pages(t, f, org, q)
			diff(t, "number of hits", 95, len(ids))
			q.Offset = 10
			if limit < 80 {
				diff(t, fmt.Sprintf("offset, limit %d", limit), ids[10:min(10+limit, 95)], f.IDs(org, q))
			}
		}
	}
	res := f.Search(org, search.Query{Text: "word ", Limit: 10})
	for name, q := range map[string]search.Query{
		"other text":   {Text: "other ", Limit: 10, Cursor: res.NextCursor},
		"other filter": {Text: "word ", Types: []string{"asset"}, Cursor: res.NextCursor},
	} {
		if _, err := f.Searcher.Search(t.Context(), org, q); err == nil || !strings.Contains(err.Error(), "another query") {
			t.Errorf("a cursor with %s: %v", name, err)
		}
	}
	if _, err := f.Searcher.Search(t.Context(), f.Organization("other"), search.Query{Text: "word ", Cursor: res.NextCursor}); err == nil {
		t.Error("a cursor of another organization was taken")
	}
	diff(t, "limit above 100", 95, len(f.Search(org, search.Query{Text: "word ", Limit: 1000}).Hits))
	diff(t, "default limit", 20, len(f.Search(org, search.Query{}).Hits))
	diff(t, "offset behind the end", 0, len(f.Search(org, search.Query{Offset: 500}).Hits))
}

func testPagesWhileChanging(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	for i := range 30 {
		f.Put(org, Doc(i, "A page", strings.Repeat("filler ", i)+"word"))
	}
	for _, text := range []string{"", "word "} {
		want := pages(t, f, org, search.Query{Text: text, Limit: 100})
		var got []string
		q := search.Query{Text: text, Limit: 10}
		for page := 0; ; page++ {
			res := f.Search(org, q)
			for _, h := range res.Hits {
				if strings.HasPrefix(h.ID, "doc0") {
					got = append(got, h.ID)
				}
			}
			if res.NextCursor == "" {
				break
			}
			q.Cursor = res.NextCursor
			late := Doc(100+page, "Late", "word and more words which change the average")
			late.ID = fmt.Sprintf("late%s%d", text, page)
			f.Put(org, late)
			f.Merge(org)
		}
		diff(t, "nothing repeated, nothing skipped: "+text, want, got)
		for page := range 5 {
			f.Delete(org, "crm_account", fmt.Sprintf("late%s%d", text, page))
		}
	}
}

func testChunks(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "Paragraph %d says something about subject%d and goes on for a while so that it has some length.\n\n", i, i)
	}
	f.Put(org, Doc(1, "A long one", text.String()), Doc(2, "Another", "subject7"))
	res := f.Search(org, search.Query{Text: "subject150 "})
	diff(t, "documents", 1, len(res.Hits))
	if h := res.Hits[0]; h.ID != "doc001" || h.ChunkIndex < 5 || !strings.Contains(h.Highlights["content"][0], "<mark>subject150</mark>") {
		t.Errorf("hit %+v", h)
	}
	for i := range 200 {
		if got := f.Search(org, search.Query{Text: fmt.Sprintf("subject%d ", i)}).Total; got < 1 {
			t.Errorf("subject%d was lost", i)
		}
	}
	res = f.Search(org, search.Query{Text: "paragraph long "})
	diff(t, "the title goes with each chunk, a document is one hit", 1, res.Total)
}

func testHighlights(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	f.Put(org,
		Doc(1, "Cloud <b>migration</b>", `Migrating <script>alert("x")</script> to the cloud & back; <mark>no</mark> mark.`),
		Doc(2, "Plain", strings.Repeat("filler text ", 90)+"the needle is here "+strings.Repeat("more filler ", 90)),
		Doc(3, "State of the art", "the art of the state, the state of the art"))
	res := f.Search(org, search.Query{Text: "cloud migrations mark "})
	diff(t, "escaped, stems marked", map[string][]string{
		"title":   {"<mark>Cloud</mark> &lt;b&gt;<mark>migration</mark>&lt;/b&gt;"},
		"content": {"<mark>Migrating</mark> &lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; to the <mark>cloud</mark> &amp; back; &lt;<mark>mark</mark>&gt;no&lt;/<mark>mark</mark>&gt; <mark>mark</mark>."},
	}, res.Hits[0].Highlights)
	res = f.Search(org, search.Query{Text: "need"})
	for _, fragments := range res.Hits[0].Highlights {
		diff(t, "fragments", 1, len(fragments))
		if s := fragments[0]; !strings.Contains(s, "the <mark>needle</mark> is") || len(s) > 250 || !strings.HasPrefix(s, "…") || !strings.HasSuffix(s, "…") {
			t.Errorf("fragment %q", s)
		}
	}
	diff(t, "no match in the title", []string{"content"}, slices.Collect(maps.Keys(res.Hits[0].Highlights)))
	res = f.Search(org, search.Query{Text: `"state of the art"`})
	diff(t, "a phrase as a whole", []string{"the <mark>art</mark> of the <mark>state</mark>, the <mark>state of the art</mark>"}, res.Hits[0].Highlights["content"])
	if h := f.Search(org, search.Query{Text: "cloud ", Highlight: search.Highlight{Off: true}}).Hits[0]; h.Highlights != nil {
		t.Errorf("highlights that are off: %v", h.Highlights)
	}
	for _, h := range f.Search(org, search.Query{Text: "cloud script alert mark b x"}).Hits {
		for _, fragments := range h.Highlights {
			for _, s := range fragments {
				bare := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(s)
				if strings.ContainsAny(bare, "<>") || html.UnescapeString(bare) == bare && strings.Contains(bare, "&") {
					t.Errorf("unescaped: %q", s)
				}
			}
		}
	}
}
