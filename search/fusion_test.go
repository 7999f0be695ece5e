package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/search/inverted"
)

// byWords makes a list of the keyword arm: the documents 1, 2, 3 … with scores.
func byWords(scores ...float64) []inverted.Hit {
	var hits []inverted.Hit
	for i, s := range scores {
		hits = append(hits, inverted.Hit{Document: int64(i + 1), Chunk: int64(i + 1), Score: s})
	}
	return hits
}

// nearby makes a list of the vector arm.
func nearby(pairs ...float64) []nearDocument {
	var list []nearDocument
	for i := 0; i < len(pairs); i += 2 {
		d := int64(pairs[i])
		list = append(list, nearDocument{document: d, score: pairs[i+1], chunks: []inverted.Hit{{Document: d, Chunk: d + 100, Score: pairs[i+1]}}})
	}
	return list
}

// mixed makes a mixture in which few documents match, so that the vectors are
// not judged.
func mixed(method Fusion, words []inverted.Hit, near []nearDocument) mixture {
	m := mixture{method: method, weight: 0.5, words: words, matches: len(words), near: near, scored: map[int64]inverted.Hit{}}
	for _, h := range words {
		m.scored[h.Document] = h
	}
	return m
}

func shown(list []candidate) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%d@%d:%.2f ", c.document, c.chunk, c.score)
	}
	return strings.TrimSpace(b.String())
}

func TestFuse(t *testing.T) {
	for _, c := range []struct {
		name string
		m    mixture
		want string
	}{
		{"nothing", mixed(MinMax, nil, nil), ""},
		{"words alone", mixed(MinMax, byWords(4, 2), nil), "1@1:1.00 2@2:0.50"},
		{"a single hit is not worth 0", mixed(MinMax, byWords(4), nearby(7, 0.3)), "1@1:0.51 7@107:0.49"},
		{"vectors alone", mixed(MinMax, nil, nearby(7, 0.8, 8, 0.4)), "7@107:1.00 8@108:0.50"},
		{"both", mixed(MinMax, byWords(4, 2), nearby(2, 0.8, 7, 0.4)), "2@102:0.75 1@1:0.51 7@107:0.25"},
		{"equal ones by document", mixed(MinMax, byWords(4, 4), nil), "1@1:1.00 2@2:1.00"},
		{"ranks", mixed(ReciprocalRank, byWords(4, 2), nearby(2, 0.8, 7, 0.4)), "2@2:0.99 1@1:0.51 7@107:0.48"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, shown(c.m.fuse())); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFuseKeepsExactMatchesFirst(t *testing.T) {
	for _, kind := range []inverted.TermKind{inverted.TitleTerm, inverted.IdentifierTerm} {
		list := byWords(9, 8, 7, 6)
		list[3].Terms = []inverted.Term{{Kind: inverted.WordTerm}, {Kind: kind}}
		m := mixed(MinMax, list, nearby(1, 0.9, 2, 0.8, 3, 0.7))
		if got := m.fuse(); got[0].document != 4 || got[0].exact == "" {
			t.Errorf("%s: %s", kind, shown(got))
		}
	}
}

func TestFuseWithinPhrases(t *testing.T) {
	m := mixed(MinMax, byWords(4), nearby(7, 0.9, 1, 0.8))
	m.strict = true
	if got := shown(m.fuse()); got != "1@1:0.94" {
		t.Errorf("a document without the phrase: %s", got)
	}
}

// Random documents are at a cosine of 0.1 ± 0.05; only those clearly nearer are
// found without a word, and the floor holds for all.
func TestFuseFloors(t *testing.T) {
	m := mixed(MinMax, byWords(4), nearby(7, 0.5, 8, 0.19, 1, 0.15))
	for i := range 100 {
		m.sample = append(m.sample, nearby(float64(1000+i), 0.05+0.1*float64(i%2))...)
	}
	if got := shown(m.fuse()); got != "1@1:0.57 7@107:0.50" {
		t.Errorf("above random: %s", got)
	}
	m.floor = 0.6
	if got := shown(m.fuse()); got != "1@1:0.50" {
		t.Errorf("above the floor: %s", got)
	}
}

// Of 300 documents with words, the vectors find the best, or any.
func TestVectorsAreJudged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var scores []float64
	for i := range 300 {
		scores = append(scores, 10/math.Sqrt(float64(i+1)))
	}
	m := mixed(MinMax, byWords(scores...), nil)
	for i := range sampled {
		m.sample = append(m.sample, nearDocument{document: int64(rnd.IntN(300) + 1), score: float64(i%10) / 100})
	}
	near := func(document func(i int) int64) []nearDocument {
		var list []nearDocument
		for i := range 100 {
			d := document(i)
			list = append(list, nearDocument{document: d, score: 0.9 - float64(i)/200, chunks: []inverted.Hit{{Document: d, Chunk: d}}})
		}
		return list
	}
	m.near = near(func(i int) int64 { return int64(i*2 + 1) })
	if w := m.vectorWeight(); w < 0.35 {
		t.Errorf("good vectors weigh %v", w)
	}
	m.near = near(func(i int) int64 { return int64((i*97+50)%250 + 51) })
	if w := m.vectorWeight(); w > 0.05 {
		t.Errorf("random vectors weigh %v", w)
	}
	if got := m.fuse(); got[0].document != 1 || got[1].document != 2 {
		t.Errorf("random vectors change the order: %s", shown(got[:5]))
	}
}

// A document's score does not depend on how many of the words' hits are listed.
func TestFuseDoesNotDependOnThePage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var scores []float64
	for i := range 2000 {
		scores = append(scores, 20-float64(i/3)/100)
	}
	list := byWords(scores...)
	var near []nearDocument
	seen := map[int64]bool{}
	for i := range window {
		d := int64(rnd.IntN(2500) + 1)
		if !seen[d] {
			seen[d] = true
			near = append(near, nearDocument{document: d, score: 0.9 - float64(i)/1000, chunks: []inverted.Hit{{Document: d, Chunk: d}}})
		}
	}
	for _, method := range []Fusion{MinMax, ReciprocalRank} {
		all := mixed(method, list, near)
		whole := all.fuse()
		for _, need := range []int{1, 20, 300, 900} {
			m := all
			m.words = list[:max(need, window)+len(near)]
			part := m.fuse()
			for i := range max(need, window) {
				if part[i].document != whole[i].document || part[i].score != whole[i].score {
					t.Fatalf("%s: place %d is %+v with %d needed, and %+v with all", method, i, part[i], need, whole[i])
				}
			}
		}
	}
}

func TestNeeded(t *testing.T) {
	if needed(0) != 0 || needed(5) > 1 || needed(50) != farther || needed(200) != farther {
		t.Error(needed(0), needed(5), needed(50), needed(200))
	}
}
