package inverted

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// maxFound is the number of words that a [Term] lists as found in its place.
const maxFound = 8

// explain tells for each hit what its score consists of.
func (m *matcher) explain(ctx context.Context, hits []Hit) error {
	type place struct{ hit, ordinal int }
	bySegment := map[int][]place{}
	for i, h := range hits {
		for s, table := range m.tables {
			if o, ok := table.ordinal(h.Chunk); ok {
				bySegment[s] = append(bySegment[s], place{i, o})
			}
		}
	}
	for _, group := range m.groups() {
		if err := m.load(ctx, group, m.clauses); err != nil {
			return err
		}
		for _, s := range group {
			places := bySegment[s]
			if len(places) == 0 {
				continue
			}
			slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.ordinal, b.ordinal) })
			norms, near := m.norms(s), m.nearness(s, newBitset)
			for _, c := range m.clauses {
				readers := map[string]*cursor{}
				for _, e := range m.loaded.of(s, c.terms) {
					r := newCursor(e, m.tables[s].len())
					readers[e.term] = &r
				}
				for _, p := range places {
					t := Term{Text: c.text, Kind: c.kind, Documents: int(c.n)}
					for _, term := range c.terms {
						if r := readers[term]; r != nil && r.seek(p.ordinal) && r.ordinal == p.ordinal {
							t.Body, t.Title = t.Body+int(r.body), t.Title+int(r.title)
							if (c.kind == PrefixTerm || c.kind == SpellingTerm) && len(t.Found) < maxFound {
								t.Found = append(t.Found, term)
							}
						}
					}
					if t.Body+t.Title > 0 {
						part := c.part(float32(t.Body)+titleWeight*float32(t.Title), norms[p.ordinal])
						if c.kind == TitleTerm {
							t.Body, t.Title = 0, 0
						}
						t.Score = float64(part) / m.scale
						hits[p.hit].Terms = append(hits[p.hit].Terms, t)
					}
				}
			}
			for i, p := range m.phrases {
				err := m.eachPhrase(p, s, func(o, body, title int) {
					at, ok := slices.BinarySearchFunc(places, o, func(p place, o int) int { return cmp.Compare(p.ordinal, o) })
					if !ok {
						return
					}
					hit := &hits[places[at].hit]
					hit.Terms = append(hit.Terms, Term{Text: m.phraseText(i), Kind: PhraseTerm, Body: body, Title: title,
						Score: float64(p.part(body, title, norms[o])) / m.scale})
				})
				if err != nil {
					return m.unreadable(s, err)
				}
			}
			if near == nil {
				continue
			}
			for word, have := range near.have {
				for _, e := range m.loaded.of(s, m.clauses[word].terms) {
					if have == nil {
						continue
					}
					if err := have.add(e, near.chunks); err != nil {
						return m.unreadable(s, err)
					}
				}
			}
			for _, p := range places {
				hit := &hits[p.hit]
				near.at(p.ordinal, func(pair *pair, part uint32) {
					hit.Terms = append(hit.Terms, Term{Text: m.clauses[pair.first].text + " " + m.clauses[pair.second].text, Kind: NearTerm,
						Score: float64(part) / m.scale})
				})
			}
			if err := near.err(); err != nil {
				return m.unreadable(s, err)
			}
		}
	}
	return nil
}

func (m *matcher) phraseText(i int) string {
	var words []string
	for _, w := range m.phrases[i].words {
		words = append(words, w.forms[0])
	}
	return strings.Join(words, " ")
}
