package inverted

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
)

// readManifest reads the version of an organization's index, 0 for none, and the
// segments that searches see, in order of their chunks. It reads no segments when
// the version is the one known; 0 knows none.
func readManifest(ctx context.Context, tx *database.Tx, organization string, known int64) (version int64, segments []segmentRow, err error) {
	err = query(ctx, tx, func(rows *sql.Rows) error {
		var s segmentRow
		err := rows.Scan(&version, &s.id, &s.first, &s.last, &s.chunks, &s.documents, &s.title, &s.body, &s.deleted, &s.tombstones)
		if s.id != "" {
			segments = append(segments, s)
		}
		return err
	}, `SELECT x.version, COALESCE(s.id, ''), COALESCE(s.first_number, 0), COALESCE(s.last_number, 0), COALESCE(s.chunks, 0), COALESCE(s.documents, 0),
			COALESCE(s.title_words, 0), COALESCE(s.body_words, 0), COALESCE(s.deleted, 0), COALESCE(s.tombstone_version, 0)
		FROM search_indexes x LEFT JOIN search_segments s ON s.organization_id = x.organization_id AND s.state = 'live' AND x.version <> ?
		WHERE x.organization_id = ? ORDER BY s.first_number`, known, organization)
	if err != nil {
		return 0, nil, fmt.Errorf("search index: read segments: %w", err)
	}
	return version, segments, nil
}

// liveSegments is readManifest for whoever needs no version.
func liveSegments(ctx context.Context, tx *database.Tx, organization string) ([]segmentRow, error) {
	_, segments, err := readManifest(ctx, tx, organization, 0)
	return segments, err
}

// query runs a query and hands each row to scan.
func query(ctx context.Context, tx *database.Tx, scan func(*sql.Rows) error, text string, args ...any) error {
	rows, err := tx.Query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A tableReader reads the rows of one organization in one transaction.
type tableReader struct {
	tx           *database.Tx
	organization string
}

func (r *tableReader) columns(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	segments, names := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		segments[i], names[i] = k.segment, k.name
	}
	wanted, args := keyList(r.tx, []string{"segment_id TEXT", "name TEXT"}, segments, names)
	found := make(map[cacheKey][]byte, len(keys))
	err := query(ctx, r.tx, func(rows *sql.Rows) error {
		k := cacheKey{organization: r.organization}
		var data []byte
		err := rows.Scan(&k.segment, &k.name, &data)
		found[k] = data
		return err
	}, `SELECT c.segment_id, c.name, c.data FROM `+wanted+` CROSS JOIN search_columns c
		WHERE c.organization_id = ? AND c.segment_id = k.segment_id AND c.name = k.name`,
		append(args, r.organization)...)
	if err != nil {
		return nil, fmt.Errorf("search index: read columns: %w", err)
	}
	return found, nil
}

// blocks reads postings and positions, both of a block at once when both are
// wanted.
func (r *tableReader) blocks(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	const data, positions = 1, 2
	found := make(map[cacheKey][]byte, len(keys))
	what := make(map[cacheKey]int64, len(keys)) // by segment and block
	for _, k := range keys {
		column := int64(data)
		if k.name == positionBlock {
			column = positions
		}
		k.name = ""
		what[k] |= column
	}
	var segments []string
	var firsts, lasts, columns []int64 // of blocks that follow each other
	var last cacheKey
	for _, k := range slices.SortedFunc(maps.Keys(what), func(a, b cacheKey) int {
		return cmp.Or(strings.Compare(a.segment, b.segment), cmp.Compare(a.block, b.block))
	}) {
		if n := len(segments) - 1; n >= 0 && k.segment == last.segment && k.block == last.block+1 && what[k] == columns[n] {
			lasts[n]++
		} else {
			segments, firsts, lasts, columns = append(segments, k.segment), append(firsts, int64(k.block)), append(lasts, int64(k.block)), append(columns, what[k])
		}
		last = k
	}
	wanted, args := keyList(r.tx, []string{"segment_id TEXT", "first BIGINT", "last BIGINT", "what BIGINT"}, segments, firsts, lasts, columns)
	err := query(ctx, r.tx, func(rows *sql.Rows) error {
		k := cacheKey{organization: r.organization}
		var d, p []byte
		if err := rows.Scan(&k.segment, &k.block, &d, &p); err != nil {
			return err
		}
		w := what[k]
		if k.name = dataBlock; w&data != 0 {
			found[k] = d
		}
		if k.name = positionBlock; w&positions != 0 {
			found[k] = p
		}
		return nil
	}, `SELECT p.segment_id, p.block, CASE WHEN k.what <> 2 THEN p.data END, CASE WHEN k.what > 1 THEN p.positions END
		FROM `+wanted+` CROSS JOIN search_postings p
		WHERE p.organization_id = ? AND p.segment_id = k.segment_id AND p.block BETWEEN k.first AND k.last`,
		append(args, r.organization)...)
	if err != nil {
		return nil, fmt.Errorf("search index: read postings: %w", err)
	}
	return found, nil
}

func (r *tableReader) tombstones(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	segments, versions := make([]string, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		segments[i], versions[i] = k.segment, int64(k.block)
	}
	wanted, args := keyList(r.tx, []string{"id TEXT", "version BIGINT"}, segments, versions)
	found := make(map[cacheKey][]byte, len(segments))
	err := query(ctx, r.tx, func(rows *sql.Rows) error {
		k := cacheKey{organization: r.organization, name: deadName}
		var data []byte
		err := rows.Scan(&k.segment, &k.block, &data)
		found[k] = data
		return err
	}, `SELECT s.id, s.tombstone_version, s.tombstones FROM `+wanted+` CROSS JOIN search_segments s
		WHERE s.organization_id = ? AND s.id = k.id AND s.tombstone_version = k.version AND s.tombstones IS NOT NULL`,
		append(args, r.organization)...)
	if err != nil {
		return nil, fmt.Errorf("search index: read tombstones: %w", err)
	}
	return found, nil
}

// keyList stands for a list of keys k that is joined as a table: arrays on
// Postgres, JSON on SQLite. The text does not depend on the length of the list,
// so that the statement is prepared once. The columns are "name TYPE", each with
// a list of string or int64 of the same length.
func keyList(tx *database.Tx, columns []string, lists ...any) (text string, args []any) {
	var names, parts []string
	for i, c := range columns {
		name, kind, _ := strings.Cut(c, " ")
		names = append(names, name)
		if tx.Dialect().Name() == database.Postgres {
			parts, args = append(parts, "CAST(? AS "+kind+"[])"), append(args, pq.Array(lists[i]))
		} else {
			parts = append(parts, fmt.Sprintf("json_extract(value, '$[%d]') AS %s", i, name))
		}
	}
	if tx.Dialect().Name() == database.Postgres {
		return "unnest(" + strings.Join(parts, ", ") + ") AS k(" + strings.Join(names, ", ") + ")", args
	}
	data := []byte{'['}
	for i := range reflect.ValueOf(lists[0]).Len() {
		if i > 0 {
			data = append(data, ',')
		}
		for j, l := range lists {
			data = append(data, "[,"[min(j, 1)])
			switch l := l.(type) {
			case []string:
				quoted, _ := json.Marshal(l[i]) // a string always encodes
				data = append(data, quoted...)
			case []int64:
				data = strconv.AppendInt(data, l[i], 10)
			}
		}
		data = append(data, ']')
	}
	data = append(data, ']')
	return "(SELECT " + strings.Join(parts, ", ") + " FROM json_each(?)) AS k", []any{string(data)}
}

// insertColumns and insertBlocks write rows of a segment.
func insertColumns(ctx context.Context, tx *database.Tx, organization, segment string, columns []namedColumn) error {
	values := make([]any, 0, 4*len(columns))
	for _, c := range columns {
		values = append(values, organization, segment, c.name, c.data)
	}
	if err := tx.Load(ctx, "search_columns", []string{"organization_id", "segment_id", "name", "data"}, values); err != nil {
		return fmt.Errorf("search index: store columns: %w", err)
	}
	return nil
}

// A blockRow is a block with its number in the segment.
type blockRow struct {
	number int64
	block
}

func insertBlocks(ctx context.Context, tx *database.Tx, organization, segment string, blocks []blockRow) error {
	values := make([]any, 0, 5*len(blocks))
	for _, b := range blocks {
		if b.positions == nil {
			b.positions = []byte{} // nil would be NULL
		}
		values = append(values, organization, segment, b.number, b.data, b.positions)
	}
	if err := tx.Load(ctx, "search_postings", []string{"organization_id", "segment_id", "block", "data", "positions"}, values); err != nil {
		return fmt.Errorf("search index: store postings: %w", err)
	}
	return nil
}
