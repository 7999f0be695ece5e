package search_test

import (
	"math/rand/v2"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/searchtest"
)

// Documents and queries at random, of few words, so that much is found.
var vocabulary = strings.Fields(`cloud clouds migration migrating the of and agency state art notice award contract contracts
	cybersecurity FA8750-24-R-0001 F-16 ann@example.com Müller café 北京大学 データ 2026-01-31 "quoted <b>bold</b> not IT U.S. engineering`)

func words(rnd *rand.Rand, n int) string {
	var list []string
	for range n {
		list = append(list, vocabulary[min(rnd.IntN(len(vocabulary)), rnd.IntN(len(vocabulary)))])
	}
	return strings.Join(list, " ")
}

func randomDocuments(rnd *rand.Rand, n int) []content.Document {
	types := []struct{ name, group string }{{"crm_account", "crm"}, {"crm_account", "crm"}, {"crm_contact", "crm"}, {"sam_notice", "sam"}, {"asset", "upload"}, {"asset", "sharepoint"}}
	var docs []content.Document
	for range n {
		text := words(rnd, rnd.IntN(30))
		if rnd.IntN(10) == 0 {
			text = words(rnd, 700) // some chunks
		}
		d := searchtest.Doc(rnd.IntN(80), words(rnd, rnd.IntN(5)), text)
		kind := types[rnd.IntN(len(types))]
		metadata := map[string]any{}
		if rnd.IntN(2) == 0 {
			metadata["industry"] = []string{"Aerospace", "Hardware", "Software"}[rnd.IntN(3)]
		}
		if rnd.IntN(2) == 0 {
			metadata["employees"] = int64(rnd.IntN(100))
		}
		if rnd.IntN(4) == 0 {
			metadata["tags"] = []string{"a", "b", "c"}[:rnd.IntN(4)]
		}
		d = searchtest.With(d, kind.name, kind.group, metadata)
		d.ContentType = []string{"", "Customer", "Partner"}[rnd.IntN(3)]
		docs = append(docs, d)
	}
	return docs
}

func randomQuery(rnd *rand.Rand) search.Query {
	q := search.Query{Text: words(rnd, rnd.IntN(4)), Limit: 1 + rnd.IntN(12), Offset: rnd.IntN(3)}
	switch rnd.IntN(5) {
	case 0:
		q.Text += " "
	case 1:
		q.Text = `"` + words(rnd, 2) + `"`
	case 2:
		if w := []rune(q.Text); len(w) > 2 {
			q.Text = string(w[:1+rnd.IntN(len(w)-1)])
		}
	}
	if rnd.IntN(3) == 0 {
		q.Types = []string{"crm_account", "asset"}[:1+rnd.IntN(2)]
	}
	if rnd.IntN(4) == 0 {
		q.Groups = []string{"sam"}
	}
	if rnd.IntN(3) == 0 {
		q.Filters = append(q.Filters, []content.Filter{
			{Field: "crm.industry", Op: content.Equal, Values: []string{"Hardware"}},
			{Field: "crm.industry", Op: content.NotIn, Values: []string{"Hardware", "Software"}},
			{Field: "crm.employees", Op: content.Less, Values: []string{"50"}},
			{Field: "updated_at", Op: content.Greater, Values: []string{"2026-01-02"}},
			{Field: "content_type", Op: content.IsNull},
		}[rnd.IntN(5)])
	}
	if rnd.IntN(2) == 0 {
		q.Facets = []string{"crm.industry", "type", "crm.employees"}
	}
	return q
}
