package inverted

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// A segment's dictionary lists its terms without their postings, for whoever
// looks for terms and not for chunks: words that go on behind a prefix, words
// that are spelled nearly so, completions. It is cut into pieces of some
// kilobytes, each a column, so that only those are read in which the terms can
// be.
const (
	dictionaryColumn = "#dictionary" // the first term of each piece
	dictionarySize   = 16 << 10
)

func dictionaryPiece(i int) string { return fmt.Sprintf("%s/%d", dictionaryColumn, i) }

// titleMark begins the term of an exact title; no word begins with it. Such
// terms are not in the dictionary.
const titleMark = "="

// A word is an entry of a dictionary.
type word struct {
	term    string
	surface string // the word that most often has this term
	count   int    // chunks, deleted ones included
}

// A dictionaryWriter packs the terms of a segment, given in order.
type dictionaryWriter struct {
	full   func(name string, data []byte) error
	data   []byte
	last   string
	firsts []string
}

func (w *dictionaryWriter) add(e entry) error {
	if strings.HasPrefix(e.term, titleMark) {
		return nil
	}
	if len(w.data) >= dictionarySize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	shared := 0
	if len(w.data) == 0 {
		w.firsts = append(w.firsts, e.term)
	} else {
		shared = common(w.last, e.term)
	}
	w.last = e.term
	w.data = appendString(w.data, shared, e.term)
	w.data = binary.AppendUvarint(w.data, uint64(e.count))
	w.data = appendSurface(w.data, e)
	return nil
}

func (w *dictionaryWriter) flush() error {
	if len(w.data) == 0 {
		return nil
	}
	data := w.data
	w.data = nil
	return w.full(dictionaryPiece(len(w.firsts)-1), data)
}

// finish writes what is left, and the list of the pieces.
func (w *dictionaryWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.full(dictionaryColumn, encodeStrings(w.firsts))
}

// readWords decodes a piece. The bytes that each is given are good until the next
// call: most words are looked at and left.
func readWords(data []byte, each func(term, surface []byte, count int)) error {
	d := decoder{data: data}
	var term, surface []byte
	for len(d.data) > 0 {
		term = d.frontCoded(term)
		n := d.length()
		surface = d.surface(surface, term)
		if d.err != nil {
			return d.err
		}
		if len(surface) > 0 {
			each(term, surface, n)
		} else {
			each(term, term, n)
		}
	}
	return d.err
}

func hasPrefix(term []byte, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return len(term) >= len(p) && string(term[:len(p)]) == p })
}

// words reads the terms that begin with any of the prefixes, of all segments,
// each term once: the counts are added up, and the spelling is that of the
// segment with most.
func (v *View) words(ctx context.Context, prefixes []string) ([]word, error) {
	return v.wordsLike(ctx, prefixes, func(_, _ []byte) bool { return true })
}

// wordsLike is words for those that keep takes. It is asked in each segment, and
// also about other words that stand near those with the prefixes.
func (v *View) wordsLike(ctx context.Context, prefixes []string, keep func(term, surface []byte) bool) ([]word, error) {
	pieces, err := load(ctx, v, v.keys(dictionaryColumn), v.read.columns, func(_ cacheKey, data []byte) ([]string, int, error) {
		list, err := decodeStrings(data)
		return list, 24 * len(list), err
	})
	if err != nil {
		return nil, err
	}
	var keys []cacheKey
	seen := map[cacheKey]bool{}
	for i, s := range v.segments {
		for _, p := range prefixes {
			from, to := blocksOf(pieces[i], p)
			for n := from; n < to; n++ {
				if k := v.key(s, dictionaryPiece(n), 0); !seen[k] {
					seen[k] = true
					keys = append(keys, k)
				}
			}
		}
	}
	list, err := load(ctx, v, keys, v.read.columns, func(_ cacheKey, data []byte) ([]byte, int, error) { return data, len(data), nil })
	if err != nil {
		return nil, err
	}
	type found struct {
		word
		most int
	}
	all := map[string]*found{}
	for i, data := range list {
		err := readWords(data, func(term, surface []byte, count int) {
			if !keep(term, surface) || !hasPrefix(term, prefixes...) {
				return
			}
			w := word{string(term), string(surface), count}
			f := all[w.term]
			if f == nil {
				f = &found{word: word{term: w.term}}
				all[w.term] = f
			}
			f.count += w.count
			if w.count > f.most || w.count == f.most && w.surface < f.surface {
				f.most, f.surface = w.count, w.surface
			}
		})
		if err != nil {
			return nil, fmt.Errorf("search index: segment %s, %s: %w", keys[i].segment, keys[i].name, err)
		}
	}
	words := make([]word, 0, len(all))
	for _, f := range all {
		words = append(words, f.word)
	}
	sort.Slice(words, func(i, j int) bool { return words[i].term < words[j].term })
	return words, nil
}
