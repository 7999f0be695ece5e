package main

import (
	"strings"
	"testing"

	"github.com/curatore/curatore-go/curatore"
)

// checkHits holds hits, total and facets against each other and against what is
// stored.
func checkHits(t *testing.T, org *curatore.Organization, form jsonForm, limit int) {
	t.Helper()
	if len(form.Hits) != min(limit, form.Total) || form.Total == 0 {
		t.Errorf("%d hits of %d with limit %d", len(form.Hits), form.Total, limit)
	}
	labels := map[string]string{"salesforce_account": "Account", "salesforce_contact": "Contact", "salesforce_opportunity": "Opportunity"}
	onPage, seen, last := map[string]int{}, map[string]bool{}, 0.0
	for i, h := range form.Hits {
		item, err := org.Get(t.Context(), h.Type, h.ID)
		if err != nil {
			t.Errorf("hit %d: %v", i, err)
			continue
		}
		if h.Title != item.Title || h.Label != labels[h.Type] || seen[h.ID] {
			t.Errorf("hit %d is %+v, the record has the title %q; seen before: %v", i, h, item.Title, seen[h.ID])
		}
		if i > 0 && h.Score > last {
			t.Errorf("hit %d has the score %v behind %v", i, h.Score, last)
		}
		onPage[h.Type]++
		seen[h.ID], last = true, h.Score
		for where, texts := range h.Highlights {
			for _, text := range texts {
				if where != "title" && where != "content" || h.Score > 0 != strings.Contains(text, "<mark>") {
					t.Errorf("hit %d: highlight of %s: %q", i, where, text)
				}
			}
		}
	}
	sums := map[string]int{}
	for field, values := range form.Facets {
		for i, v := range values {
			sums[field] += v.Count
			if v.Label == "" || v.Count < 1 || i > 0 && v.Count > values[i-1].Count {
				t.Errorf("facet %s: %+v", field, values)
			}
			if field == "type" && (v.Label != labels[v.Value] || v.Count < onPage[v.Value]) {
				t.Errorf("facet type: %+v, of which %d are on the page", v, onPage[v.Value])
			}
		}
	}
	if len(form.Facets) != 3 || sums["type"] != form.Total || sums["group"] != form.Total || sums["content_type"] > form.Total {
		t.Errorf("the facets add up to %v of %d", sums, form.Total)
	}
}
