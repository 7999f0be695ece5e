//go:build !race

package search_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/searchtest"
)

// What filters, facets, histograms and sorts mean, written down as a loop over all
// documents.
type plain struct {
	docs map[string]map[string][]any // values by id and field: string, bool, float64 or time.Time
}

// A level is a text of a type of its own.
type level string

// put remembers a document as it was given.
func (p *plain) put(d content.Document) {
	fields := map[string][]any{"type": {d.Type}, "group": {d.Group}, "updated_at": {d.UpdatedAt}}
	if d.ContentType != "" {
		fields["content_type"] = []any{d.ContentType}
	}
	for namespace, list := range d.Metadata {
		for name, v := range list.(map[string]any) {
			switch v := v.(type) {
			case []string:
				for _, s := range v {
					fields[namespace+"."+name] = append(fields[namespace+"."+name], s)
				}
			case int64:
				fields[namespace+"."+name] = []any{float64(v)}
			case level:
				fields[namespace+"."+name] = []any{string(v)}
			case []uint16:
				for _, n := range v {
					fields[namespace+"."+name] = append(fields[namespace+"."+name], float64(n))
				}
			case *float32:
				if v != nil {
					fields[namespace+"."+name] = []any{float64(*v)}
				}
			case string:
				if v != "" {
					fields[namespace+"."+name] = []any{v}
				}
			default:
				fields[namespace+"."+name] = []any{v}
			}
		}
	}
	p.docs[d.ID] = fields
}

// text writes a value as facets show it.
func text(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// compare compares a value with the text of a filter; ok says that the text can be
// read as such a value.
func compare(v any, with string) (order int, ok bool) {
	switch v := v.(type) {
	case float64:
		x, err := strconv.ParseFloat(with, 64)
		return cmp.Compare(v, x), err == nil
	case bool:
		x, err := strconv.ParseBool(with)
		return cmp.Compare(fmt.Sprint(v), fmt.Sprint(x)), err == nil
	case time.Time:
		for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
			if x, err := time.Parse(layout, with); err == nil {
				return v.Compare(x), true
			}
		}
		return 0, false
	}
	return strings.Compare(v.(string), with), true
}

func (p *plain) holds(id string, f content.Filter) bool {
	values := p.docs[id][f.Field]
	some := func(holds func(v any) bool) bool { return slices.ContainsFunc(values, holds) }
	equals := func(v any) bool {
		return slices.ContainsFunc(f.Values, func(with string) bool {
			order, ok := compare(v, with)
			return ok && order == 0
		})
	}
	orders := func(want ...int) func(v any) bool {
		return func(v any) bool {
			order, ok := compare(v, f.Values[0])
			return ok && slices.Contains(want, order)
		}
	}
	switch f.Op {
	case content.Equal, content.In:
		return some(equals)
	case content.NotEqual, content.NotIn:
		return !some(equals)
	case content.Greater:
		return some(orders(1))
	case content.GreaterOrEqual:
		return some(orders(1, 0))
	case content.Less:
		return some(orders(-1))
	case content.LessOrEqual:
		return some(orders(-1, 0))
	case content.Contains:
		return some(func(v any) bool { return strings.Contains(strings.ToLower(text(v)), strings.ToLower(f.Values[0])) })
	case content.StartsWith:
		return some(func(v any) bool { return strings.HasPrefix(strings.ToLower(text(v)), strings.ToLower(f.Values[0])) })
	case content.IsNull:
		return len(values) == 0
	}
	return len(values) > 0
}

// readable says that one of the filter's values can be compared with one of the
// values that there are; otherwise the filter is a mistake.
func (p *plain) readable(f content.Filter) bool {
	if slices.Contains([]content.Op{content.Contains, content.StartsWith, content.IsNull, content.NotNull, content.Exists}, f.Op) {
		return true
	}
	met := false
	for _, fields := range p.docs {
		for _, v := range fields[f.Field] {
			met = true
			for _, with := range f.Values {
				if _, ok := compare(v, with); ok {
					return true
				}
			}
		}
	}
	return !met
}

func (p *plain) facet(ids []string, field string) map[string]int {
	counts := map[string]int{}
	for _, id := range ids {
		seen := map[string]bool{}
		for _, v := range p.docs[id][field] {
			if s := text(v); !seen[s] {
				seen[s] = true
				counts[s]++
			}
		}
	}
	return counts
}

func (p *plain) histogram(ids []string, field string, interval inverted.Interval) map[string]int {
	counts := map[string]int{}
	for _, id := range ids {
		for _, v := range p.docs[id][field] {
			at, ok := v.(time.Time)
			if !ok {
				continue
			}
			switch interval {
			case inverted.Day:
				counts[at.Format("2006-01-02")]++
			case inverted.Week:
				for at.Weekday() != time.Monday {
					at = at.AddDate(0, 0, -1)
				}
				counts[at.Format("2006-01-02")]++
			case inverted.Month:
				counts[at.Format("2006-01")+"-01"]++
			case inverted.Year:
				counts[at.Format("2006")+"-01-01"]++
			}
		}
	}
	return counts
}

// oddMetadata are values of all kinds in all namespaces. Under "odd" stands a
// number here, a text, a time or a truth there.
func oddMetadata(rnd *rand.Rand) map[string]any {
	at := func() time.Time {
		return time.Date(1969+rnd.IntN(80), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.IntN(2)*rnd.IntN(86_400_000)) * time.Millisecond)
	}
	texts := []string{"Aerospace", "aerospace defense", "Ärzte", "ärzte", "100%", `a_b\c`, "7", "2026-01-31", "true", " space ", "北京", "x'y\"z", strings.Repeat("long ", 150)}
	odd := []any{int64(rnd.IntN(9) - 4), float64(rnd.IntN(9)) / 2, texts[rnd.IntN(len(texts))], at(), rnd.IntN(2) == 0}
	m := map[string]any{}
	for _, namespace := range []string{"source", "salesforce", "sam", "sharepoint", "scrape", "file", "custom"} {
		fields := map[string]any{}
		for name, v := range map[string]any{
			"text": texts[rnd.IntN(len(texts))], "number": int64(rnd.IntN(20) - 10), "amount": float64(rnd.IntN(50)-25) / 4, "on": rnd.IntN(2) == 0, "at": at(),
			"odd": odd[rnd.IntN(len(odd))], "empty": "",
			"level": level(texts[rnd.IntN(2)]), "sizes": []uint16{uint16(rnd.IntN(4)), uint16(4 + rnd.IntN(4))}, "share": []*float32{nil, new(float32)}[rnd.IntN(2)],
		} {
			if rnd.IntN(3) > 0 {
				fields[name] = v
			}
		}
		if rnd.IntN(2) == 0 {
			list := slices.Clone(texts)
			rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			fields["tags"] = list[:1+rnd.IntN(3)]
		}
		m[namespace] = fields
	}
	return m
}

func TestFiltersFacetsAndSortsAreThoseOfALoop(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 4))
		org := h.Organization("acme")
		p := &plain{docs: map[string]map[string][]any{}}
		other := searchtest.Doc(1, "Another's", "cloud")
		other.Metadata = oddMetadata(rnd)
		h.Put(h.Organization("other"), other)
		for range 5 {
			var docs []content.Document
			for range 30 {
				d := searchtest.Doc(rnd.IntN(120), "Title", []string{"cloud", "cloud migration", "migration", strings.Repeat("cloud of words. ", 300)}[rnd.IntN(4)])
				d.Metadata = oddMetadata(rnd)
				d.Group = []string{"crm", "desk", "pad"}[rnd.IntN(3)]
				d.ContentType = []string{"", "Customer", "Partner"}[rnd.IntN(3)]
				docs = append(docs, d)
				p.put(d)
			}
			h.Put(org, docs...)
			gone := fmt.Sprintf("doc%03d", rnd.IntN(120))
			h.Delete(org, "crm_account", gone)
			delete(p.docs, gone)
		}
		h.Merge(org)
		h.embed(org)
		all := slices.Sorted(maps.Keys(p.docs))
		names := []string{"type", "group", "content_type", "updated_at"}
		for _, namespace := range []string{"source", "salesforce", "sam", "sharepoint", "scrape", "file", "custom"} {
			for _, name := range []string{"text", "number", "amount", "on", "at", "tags", "odd", "level", "sizes", "share"} {
				names = append(names, namespace+"."+name)
			}
		}
		value := func(field string) string {
			for rnd.IntN(8) > 0 {
				if values := p.docs[all[rnd.IntN(len(all))]][field]; len(values) > 0 {
					return text(values[rnd.IntN(len(values))])
				}
			}
			return []string{"0", "true", "2000-01-01", "a", "1e3", "-0", "AERO"}[rnd.IntN(7)]
		}
		refused, found := 0, 0
		for range 250 {
			var q search.Query
			for range 1 + rnd.IntN(2) {
				f := content.Filter{Field: names[rnd.IntN(len(names))], Op: content.Ops()[rnd.IntN(len(content.Ops()))]}
				switch f.Op {
				case content.IsNull, content.NotNull, content.Exists:
				case content.In, content.NotIn:
					f.Values = []string{value(f.Field), value(f.Field), value(f.Field)}
				case content.Contains, content.StartsWith:
					v := []rune(value(f.Field))
					f.Values = []string{string(v[:1+rnd.IntN(len(v))])}
				default:
					f.Values = []string{value(f.Field)}
				}
				q.Filters = append(q.Filters, f)
			}
			q.Limit = 1 + rnd.IntN(100)
			q.Facets = []string{names[rnd.IntN(len(names))], names[rnd.IntN(len(names))]}
			q.FacetLimit = 1 + rnd.IntN(8)
			field := names[rnd.IntN(len(names))]
			timed := names[3+rnd.IntN(len(names)-3)]
			q.Histograms = []search.Histogram{{Field: timed, Interval: []inverted.Interval{inverted.Day, inverted.Week, inverted.Month, inverted.Year}[rnd.IntN(4)]}}
			if rnd.IntN(2) == 0 {
				q.Sort = search.Sort{Field: field, Descending: rnd.IntN(2) == 0}
			}
			q.Text = []string{"", "cloud ", "migration "}[rnd.IntN(3)]
			if q.Text != "" && q.Sort.Field == "" {
				q.Mode = modes[rnd.IntN(3)]
			}
			ids := slices.DeleteFunc(slices.Clone(all), func(id string) bool {
				return !p.holds(id, q.Filters[0]) || !p.holds(id, q.Filters[len(q.Filters)-1])
			})
			first, err := h.Searcher.Search(t.Context(), org, q)
			if slices.ContainsFunc(q.Filters, func(f content.Filter) bool { return !p.readable(f) }) {
				refused++
				if !errors.Is(err, content.ErrInvalid) {
					t.Errorf("%+v: %v", q.Filters, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%+v: %v", q, err)
				continue
			}
			hits := []string{}
			for res, page := first, q; ; {
				for _, x := range res.Hits {
					hits = append(hits, x.ID)
				}
				if page.Cursor = res.NextCursor; page.Cursor == "" {
					break
				}
				res = h.Search(org, page)
				diff(t, "numbers of a page", []any{first.Total, first.Facets, first.Other, first.Histograms}, []any{res.Total, res.Facets, res.Other, res.Histograms})
			}
			name := fmt.Sprintf("%+v", q)
			if q.Text == "" {
				diff(t, name+": found", ids, append([]string{}, slices.Sorted(slices.Values(hits))...))
			}
			for _, id := range hits {
				if !slices.Contains(ids, id) {
					t.Errorf("%s: %s is found", name, id)
				}
			}
			ids = hits
			found += len(hits)
			diff(t, name+": total", len(ids), first.Total)
			for _, facet := range q.Facets {
				want := p.facet(ids, facet)
				sum := 0
				for _, n := range want {
					sum += n
				}
				for _, c := range first.Facets[facet] {
					diff(t, name+": "+facet+" "+c.Value, want[c.Value], c.Count)
					sum -= c.Count
				}
				diff(t, name+": other of "+facet, sum, first.Other[facet])
				diff(t, name+": values of "+facet, min(len(want), q.FacetLimit), len(first.Facets[facet]))
			}
			bars := map[string]int{}
			for _, b := range first.Histograms[0].Bars {
				bars[b.Start.Format(time.DateOnly)] = b.Count
			}
			diff(t, name+": histogram", p.histogram(ids, timed, q.Histograms[0].Interval), bars)
			if q.Sort.Field != "" && !strings.HasSuffix(field, ".odd") && !strings.HasSuffix(field, ".tags") && !strings.HasSuffix(field, ".sizes") {
				p.sorted(t, name, hits, q.Sort)
			}
		}
		if refused == 0 || found < 500 {
			t.Errorf("%d filters refused, %d documents found: too little was tested", refused, found)
		}
	})
}

// sorted holds the order of hits against the values of a field.
func (p *plain) sorted(t *testing.T, name string, hits []string, by search.Sort) {
	t.Helper()
	for i := 1; i < len(hits); i++ {
		a, b := p.docs[hits[i-1]][by.Field], p.docs[hits[i]][by.Field]
		switch {
		case len(b) == 0:
		case len(a) == 0:
			t.Errorf("%s: %s has no value and comes before %s", name, hits[i-1], hits[i])
		default:
			x, y := a[0], b[0]
			if s, ok := x.(string); ok {
				x, y = strings.ToLower(s), any(strings.ToLower(y.(string)))
			}
			if order, _ := compare(x, text(y)); order > 0 != by.Descending && order != 0 {
				t.Errorf("%s: %v before %v", name, x, y)
			}
		}
	}
}
