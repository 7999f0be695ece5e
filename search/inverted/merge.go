package inverted

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/curatore/curatore-go/content/database"
)

// errOvertaken means that another process has replaced the segments, or that
// this one took so long that its merge was given up by others.
var errOvertaken = errors.New("search index: the merge was overtaken")

const (
	mergeLease = 120     // seconds in which a merge must take its next step
	stepBytes  = 1 << 20 // written in one transaction
)

// Merge merges the segments of an organization until there are few, drops what
// is deleted from them, and removes what earlier merges left behind. It returns
// the number of segments that it replaced. When nothing is due it costs one
// query.
//
// Searches and changes go on meanwhile, here and in other processes: what is
// deleted during a merge is deleted in its result. The work is done in many
// short transactions of its own, so never call it inside one. Memory does not
// depend on the size of the index. When two processes merge the same
// organization, each takes different segments; one that stops halfway is
// replaced after two minutes.
func (x *Index) Merge(ctx context.Context, db *database.DB, organization string) (int, error) {
	replaced := 0
	for {
		m := &merge{index: x, db: db, organization: organization}
		due, err := m.due(ctx)
		if err != nil || !due {
			return replaced, err
		}
		if err := m.clean(ctx); err != nil {
			return replaced, err
		}
		if err := m.claim(ctx); err != nil || len(m.sources) == 0 {
			return replaced, err
		}
		err = m.run(ctx)
		switch {
		case err == nil:
			replaced += len(m.sources)
		case errors.Is(err, errOvertaken):
			err = nil
			fallthrough
		default:
			if err := errors.Join(err, m.giveUp(ctx)); err != nil {
				return replaced, err
			}
		}
	}
}

// A merge replaces some neighbouring segments by one.
type merge struct {
	index        *Index
	db           *database.DB
	organization string

	id      string
	sources []segmentRow
	deleted []*roaring.Bitmap // of each source, when the merge began
	maps    []ordinalMap      // of each source
	result  segmentRow
}

// due reports whether there is anything to merge or to remove.
func (m *merge) due(ctx context.Context) (due bool, err error) {
	err = m.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		segments, err := liveSegments(ctx, tx, m.organization)
		if err != nil {
			return err
		}
		merging, left, err := m.others(ctx, tx)
		due = len(left) > 0 || len(plan(segments, merging)) > 0
		return err
	})
	return due, err
}

// others returns the segments that are being merged, and those that are left
// over: dead ones, and results of merges that were given up.
func (m *merge) others(ctx context.Context, tx *database.Tx) (merging map[string]bool, left []string, err error) {
	merging = map[string]bool{}
	err = query(ctx, tx, func(rows *sql.Rows) error {
		var id string
		var sources sql.NullString
		var active bool
		if err := rows.Scan(&id, &sources, &active); err != nil {
			return err
		}
		if !active {
			left = append(left, id)
			return nil
		}
		for _, s := range strings.Split(sources.String, ",") {
			merging[s] = true
		}
		return nil
	}, `SELECT id, sources, state = 'building' AND lease_until > `+tx.Dialect().Now()+`
		FROM search_segments WHERE organization_id = ? AND state <> 'live'`, m.organization)
	if err != nil {
		return nil, nil, fmt.Errorf("search index: read merges: %w", err)
	}
	return merging, left, nil
}

// claim chooses the segments and writes down that they are being merged.
func (m *merge) claim(ctx context.Context) error { return m.claimBy(ctx, plan) }

func (m *merge) claimBy(ctx context.Context, plan func([]segmentRow, map[string]bool) []segmentRow) error {
	id, err := newID()
	if err != nil {
		return err
	}
	m.id = id
	return m.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := m.index.Writer(ctx, tx, m.organization); err != nil {
			return err
		}
		segments, err := liveSegments(ctx, tx, m.organization)
		if err != nil {
			return err
		}
		merging, _, err := m.others(ctx, tx)
		if err != nil {
			return err
		}
		m.sources = plan(segments, merging)
		if len(m.sources) == 0 {
			return nil
		}
		m.deleted = make([]*roaring.Bitmap, len(m.sources))
		ids := make([]string, len(m.sources))
		for i, s := range m.sources {
			ids[i] = s.id
			if m.deleted[i], err = readTombstones(ctx, tx, m.organization, s.id); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO search_segments
			(organization_id, id, state, first_number, last_number, chunks, documents, title_words, body_words, sources, lease_until)
			VALUES (?, ?, 'building', 0, 0, 0, 0, 0, 0, ?, `+tx.Dialect().After()+`)`,
			m.organization, m.id, strings.Join(ids, ","), mergeLease)
		if err != nil {
			return fmt.Errorf("search index: begin a merge: %w", err)
		}
		return nil
	})
}

// step runs a transaction of the merge and puts off the time when it counts as
// given up.
func (m *merge) step(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error {
	return m.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE search_segments SET lease_until = `+tx.Dialect().After()+`
			WHERE organization_id = ? AND id = ? AND state = 'building'`, mergeLease, m.organization, m.id)
		if err != nil {
			return fmt.Errorf("search index: go on with a merge: %w", err)
		}
		if n == 0 {
			return errOvertaken
		}
		return do(ctx, tx)
	})
}

func (m *merge) run(ctx context.Context) error {
	documents, err := m.mergeChunks(ctx)
	if err != nil {
		return err
	}
	if m.result.chunks > 0 {
		if err := m.mergeColumns(ctx, documents); err != nil {
			return err
		}
		if err := m.mergePostings(ctx); err != nil {
			return err
		}
	}
	return m.swap(ctx)
}

// swap makes the result live in place of its sources.
func (m *merge) swap(ctx context.Context) error {
	return m.step(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := m.index.Writer(ctx, tx, m.organization); err != nil {
			return err
		}
		// what was deleted since the merge began is in the result still
		late := roaring.New()
		for i, s := range m.sources {
			now, err := readTombstones(ctx, tx, m.organization, s.id)
			if err != nil {
				return err
			}
			now.AndNot(m.deleted[i])
			for it := now.Iterator(); it.HasNext(); {
				if o, ok := m.maps[i].ordinal(int(it.Next())); ok {
					late.Add(uint32(o))
				}
			}
		}
		for _, s := range m.sources {
			n, err := tx.Exec(ctx, "UPDATE search_segments SET state = 'dead' WHERE organization_id = ? AND id = ? AND state = 'live'", m.organization, s.id)
			if err != nil {
				return fmt.Errorf("search index: finish a merge: %w", err)
			}
			if n == 0 {
				return errOvertaken
			}
		}
		r, state := m.result, "live"
		if r.chunks == 0 {
			state = "dead"
		}
		_, err := tx.Exec(ctx, `UPDATE search_segments SET state = ?, first_number = ?, last_number = ?, chunks = ?,
			documents = ?, title_words = ?, body_words = ?, sources = NULL, lease_until = NULL
			WHERE organization_id = ? AND id = ?`,
			state, r.first, r.last, r.chunks, r.documents, r.title, r.body, m.organization, m.id)
		if err != nil {
			return fmt.Errorf("search index: finish a merge: %w", err)
		}
		if late.IsEmpty() {
			return nil
		}
		return writeTombstones(ctx, tx, m.organization, m.id, late)
	})
}

// giveUp marks the merge as one that nobody goes on with. It is a courtesy: what
// it does not reach is found when the lease runs out.
func (m *merge) giveUp(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return m.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE search_segments SET state = 'dead' WHERE organization_id = ? AND id = ? AND state = 'building'", m.organization, m.id)
		return err
	})
}

// clean removes the rows of segments that are no longer needed, in short
// transactions.
func (m *merge) clean(ctx context.Context) error {
	var left []string
	err := m.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE search_segments SET state = 'dead'
			WHERE organization_id = ? AND state = 'building' AND lease_until <= `+tx.Dialect().Now(), m.organization)
		if err != nil {
			return fmt.Errorf("search index: give up a merge: %w", err)
		}
		return tx.Select(ctx, &left, "SELECT id FROM search_segments WHERE organization_id = ? AND state = 'dead' ORDER BY id", m.organization)
	})
	if err != nil {
		return err
	}
	slices.Sort(left)
	for _, id := range left {
		for more := true; more; {
			err := m.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				more, err = removeSome(ctx, tx, m.organization, id)
				return err
			})
			if err != nil {
				return fmt.Errorf("search index: remove segment %s: %w", id, err)
			}
		}
	}
	return nil
}

// removeSome removes some blocks of a dead segment, or when there are none left
// the rest of it, and reports whether there is more to do.
func removeSome(ctx context.Context, tx *database.Tx, organization, id string) (more bool, err error) {
	var first sql.NullInt64
	err = tx.QueryRow(ctx, "SELECT min(block) FROM search_postings WHERE organization_id = ? AND segment_id = ?", organization, id).Scan(&first)
	if err != nil {
		return false, err
	}
	if first.Valid {
		_, err := tx.Exec(ctx, "DELETE FROM search_postings WHERE organization_id = ? AND segment_id = ? AND block < ?",
			organization, id, first.Int64+removeBlocks)
		return true, err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM search_columns WHERE organization_id = ? AND segment_id = ?", organization, id); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, "DELETE FROM search_segments WHERE organization_id = ? AND id = ? AND state = 'dead'", organization, id)
	return false, err
}

// removeBlocks is the number of blocks, of some kilobytes each, that are removed
// in one transaction.
const removeBlocks = 512
