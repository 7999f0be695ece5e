package inverted

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
)

// A Document is what [Build] indexes: a title, a text in pieces, and values by
// name to filter, count and sort by. Each chunk is found by its own words and
// those of the title.
type Document struct {
	Title    string
	Language string   // of title and text, BCP 47: decides about stems; "" means English
	Chunks   []string // at least one; it may be empty
	// Values by name: string, bool, int64, float64, time.Time or []string. Of
	// strings the first 1,024 bytes count.
	Values map[string]any
}

// MaxChunks is the largest number of chunks that a document may have, and that
// one call of [Build] takes.
const MaxChunks = maxSegment

// A Segment is a part of an index in the form in which it is stored. It is made
// by [Build] and handed to [Writer.Add].
type Segment struct {
	chunks    chunkTableBuilder
	blocks    []block
	columns   []namedColumn // of the values, and the dictionary
	documents int
}

type namedColumn struct {
	name string
	data []byte
}

// Chunks returns the number of chunks, in the order of the documents.
func (s *Segment) Chunks() int { return s.chunks.chunks }

// A Builder turns documents into segments. It is not safe for concurrent use:
// give each goroutine its own. Memory is kept for the next call. The zero value
// is ready to use.
type Builder struct {
	languages   map[string]*wordIDs // by language
	exactIDs    map[string]uint32   // tokens that are terms as they are
	termIDs     map[string]uint32
	terms       []string
	occurrences []occurrence
	order       []uint32       // the terms in order, up to those that are new
	lengths     []fieldLengths // of the chunks
	joined      []byte         // the title at hand
	titles      []occurrence   // of the terms of whole titles, which are not kept for the next call
	titleTerms  []string
	titleIDs    map[string]uint32
}

type fieldLengths struct{ body, title uint16 }

// An occurrence is a term at a place. They are collected in order of place and
// then brought into order of terms.
type occurrence struct {
	term    uint32
	ordinal uint16
	title   bool
	at      uint32
}

// Build indexes documents into a new segment. It needs no database and is the
// greater part of the work, so do it outside the transaction. An error names the
// document that cannot be indexed by its position.
func (b *Builder) Build(documents []Document) (*Segment, error) {
	b.reset()
	s := &Segment{}
	columns := map[string]*columnBuilder{}
	var title []occurrence
	for i, d := range documents {
		if len(d.Chunks) == 0 || s.Chunks()+len(d.Chunks) > MaxChunks {
			return nil, fmt.Errorf("%w: document %d has %d chunks after %d others; a segment takes %d", content.ErrInvalid, i, len(d.Chunks), s.Chunks(), MaxChunks)
		}
		for name, v := range d.Values {
			values, err := valuesOf(v)
			if err != nil {
				return nil, fmt.Errorf("document %d, value %q: %w", i, name, err)
			}
			if len(values) == 0 {
				continue
			}
			if columns[name] == nil {
				columns[name] = newColumnBuilder()
			}
			for _, x := range values {
				columns[name].add(i, columns[name].id(x))
			}
		}
		mark := len(b.occurrences)
		language := b.language(d.Language)
		titleLength := b.text(language, d.Title, 0, true)
		whole, hasTitle := b.titleID()
		title = append(title[:0], b.occurrences[mark:]...)
		b.occurrences = b.occurrences[:mark]
		for j, text := range d.Chunks {
			ordinal := uint16(s.Chunks())
			bodyLength := b.text(language, text, ordinal, false)
			for _, o := range title {
				o.ordinal = ordinal
				b.occurrences = append(b.occurrences, o)
			}
			if hasTitle {
				b.titles = append(b.titles, occurrence{whole, ordinal, true, 0})
			}
			s.chunks.add(int64(s.Chunks()), j == 0, titleLength, bodyLength)
			b.lengths = append(b.lengths, fieldLengths{uint16(min(bodyLength, math.MaxUint16)), uint16(min(titleLength, math.MaxUint16))})
		}
	}
	s.documents = len(documents)
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		s.columns = append(s.columns, namedColumn{name, columns[name].encode(len(documents))})
	}
	if err := b.postings(s); err != nil {
		return nil, err
	}
	return s, nil
}

func (b *Builder) reset() {
	if b.termIDs == nil || len(b.termIDs) > maxStems {
		b.languages, b.exactIDs, b.termIDs = map[string]*wordIDs{}, map[string]uint32{}, map[string]uint32{}
		b.terms, b.order, b.titleIDs = nil, nil, map[string]uint32{}
	}
	clear(b.titleIDs)
	b.titles, b.titleTerms = b.titles[:0], b.titleTerms[:0]
	for _, l := range b.languages {
		l.forget()
	}
	b.occurrences, b.lengths = b.occurrences[:0], b.lengths[:0]
}

func (b *Builder) language(tag string) *wordIDs {
	base := baseLanguage(tag)
	l := b.languages[base]
	if l == nil {
		l = newWordIDs(base)
		b.languages[base] = l
	}
	return l
}

// surfaces returns the word that most often has each term, by the term's number.
func (b *Builder) surfaces() []string {
	list, times := make([]string, len(b.terms)), make([]uint32, len(b.terms))
	for _, l := range b.languages {
		for i := range l.slots {
			s := &l.slots[i]
			if s.times == 0 {
				continue
			}
			if word := l.words[s.number]; s.times > times[s.term] || s.times == times[s.term] && word < list[s.term] {
				list[s.term], times[s.term] = word, s.times
			}
		}
	}
	return list
}

// text collects the occurrences of a text and returns its length in words. Of a
// title it also joins the words.
func (b *Builder) text(l *wordIDs, text string, ordinal uint16, title bool) int {
	b.joined = b.joined[:0]
	foreign := l.analyzer.language != defaultLanguage
	return l.analyzer.each(text, func(t token) {
		if title {
			b.joined = joinTitle(b.joined, t)
		}
		var id uint32
		if t.kind != plain {
			known, ok := b.exactIDs[string(t.word)]
			if id = known; !ok {
				id = b.termID(string(t.word))
				b.exactIDs[string(t.word)] = id
			}
		} else {
			key := t.word
			if foreign {
				key = []byte(text[t.start:t.end])
			}
			s, known := l.find(key)
			if !known {
				s.term = b.termID(l.analyzer.term(t, text))
				l.words[s.number] = l.keys[s.number]
				if foreign {
					l.words[s.number] = string(t.word)
				}
			}
			s.times++
			id = s.term
		}
		b.occurrences = append(b.occurrences, occurrence{id, ordinal, title, uint32(t.position)})
	})
}

// titleID returns the number of the title at hand among the titles.
func (b *Builder) titleID() (uint32, bool) {
	term := titleTerm(b.joined)
	id, ok := b.titleIDs[term]
	if !ok && term != "" {
		id = uint32(len(b.titleTerms))
		b.titleIDs[term] = id
		b.titleTerms = append(b.titleTerms, term)
	}
	return id, term != ""
}

// sorted brings the terms that were met since the last call into order, and
// returns all of them.
func (b *Builder) sorted() []uint32 {
	byTerm := func(x, y uint32) int { return strings.Compare(b.terms[x], b.terms[y]) }
	fresh := make([]uint32, 0, len(b.terms)-len(b.order))
	for id := len(b.order); id < len(b.terms); id++ {
		fresh = append(fresh, uint32(id))
	}
	slices.SortFunc(fresh, byTerm)
	b.order = mergeSorted(b.order, fresh, byTerm)
	return b.order
}

func mergeSorted(a, b []uint32, compare func(x, y uint32) int) []uint32 {
	if len(b) == 0 {
		return a
	}
	all := make([]uint32, 0, len(a)+len(b))
	for _, x := range a {
		for len(b) > 0 && compare(b[0], x) < 0 {
			all, b = append(all, b[0]), b[1:]
		}
		all = append(all, x)
	}
	return append(all, b...)
}

func (b *Builder) termID(term string) uint32 {
	id, ok := b.termIDs[term]
	if !ok {
		id = uint32(len(b.terms))
		b.termIDs[term] = id
		b.terms = append(b.terms, term)
	}
	return id
}

// postings sorts the occurrences by term and packs them into blocks.
func (b *Builder) postings(s *Segment) error {
	order := b.sorted()
	surfaces := b.surfaces()
	if known := len(b.terms); len(b.titleTerms) > 0 {
		// the terms of titles stand behind the others for as long as this call
		b.terms = append(b.terms, b.titleTerms...)
		defer func() { b.terms = b.terms[:known] }()
		surfaces = append(surfaces, make([]string, len(b.titleTerms))...)
		ids := make([]uint32, len(b.titleTerms))
		for i := range ids {
			ids[i] = uint32(known + i)
		}
		byTerm := func(x, y uint32) int { return strings.Compare(b.terms[x], b.terms[y]) }
		slices.SortFunc(ids, byTerm)
		order = mergeSorted(order, ids, byTerm)
		for _, o := range b.titles {
			o.term += uint32(known)
			b.occurrences = append(b.occurrences, o)
		}
	}
	// counting sort: the occurrences of each term stay in order of place
	starts := make([]int, len(b.terms)+1)
	for _, o := range b.occurrences {
		starts[o.term+1]++
	}
	for id := range b.terms {
		starts[id+1] += starts[id]
	}
	sorted := make([]occurrence, len(b.occurrences))
	next := slices.Clone(starts)
	for _, o := range b.occurrences {
		sorted[next[o.term]] = o
		next[o.term]++
	}
	out := blockWriter{full: func(full block) error { s.blocks = append(s.blocks, full); return nil }}
	words := dictionaryWriter{full: func(name string, data []byte) error {
		s.columns = append(s.columns, namedColumn{name, data})
		return nil
	}}
	average := averageLength(s.chunks.body, s.chunks.title, s.Chunks())
	w := postingsWriter{norms: make([]float32, s.Chunks())}
	for o, l := range b.lengths {
		w.norms[o] = lengthNorm(l.body, l.title, average)
	}
	for _, id := range order {
		if starts[id] == starts[id+1] {
			continue
		}
		w.reset()
		places := sorted[starts[id]:starts[id+1]]
		for len(places) > 0 {
			places = w.chunk(places)
		}
		e, err := w.entry(b.terms[id], surfaces[id], boundOf(w.most+roundingError), s.Chunks())
		if err != nil {
			return err
		}
		if err := out.add(e); err != nil {
			return err
		}
		if err := words.add(e); err != nil {
			return err
		}
	}
	if err := words.finish(); err != nil {
		return err
	}
	return out.flush()
}

// chunk encodes the occurrences in the first chunk, those of the body before
// those of the title, and returns the rest.
func (w *postingsWriter) chunk(places []occurrence) []occurrence {
	n, body := 0, 0
	for n < len(places) && places[n].ordinal == places[0].ordinal {
		if !places[n].title {
			body++
		}
		n++
	}
	w.add(int(places[0].ordinal), uint32(body), uint32(n-body))
	for i, p := range places[:n] {
		if i == 0 || i == body {
			w.field()
		}
		w.position(p.at)
	}
	return places[n:]
}
