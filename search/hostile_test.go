package search_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/searchtest"
)

// Texts that people and programs paste into a search field.
var hostile = map[string]string{
	"stop words, German": "der die das und", "stop words, French": "le la les", "stop words, English": "to be or not to be",
	"Chinese": "北京大学的图书馆", "one character": "京", "mixed": "IBM日本株式会社 cloud東京2026", "Japanese": "東京の人口はコンピューター", "Korean": "서울 대학교에서", "Thai": "ภาษาไทย",
	"Arabic": "مكتبة الجامعة", "Hebrew": "אוניברסיטה עברית", "right to left marks": "\u202ecloud\u202c \u200fabc",
	"combined": "Zu\u0308rich cafe\u0301", "composed": "Zürich café", "marks alone": "\u0301\u0302\u0303", "many marks": "a" + strings.Repeat("\u0301", 500),
	"emoji": "🚀 👩‍👩‍👧‍👦 launch", "flags": "🇩🇪🇫🇷", "NUL": "a\x00b cloud", "NUL alone": "\x00\x00", "not UTF-8": "clo\xffud \xc3", "surrogates": "\xed\xa0\x80", "10,000 letters": strings.Repeat("x", 10_000),
	"10,000 words": strings.Repeat("cloud migration ", 5000), "many different": func() string {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, "w%d ", i)
		}
		return b.String()
	}(),
	"quotes": `"""" "a" "" "cloud`, "phrase of stop words": `"to be or not to be"`, "phrase, Chinese": `"北京大学"`, "full width": "Ｃｌｏｕｄ　１２３", "ligature": "ﬁle oﬃce", "Turkish": "İstanbul ISPARTA ısı",
	"German": "Straße STRASSE ẞ", "soft hyphen": "co\u00adoperation", "zero width": "clo\u200bud clo\u200dud", "line ends": "cloud\r\nmigration\u2028x", "operators": "a* AND -b +c ~d^2 f:g (h) [i TO j] {k} \\ /l/ ?m",
	"SQL": "'; DROP TABLE search_chunks; --", "HTML": "<script>alert(1)</script> &amp; <mark>", "numbers": "3.14 1,000,000 -5 1e308 0x1F ½ ²", "identifier": "FA8750-24-R-0001 ann.lee@example.com C++ C# .NET AT&T", "address": "https://example.com/a?b=c&d=%20",
}

// Whatever is in texts and queries: no error; pages, totals and facets agree; a
// highlight is the text; a text is found by itself.
func TestHostileTexts(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		f := newHybrid(t, db)
		org := f.Organization("acme")
		var docs []content.Document
		names := []string{}
		for name := range hostile {
			names = append(names, name)
		}
		slices.Sort(names)
		for i, name := range names {
			d := searchtest.Doc(i, hostile[name], "Before. "+hostile[name]+" Behind.")
			d.Metadata = map[string]any{"crm": map[string]any{"industry": hostile[name], "employees": int64(i % 3)}}
			docs = append(docs, d)
		}
		if c := f.Put(org, docs...); len(c.Failed) > 0 {
			t.Fatalf("%+v", c.Failed)
		}
		f.embed(org)
		for _, name := range names {
			text := hostile[name]
			for _, mode := range modes {
				q := search.Query{Text: text, Mode: mode, Limit: 100, Passages: 2, Explain: true, Facets: []string{"type", "crm.employees", "crm.industry"}, FacetLimit: 2, Histograms: []search.Histogram{{Field: "updated_at", Interval: inverted.Day}}}
				res, err := f.Searcher.Search(t.Context(), org, q)
				if err != nil {
					t.Errorf("%s, %s: %v", name, mode, err)
					continue
				}
				if res.Total != len(res.Hits) {
					t.Errorf("%s, %s: total %d, %d hits", name, mode, res.Total, len(res.Hits))
				}
				for _, field := range []string{"type", "crm.employees"} {
					sum := res.Other[field]
					for _, c := range res.Facets[field] {
						sum += c.Count
					}
					if sum != res.Total {
						t.Errorf("%s, %s: %d counted by %s, total %d", name, mode, sum, field, res.Total)
					}
				}
				bars := 0
				for _, b := range res.Histograms[0].Bars {
					bars += b.Count
				}
				if bars != res.Total {
					t.Errorf("%s, %s: %d in bars, total %d", name, mode, bars, res.Total)
				}
				var pages []string
				page := q
				for page.Limit = 7; ; {
					r := f.Search(org, page)
					for _, h := range r.Hits {
						pages = append(pages, h.ID)
					}
					if page.Cursor = r.NextCursor; page.Cursor == "" {
						break
					}
				}
				var whole []string
				for _, h := range res.Hits {
					whole = append(whole, h.ID)
					n, err := strconv.Atoi(strings.TrimPrefix(h.ID, "doc"))
					if err != nil {
						t.Fatal(err)
					}
					stored := strings.ReplaceAll(strings.ToValidUTF8(hostile[names[n]], "\uFFFD"), "\x00", "")
					for where, list := range h.Highlights {
						for _, x := range list {
							plain := html.UnescapeString(strings.NewReplacer("<mark>", "", "</mark>", "").Replace(x))
							plain = strings.TrimSuffix(strings.TrimPrefix(plain, "…"), "…")
							if in := map[string]string{"title": stored, "content": "Before. " + stored + " Behind."}[where]; !strings.Contains(in, plain) {
								t.Errorf("%s, %s: highlight %.80q is not in %.80q", name, mode, plain, in)
							}
							if strings.Count(x, "<") != strings.Count(x, "<mark>")+strings.Count(x, "</mark>") || strings.Count(x, "<mark>") != strings.Count(x, "</mark>") {
								t.Errorf("%s, %s: highlight %.80q", name, mode, x)
							}
						}
					}
				}
				diff(t, name+" "+string(mode)+": pages", whole, pages)
				if _, err := json.Marshal(res); err != nil {
					t.Error(err)
				}
				if mode == search.ModeKeyword && !inverted.Parse(text).Empty() && !slices.Contains(whole, fmt.Sprintf("doc%03d", slices.Index(names, name))) {
					t.Errorf("%s does not find itself: %v", name, whole)
				}
			}
			if _, err := f.Searcher.Suggest(t.Context(), org, search.SuggestQuery{Text: text}); err != nil {
				t.Errorf("suggest %s: %v", name, err)
			}
			like, err := f.Searcher.Similar(t.Context(), org, "crm_account", fmt.Sprintf("doc%03d", slices.Index(names, name)), search.Query{Limit: 100})
			if err != nil || slices.ContainsFunc(like.Hits, func(h search.Hit) bool { return h.ID == fmt.Sprintf("doc%03d", slices.Index(names, name)) }) {
				t.Errorf("like %s: %v", name, err)
			}
			for _, op := range content.Ops() {
				for _, field := range []string{"crm.industry", "crm.employees", "updated_at", "type", "crm.active"} {
					x := content.Filter{Field: field, Op: op, Values: []string{text}}
					if op == content.IsNull || op == content.NotNull || op == content.Exists {
						x.Values = nil
					}
					res, err := f.Searcher.Search(t.Context(), org, search.Query{Filters: []content.Filter{x}, Limit: 100})
					if err != nil && !errors.Is(err, content.ErrInvalid) {
						t.Errorf("%s %s %s: %v", field, op, name, err)
					}
					if field == "crm.industry" && op == content.Equal && name != "NUL alone" && (err != nil || res.Total != 1 || res.Hits[0].ID != fmt.Sprintf("doc%03d", slices.Index(names, name))) {
						t.Errorf("%s = %s: %v, %+v", field, name, err, res)
					}
				}
			}
			if _, err := f.Searcher.Search(t.Context(), org, search.Query{Text: "x", Cursor: text}); err == nil {
				t.Errorf("cursor %s", name)
			}
			if _, err := f.Searcher.Similar(t.Context(), org, "crm_account", text, search.Query{}); err == nil {
				t.Errorf("like the id %s", name)
			}
			if _, err := f.Searcher.Search(t.Context(), org, search.Query{Text: "cloud", Sort: search.Sort{Field: text}}); err == nil {
				t.Errorf("sort by %s", name)
			}
		}
		huge := make([]string, 100_000)
		for i := range huge {
			huge[i] = fmt.Sprint("value ", i)
		}
		huge[99_999] = "北京大学的图书馆"
		diff(t, "a huge list", 1, f.Search(org, search.Query{Filters: []content.Filter{{Field: "crm.industry", Op: content.In, Values: huge}}}).Total)
	})
}
