package inverted

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content/database"
)

// A Writer changes the index of one organization in one transaction. While it
// lives, that is until the transaction ends, other writers of the organization
// wait. Like the transaction it is not safe for concurrent use.
type Writer struct {
	index        *Index
	tx           *database.Tx
	organization string
	next         int64 // number of the next chunk
}

// Writer begins to change the index of an organization. Call it before reading
// anything that the change depends on, such as the chunks to be deleted.
func (x *Index) Writer(ctx context.Context, tx *database.Tx, organization string) (*Writer, error) {
	w := &Writer{index: x, tx: tx, organization: organization}
	// random, so that no state comes under the version of another one, not even
	// when a transaction was rolled back or the database is a restored one
	version := newVersion()
	err := tx.QueryRow(ctx, `INSERT INTO search_indexes (organization_id, next_number, version) VALUES (?, 1, ?)
		ON CONFLICT (organization_id) DO UPDATE SET version = excluded.version
		RETURNING next_number`, organization, version).Scan(&w.next)
	if err != nil {
		return nil, fmt.Errorf("search index: begin a change: %w", err)
	}
	return w, nil
}

// Add stores a segment and returns the number of its first chunk; the others
// follow it without gaps. A segment can be added once.
func (w *Writer) Add(ctx context.Context, s *Segment) (first int64, err error) {
	first = w.next
	if s.Chunks() == 0 {
		return first, nil
	}
	id, err := newID()
	if err != nil {
		return 0, err
	}
	row := segmentRow{id: id, first: first, last: first + int64(s.Chunks()) - 1, chunks: s.Chunks(),
		documents: s.documents, title: s.chunks.title, body: s.chunks.body}
	if err := insertSegment(ctx, w.tx, w.organization, row); err != nil {
		return 0, err
	}
	firsts := make([]string, len(s.blocks))
	blocks := make([]blockRow, len(s.blocks))
	for i, b := range s.blocks {
		firsts[i] = b.first
		blocks[i] = blockRow{int64(i), b}
	}
	columns := append([]namedColumn{{chunksColumn, s.chunks.encode()}, {termsColumn, encodeStrings(firsts)}}, s.columns...)
	if err := insertColumns(ctx, w.tx, w.organization, id, columns); err != nil {
		return 0, err
	}
	if err := insertBlocks(ctx, w.tx, w.organization, id, blocks); err != nil {
		return 0, err
	}
	w.next = row.last + 1
	_, err = w.tx.Exec(ctx, "UPDATE search_indexes SET next_number = ? WHERE organization_id = ?", w.next, w.organization)
	if err != nil {
		return 0, fmt.Errorf("search index: number chunks: %w", err)
	}
	return first, nil
}

func insertSegment(ctx context.Context, tx *database.Tx, organization string, s segmentRow) error {
	_, err := tx.Exec(ctx, `INSERT INTO search_segments
		(organization_id, id, state, first_number, last_number, chunks, documents, title_words, body_words)
		VALUES (?, ?, 'live', ?, ?, ?, ?, ?, ?)`,
		organization, s.id, s.first, s.last, s.chunks, s.documents, s.title, s.body)
	if err != nil {
		return fmt.Errorf("search index: store segment: %w", err)
	}
	return nil
}

func newVersion() int64 { return 1 + rand.Int64N(1<<62) }

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("search index: make an id: %w", err)
	}
	return id.String(), nil
}

// Delete takes chunks out of the index, given by number. All chunks of a document
// are to be deleted together. Numbers that are not there are ignored. It returns
// the number of chunks deleted.
func (w *Writer) Delete(ctx context.Context, numbers []int64) (int, error) {
	if len(numbers) == 0 {
		return 0, nil
	}
	numbers = slices.Compact(slices.Sorted(slices.Values(numbers)))
	v, err := w.index.View(ctx, w.tx, w.organization)
	if err != nil {
		return 0, err
	}
	var concerned []segmentRow
	for _, s := range v.segments {
		if i, _ := slices.BinarySearch(numbers, s.first); i < len(numbers) && numbers[i] <= s.last {
			concerned = append(concerned, s)
		}
	}
	tables, err := v.tables(ctx, concerned)
	if err != nil {
		return 0, err
	}
	deleted := 0
	for i, s := range concerned {
		n, err := w.bury(ctx, s, tables[i], numbers)
		if err != nil {
			return 0, err
		}
		deleted += n
	}
	return deleted, nil
}

// bury sets the tombstones of the numbers that a segment holds.
func (w *Writer) bury(ctx context.Context, s segmentRow, table *chunkTable, numbers []int64) (int, error) {
	set, err := readTombstones(ctx, w.tx, w.organization, s.id)
	if err != nil {
		return 0, err
	}
	before := int(set.GetCardinality())
	from, _ := slices.BinarySearch(numbers, s.first)
	for _, n := range numbers[from:] {
		if n > s.last {
			break
		}
		if o, ok := table.ordinal(n); ok {
			set.Add(uint32(o))
		}
	}
	after := int(set.GetCardinality())
	if after == before {
		return 0, nil
	}
	return after - before, writeTombstones(ctx, w.tx, w.organization, s.id, set)
}

// readTombstones does without the cache: what a transaction has changed and may
// take back must not get in there.
func readTombstones(ctx context.Context, tx *database.Tx, organization, segment string) (*roaring.Bitmap, error) {
	var data []byte
	err := tx.QueryRow(ctx, "SELECT tombstones FROM search_segments WHERE organization_id = ? AND id = ?", organization, segment).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("search index: read tombstones of segment %s: %w", segment, err)
	}
	set := roaring.New()
	if len(data) > 0 {
		if err := set.UnmarshalBinary(data); err != nil {
			return nil, fmt.Errorf("search index: tombstones of segment %s: %w", segment, errors.Join(errCorrupt, err))
		}
	}
	return set, nil
}

func writeTombstones(ctx context.Context, tx *database.Tx, organization, segment string, set *roaring.Bitmap) error {
	set.RunOptimize()
	data, err := set.ToBytes()
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE search_segments SET deleted = ?, tombstones = ?, tombstone_version = ?
			WHERE organization_id = ? AND id = ?`, int(set.GetCardinality()), data, newVersion(), organization, segment)
	}
	if err != nil {
		return fmt.Errorf("search index: delete from segment %s: %w", segment, err)
	}
	return nil
}
