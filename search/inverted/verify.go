package inverted

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/curatore/curatore-go/content/database"
)

// A Stored is a document as it should be in the index.
type Stored struct {
	Number int64 // of its first chunk
	Document
}

// A Verification tells how an index compares with one that would be built anew.
type Verification struct {
	Segments  int
	Chunks    int // live ones in the index
	Documents int // compared with the index

	// Numbers of the first 100 chunks of each kind, in order, and how many there
	// are.
	Missing   []int64 // should be in the index, and are not
	Extra     []int64 // are in the index, and should not
	Different []int64 // have other words, positions, lengths or values than they should

	MissingCount, ExtraCount, DifferentCount int

	Problems []string // of the index itself, the first 100: what cannot be decoded, or contradicts itself
}

// Sound reports whether there is nothing to complain about.
func (v *Verification) Sound() bool {
	return v.MissingCount+v.ExtraCount+v.DifferentCount+len(v.Problems) == 0
}

const maxReported = 100

// Verify compares the index of an organization with the documents that should be
// in it, given in ascending order of number: each is taken apart as for indexing
// and held against what is stored, values included. It also checks that each
// segment agrees with itself. Memory is bounded by that of a few segments. It
// reads all of the index, in one transaction.
func (x *Index) Verify(ctx context.Context, tx *database.Tx, organization string, documents iter.Seq2[Stored, error]) (*Verification, error) {
	segments, err := liveSegments(ctx, tx, organization)
	if err != nil {
		return nil, err
	}
	v := &verifier{tx: tx, organization: organization, report: &Verification{Segments: len(segments)}}
	next, stop := iter.Pull2(documents)
	defer stop()
	doc, err, more := next()
	last := int64(0)
	for _, s := range segments {
		if s.first <= last {
			v.problem("segment %s begins with chunk %d, but the one before ends with %d", s.id, s.first, last)
		}
		last = s.last
		stored, err2 := v.segment(ctx, s)
		if err2 != nil {
			return nil, err2
		}
		for ; more && err == nil && doc.Number <= s.last; doc, err, more = next() {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			v.report.Documents++
			if err := v.compare(stored, doc); err != nil {
				return nil, err
			}
		}
		for n := range stored {
			note(&v.report.Extra, &v.report.ExtraCount, n)
		}
	}
	for ; more && err == nil; doc, err, more = next() {
		v.report.Documents++
		for i := range doc.Chunks {
			note(&v.report.Missing, &v.report.MissingCount, doc.Number+int64(i))
		}
	}
	if more && err != nil {
		return nil, err
	}
	return v.report, nil
}

func note(list *[]int64, count *int, n int64) {
	*count++
	*list = append(*list, n)
	if len(*list) > maxReported {
		slices.Sort(*list)
		*list = (*list)[:maxReported]
	}
	slices.Sort(*list)
}

type verifier struct {
	tx           *database.Tx
	organization string
	builder      Builder
	report       *Verification
}

func (v *verifier) problem(format string, args ...any) {
	if len(v.report.Problems) < maxReported {
		v.report.Problems = append(v.report.Problems, fmt.Sprintf(format, args...))
	}
}

// compare holds a document against the fingerprints of a segment's live chunks,
// and takes them out.
func (v *verifier) compare(stored map[int64]uint64, doc Stored) error {
	s, err := v.builder.Build([]Document{doc.Document})
	if err != nil {
		return err
	}
	own, err := fingerprints(s)
	if err != nil {
		return err
	}
	for o, print := range own {
		n := doc.Number + int64(o)
		found, ok := stored[n]
		switch {
		case !ok:
			note(&v.report.Missing, &v.report.MissingCount, n)
		case found != print:
			note(&v.report.Different, &v.report.DifferentCount, n)
		}
		delete(stored, n)
	}
	return nil
}

// fingerprints takes those of a segment that was just built.
func fingerprints(s *Segment) ([]uint64, error) {
	table, err := decodeChunks(s.chunks.encode())
	if err != nil {
		return nil, err
	}
	p := newPrints(table)
	for _, b := range s.blocks {
		if err := p.block(b, func(entry) error { return nil }); err != nil {
			return nil, err
		}
	}
	for _, c := range s.columns {
		if c.name[0] == '#' {
			continue
		}
		col, err := decodeColumn(c.data, s.documents)
		if err != nil {
			return nil, err
		}
		p.column(c.name, col)
	}
	return p.sums, nil
}

// segment checks a segment and returns the fingerprints of its live chunks by
// number.
func (v *verifier) segment(ctx context.Context, s segmentRow) (map[int64]uint64, error) {
	live := map[int64]uint64{}
	view := &View{organization: v.organization, segments: []segmentRow{s}, read: &tableReader{v.tx, v.organization}, cache: newCache(0)}
	tables, err := view.tables(ctx, view.segments)
	if err != nil {
		return live, v.broken(s, err)
	}
	deleted, err := readTombstones(ctx, v.tx, v.organization, s.id)
	if err != nil {
		return live, v.broken(s, err)
	}
	v.totals(s, tables[0], deleted)
	p := newPrints(tables[0])
	if err := v.blocks(ctx, s, p); err != nil {
		return live, v.broken(s, err)
	}
	err = query(ctx, v.tx, func(rows *sql.Rows) error {
		var name string
		var data []byte
		if err := rows.Scan(&name, &data); err != nil {
			return err
		}
		c, err := decodeColumn(data, s.documents)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.column(name, c)
		return nil
	}, "SELECT name, data FROM search_columns WHERE organization_id = ? AND segment_id = ? AND name NOT LIKE '#%'", v.organization, s.id)
	if err != nil {
		return live, v.broken(s, err)
	}
	for o, print := range p.sums {
		if !deleted.Contains(uint32(o)) {
			live[tables[0].number(o)] = print
		}
	}
	v.report.Chunks += len(live)
	return live, nil
}

// broken notes that a segment cannot be read, and hands on any other error.
func (v *verifier) broken(s segmentRow, err error) error {
	if !isCorrupt(err) {
		return err
	}
	v.problem("segment %s cannot be read: %v", s.id, err)
	return nil
}

// totals compares what the segment's row says with its table of chunks.
func (v *verifier) totals(s segmentRow, t *chunkTable, deleted *roaring.Bitmap) {
	var title, body int64
	for o := range t.len() {
		title, body = title+int64(t.title[o]), body+int64(t.body[o])
	}
	if title != s.title || body != s.body || t.number(t.len()-1) != s.last || int(deleted.GetCardinality()) != s.deleted {
		v.problem("segment %s says that it ends with chunk %d and has %d and %d words and %d deleted chunks; it ends with %d and has %d, %d and %d",
			s.id, s.last, s.title, s.body, s.deleted, t.number(t.len()-1), title, body, deleted.GetCardinality())
	}
}

// blocks goes through the postings of a segment, and holds its lists of terms
// against them.
func (v *verifier) blocks(ctx context.Context, s segmentRow, p *prints) error {
	reader := &tableReader{v.tx, v.organization}
	own := averageLength(s.body, s.title, s.chunks)
	for o := range p.norms {
		p.norms[o] = lengthNorm(p.table.body[o], p.table.title[o], own)
	}
	var firsts []string
	stored := map[string][]byte{}
	var words []namedColumn
	dictionary := dictionaryWriter{full: func(name string, data []byte) error {
		words = append(words, namedColumn{name, data})
		return nil
	}}
	for number := 0; ; {
		var list []block
		err := query(ctx, v.tx, func(rows *sql.Rows) error {
			var b block
			err := rows.Scan(&b.data, &b.positions)
			list = append(list, b)
			return err
		}, "SELECT data, positions FROM search_postings WHERE organization_id = ? AND segment_id = ? AND block >= ? ORDER BY block LIMIT 64",
			v.organization, s.id, number)
		if err != nil {
			return err
		}
		for _, b := range list {
			first := true
			err := p.block(b, func(e entry) error {
				if first {
					firsts, first = append(firsts, e.term), false
				}
				return dictionary.add(e)
			})
			if err != nil {
				return fmt.Errorf("block %d: %w", number, err)
			}
			number++
		}
		if len(list) < 64 {
			break
		}
	}
	if err := dictionary.finish(); err != nil {
		return err
	}
	words = append(words, namedColumn{termsColumn, encodeStrings(firsts)})
	keys := make([]cacheKey, len(words))
	for i, w := range words {
		keys[i] = cacheKey{organization: v.organization, segment: s.id, name: w.name}
	}
	columns, err := reader.columns(ctx, keys)
	if err != nil {
		return err
	}
	for k, data := range columns {
		stored[k.name] = data
	}
	for _, w := range words {
		if string(stored[w.name]) != string(w.data) {
			v.problem("segment %s: its list of terms %s does not agree with its postings", s.id, w.name)
		}
	}
	if p.problem != "" {
		v.problem("segment %s: %s", s.id, p.problem)
	}
	return nil
}

// prints are the fingerprints of a segment's chunks: sums of hashes, so that the
// order in which parts are met makes no difference.
type prints struct {
	table   *chunkTable
	sums    []uint64
	norms   []float32 // to check bounds; zero when they are not to be
	last    string    // term
	buf     []byte
	problem string // the first one
}

func newPrints(t *chunkTable) *prints {
	p := &prints{table: t, sums: make([]uint64, t.len()), norms: make([]float32, t.len())}
	for o := range p.sums {
		p.buf = binary.AppendUvarint(append(p.buf[:0], "length"...), uint64(t.title[o]))
		p.add(o, binary.AppendUvarint(p.buf, uint64(t.body[o])))
	}
	return p
}

func (p *prints) add(o int, data []byte) {
	h := fnv.New64a()
	_, _ = h.Write(data) // never fails
	p.sums[o] += h.Sum64()
	p.buf = data[:0]
}

// block adds the entries of a block, and shows each.
func (p *prints) block(b block, each func(entry) error) error {
	r := newBlockReader(b.data, b.positions)
	for r.next() {
		e := r.entry
		e.term, e.surface = string(r.term), r.surface()
		if p.last != "" && e.term <= p.last {
			p.complain("the term %q stands behind %q", e.term, p.last)
		}
		p.last = e.term
		if err := p.entry(e); err != nil {
			return fmt.Errorf("term %q: %w", e.term, err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return r.err
}

func (p *prints) entry(e entry) error {
	c, r := newCursor(e, p.table.len()), newPlaceReader([]entry{e}, p.table.len())
	n := 0
	for c.next() {
		n++
		r.seek(c.ordinal)
		r.read(c.ordinal)
		if len(r.body) != int(c.body) || len(r.title) != int(c.title) {
			return errCorrupt
		}
		if norm := p.norms[c.ordinal]; norm > 0 {
			tf := float32(c.body) + titleWeight*float32(c.title)
			if part := float64(tf / (tf + norm)); part > boundAt(e.bound, 1, 1)+roundingError {
				p.complain("the term %q gives chunk %d more than its bound says", e.term, p.table.number(c.ordinal))
			}
		}
		data := append(p.buf[:0], e.term...)
		for _, places := range [][]uint32{r.body, r.title} {
			data = append(data, 0)
			for _, at := range places {
				data = binary.AppendUvarint(data, uint64(at)+1)
			}
		}
		p.add(c.ordinal, data)
	}
	switch {
	case c.err != nil:
		return c.err
	case r.err() != nil:
		return r.err()
	case n != e.count:
		p.complain("the term %q is in %d chunks, its entry says %d", e.term, n, e.count)
	}
	return nil
}

// column adds the values of the documents, each to its document's first chunk.
func (p *prints) column(name string, c *column) {
	var buf [1]uint32
	for o := range p.table.len() {
		if !p.table.begins(o) {
			continue
		}
		for _, code := range c.codes(p.table.doc(o), &buf) {
			v := c.value(code)
			p.add(o, fmt.Appendf(p.buf[:0], "value %q %d %q", name, v.kind, v.String()))
		}
	}
}

func (p *prints) complain(format string, args ...any) {
	if p.problem == "" {
		p.problem = fmt.Sprintf(format, args...)
	}
}
