package inverted

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
)

// mergePostings writes the postings of all sources, term by term.
func (m *merge) mergePostings(ctx context.Context) error {
	var firsts []string
	var rows []blockRow
	var columns []namedColumn
	size := 0
	flush := func() error {
		blocks, pieces := rows, columns
		rows, columns, size = nil, nil, 0
		return m.step(ctx, func(ctx context.Context, tx *database.Tx) error {
			if err := insertColumns(ctx, tx, m.organization, m.id, pieces); err != nil {
				return err
			}
			return insertBlocks(ctx, tx, m.organization, m.id, blocks)
		})
	}
	out := blockWriter{full: func(b block) error {
		rows = append(rows, blockRow{int64(len(firsts)), b})
		firsts = append(firsts, b.first)
		if size += len(b.data) + len(b.positions); size >= stepBytes {
			return flush()
		}
		return nil
	}}
	words := dictionaryWriter{full: func(name string, data []byte) error {
		columns = append(columns, namedColumn{name, data})
		size += len(data)
		return nil
	}}
	average := averageLength(m.result.body, m.result.title, m.result.chunks)
	sources := make([]*postingsSource, len(m.sources))
	for i := range sources {
		s := &postingsSource{merge: m, segment: m.sources[i], ordinals: m.maps[i], window: max(2, readBlocks/len(m.sources))}
		if err := s.next(ctx); err != nil {
			return err
		}
		sources[i] = s
	}
	var w postingsWriter
	for {
		term, found := "", false
		for _, s := range sources {
			if !s.done && (!found || string(s.reader.term) < term) {
				term, found = string(s.reader.term), true
			}
		}
		if !found {
			break
		}
		w.reset()
		surface, most, bound := "", 0, byte(0)
		for _, s := range sources {
			if s.done || string(s.reader.term) != term {
				continue
			}
			if n, word := s.reader.entry.count, cmp.Or(s.reader.surface(), term); n > most || n == most && word < surface {
				surface, most = word, n
			}
			own := averageLength(s.segment.body, s.segment.title, s.segment.chunks)
			bound = max(bound, boundOf(float32(boundAt(s.reader.entry.bound, own, average))+roundingError))
			if err := s.appendTo(&w); err != nil {
				return err
			}
			if err := s.next(ctx); err != nil {
				return err
			}
		}
		if w.count == 0 {
			continue
		}
		e, err := w.entry(term, surface, bound, m.result.chunks)
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
	if err := out.flush(); err != nil {
		return err
	}
	if err := words.finish(); err != nil {
		return err
	}
	columns = append(columns, namedColumn{termsColumn, encodeStrings(firsts)})
	return flush()
}

// readBlocks is the number of blocks, of all sources together, that are in memory
// at once.
const readBlocks = 1024

// A postingsSource walks the terms of a source, some blocks at a time.
type postingsSource struct {
	merge    *merge
	segment  segmentRow
	ordinals ordinalMap
	window   int // blocks read at once

	reader  *blockReader // at the term at hand
	pending []block
	read    int // blocks read so far
	done    bool
}

// next goes on to the next term.
func (s *postingsSource) next(ctx context.Context) error {
	for {
		if s.reader != nil {
			if s.reader.next() {
				return nil
			}
			if s.reader.err != nil {
				return fmt.Errorf("search index: segment %s: %w", s.segment.id, s.reader.err)
			}
		}
		if len(s.pending) == 0 {
			if err := s.fill(ctx); err != nil {
				return err
			}
			if len(s.pending) == 0 {
				s.reader, s.done = nil, true
				return nil
			}
		}
		s.reader = newBlockReader(s.pending[0].data, s.pending[0].positions)
		s.pending = s.pending[1:]
	}
}

// fill reads the next blocks.
func (s *postingsSource) fill(ctx context.Context) error {
	return s.merge.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		live := false
		err := query(ctx, tx, func(rows *sql.Rows) error {
			var b block
			err := rows.Scan(&b.data, &b.positions)
			if live = true; b.data != nil {
				s.pending = append(s.pending, b)
			}
			return err
		}, `SELECT p.data, p.positions
			FROM search_segments s LEFT JOIN search_postings p ON p.organization_id = s.organization_id AND p.segment_id = s.id AND p.block >= ? AND p.block < ?
			WHERE s.organization_id = ? AND s.id = ? AND s.state = 'live' ORDER BY p.block`,
			s.read, s.read+s.window, s.merge.organization, s.segment.id)
		s.read += len(s.pending)
		if err != nil {
			return fmt.Errorf("search index: read postings: %w", err)
		}
		if !live { // it was replaced by others, and its blocks may be gone
			return errOvertaken
		}
		return nil
	})
}

// appendTo adds the postings of the term at hand under their new ordinals.
func (s *postingsSource) appendTo(w *postingsWriter) error {
	e := s.reader.entry
	if s.ordinals.new == nil && !e.dense {
		return w.shift(e, s.ordinals.base, s.segment.chunks)
	}
	c, p := newCursor(e, s.segment.chunks), positionReader{data: e.positions}
	for c.next() {
		before := p.data
		p.skip(c.body + c.title)
		if p.err != nil {
			return p.err
		}
		if o, ok := s.ordinals.ordinal(c.ordinal); ok {
			w.add(o, c.body, c.title)
			w.positions = append(w.positions, before[:len(before)-len(p.data)]...)
		}
	}
	return c.err
}

// shift appends a term's postings with all ordinals moved. Only the first
// distance changes; the rest is copied.
func (w *postingsWriter) shift(e entry, base, chunks int) error {
	code, n := binary.Uvarint(e.data)
	if n <= 0 {
		return errCorrupt
	}
	last := -1
	for c := newCursor(e, chunks); ; last = c.ordinal {
		if !c.next() {
			if c.err != nil {
				return c.err
			}
			break
		}
	}
	first := base + int(code>>2)
	w.data = binary.AppendUvarint(w.data, uint64(first-w.last-1)<<2|code&3)
	w.data = append(w.data, e.data[n:]...)
	w.positions = append(w.positions, e.positions...)
	w.count += e.count
	w.last = base + last
	return nil
}
