package inverted

import (
	"context"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content/database"
)

// An ordinalMap tells where the chunks of a source stand in the result.
type ordinalMap struct {
	base int     // of the first chunk, when none was deleted
	new  []int32 // of each chunk, -1 for deleted ones; nil when none was deleted
}

func (m ordinalMap) ordinal(o int) (int, bool) {
	if m.new == nil {
		return m.base + o, true
	}
	return int(m.new[o]), m.new[o] >= 0
}

// mergeChunks writes the table of chunks, and returns for each source where its
// documents stand in the result, -1 for deleted ones.
func (m *merge) mergeChunks(ctx context.Context) ([][]int32, error) {
	var tables []*chunkTable
	err := m.read(ctx, func(v *View) (err error) {
		tables, err = v.tables(ctx, m.sources)
		return err
	})
	if err != nil {
		return nil, err
	}
	var b chunkTableBuilder
	documents := make([][]int32, len(m.sources))
	m.maps = make([]ordinalMap, len(m.sources))
	for i, t := range tables {
		m.maps[i].base = b.chunks
		if !m.deleted[i].IsEmpty() {
			m.maps[i].new = make([]int32, t.len())
		}
		documents[i] = make([]int32, t.documents)
		for d := range documents[i] {
			documents[i][d] = -1
		}
		for o := range t.len() {
			if m.deleted[i].Contains(uint32(o)) {
				m.maps[i].new[o] = -1
				continue
			}
			if m.maps[i].new != nil {
				m.maps[i].new[o] = int32(b.chunks)
			}
			d := t.doc(o)
			begins := documents[i][d] < 0
			if begins {
				documents[i][d] = int32(b.documents)
			}
			b.add(t.number(o), begins, int(t.title[o]), int(t.body[o]))
		}
	}
	m.result = segmentRow{id: m.id, first: b.first, last: b.last, chunks: b.chunks, documents: b.documents, title: b.title, body: b.body}
	if b.chunks == 0 {
		return nil, nil
	}
	return documents, m.writeColumns(ctx, []namedColumn{{chunksColumn, b.encode()}})
}

// mergeColumns writes the values of the documents.
func (m *merge) mergeColumns(ctx context.Context, documents [][]int32) error {
	var names []string
	err := m.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		ids := make([]string, len(m.sources))
		for i, s := range m.sources {
			ids[i] = s.id
		}
		wanted, args := keyList(tx, []string{"id TEXT"}, ids)
		return tx.Select(ctx, &names, `SELECT DISTINCT c.name FROM `+wanted+` CROSS JOIN search_columns c
			WHERE c.organization_id = ? AND c.segment_id = k.id AND c.name NOT LIKE '#%' ORDER BY c.name`, append(args, m.organization)...)
	})
	if err != nil {
		return fmt.Errorf("search index: read names: %w", err)
	}
	together := 1 // columns of few documents are read and written many at a time
	if m.result.documents <= smallMerge {
		together = 32
	}
	for names := range slices.Chunk(names, together) {
		var rows []namedColumn
		err := m.read(ctx, func(v *View) error {
			columns, err := v.column(ctx, names)
			if err != nil {
				return err
			}
			for _, name := range names {
				b := newColumnBuilder()
				for i, c := range columns[name] {
					if c != nil {
						b.copy(c, documents[i])
					}
				}
				if len(b.values) > 0 {
					rows = append(rows, namedColumn{name, b.encode(m.result.documents)})
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := m.writeColumns(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// smallMerge is the number of documents up to which the columns of a merge are
// not worth a transaction each.
const smallMerge = 4096

// copy adds the values of a column under the new ordinals of its documents.
func (b *columnBuilder) copy(c *column, documents []int32) {
	ids := make([]uint32, c.distinct()+1) // 1 + the id of each code, once it is needed
	var buf [1]uint32
	for old, doc := range documents {
		if doc < 0 {
			continue
		}
		for _, code := range c.codes(old, &buf) {
			if ids[code] == 0 {
				ids[code] = b.id(c.value(code)) + 1
			}
			b.add(int(doc), ids[code]-1)
		}
	}
}

func (m *merge) writeColumns(ctx context.Context, columns []namedColumn) error {
	return m.step(ctx, func(ctx context.Context, tx *database.Tx) error {
		return insertColumns(ctx, tx, m.organization, m.id, columns)
	})
}

// read gives a view of the sources. What it reads is not kept: a merge would push
// out what searches need.
func (m *merge) read(ctx context.Context, do func(*View) error) error {
	return m.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return do(&View{organization: m.organization, segments: m.sources, read: &tableReader{tx, m.organization}, cache: newCache(0)})
	})
}
