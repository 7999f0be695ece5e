package connectors

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// cleanUpChunk is how many records one transaction of a full sync deletes.
const cleanUpChunk = 500

// sawKeys adds the keys of a batch to what the run has seen of a stream, and
// returns those that it had seen before.
func (im *importing) sawKeys(ctx context.Context, tx *database.Tx, typ *content.Type, keys []string) ([]string, error) {
	set, err := im.Store.OpenSeen(ctx, tx, im.task.Run().ID, typ)
	if err != nil {
		return nil, err
	}
	return set.Add(ctx, tx, im.state.Batch, keys)
}

// cleanUp is the second half of a full sync: it deletes the records of a
// snapshot stream that the source does not have any more, if the snapshot can be
// trusted to be whole.
func (im *importing) cleanUp(ctx context.Context, s Stream) error {
	if s.Mode != Snapshot {
		return nil
	}
	counts := im.result.counts(s.Type.Name())
	if counts.Seen == 0 {
		// An object without records looks just like one that was not exported.
		// No flag overrides this.
		return nil
	}
	var set store.Seen
	if err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		set, err = im.Store.OpenSeen(ctx, tx, im.task.Run().ID, s.Type)
		return err
	}); err != nil {
		return err
	}
	live, unseen, err := im.unseen(ctx, s.Type, counts, set)
	if err != nil {
		return err
	}
	if unseen > 0 {
		if why := im.guard(s, live, unseen); why != "" {
			counts.Note = why
			im.task.Warn(jobs.EventFullSyncCleanup, fmt.Sprintf("%s: %d records are not in the source any more, but nothing was deleted: %s", s.Type.Plural(), unseen, why),
				map[string]any{"type": s.Type.Name(), "count": 0, "missing": unseen})
		} else if err := im.prune(ctx, s.Type, set); err != nil {
			return err
		}
	}
	for more := true; more; {
		if err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			more, err = set.Drop(ctx, tx)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// unseen counts the live records, and those that are not in the set. When there
// are as many as the run has met, and it has deleted none, then none is missing
// and the keys need not be compared.
func (im *importing) unseen(ctx context.Context, typ *content.Type, counts *Counts, set store.Seen) (live, unseen int64, err error) {
	met := counts.Updated + counts.Unchanged
	if !im.options.DryRun {
		met += counts.Created
	}
	if live, err = im.Store.Live(ctx, im.scope, typ, im.options.Instance); err != nil || (live == met && counts.Deleted == 0) {
		return live, 0, err
	}
	return im.Store.Unseen(ctx, im.scope, typ, im.options.Instance, set)
}

// guard returns why a snapshot must not delete what it lacks, or "".
func (im *importing) guard(s Stream, live, unseen int64) string {
	if im.options.Force {
		return ""
	}
	if s.Incomplete != nil {
		if why := s.Incomplete(); why != "" {
			return why + "; import all of it, or use force"
		}
	}
	if share := float64(unseen) / float64(live); share > im.c.maxDelete() {
		return fmt.Sprintf("that is %.0f%% of %d, more than %.0f%%; if it is right, use force", 100*share, live, 100*im.c.maxDelete())
	}
	return ""
}

// prune deletes what is not in the set.
func (im *importing) prune(ctx context.Context, typ *content.Type, set store.Seen) error {
	before := map[string]int64{}
	for name, c := range im.result.Streams {
		before[name] = c.Deleted
	}
	var blocked int
	err := im.Store.EachUnseen(ctx, im.scope, typ, im.options.Instance, set, cleanUpChunk, func(ctx context.Context, ids []string) error {
		change := func(ctx context.Context, tx *database.Tx) error {
			kept, err := im.deleteRecords(ctx, tx, typ, ids)
			blocked += kept
			return err
		}
		if im.options.DryRun {
			return im.tryOut(ctx, change)
		}
		return im.task.Commit(ctx, change)
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(im.result.Streams)) {
		if n := im.result.Streams[name].Deleted - before[name]; n > 0 {
			im.task.Info(jobs.EventFullSyncCleanup, fmt.Sprintf("%d %s deleted: not in the source any more", n, name), map[string]any{"type": name, "count": n})
		}
	}
	if blocked > 0 {
		im.result.counts(typ.Name()).Note = fmt.Sprintf("%d stay because records below them would be left behind", blocked)
		im.task.Warn(jobs.EventFullSyncCleanup, fmt.Sprintf("%d %s stay: records below them block their deletion", blocked, typ.Plural()),
			map[string]any{"type": typ.Name(), "blocked": blocked})
	}
	return nil
}

// delete deletes records by id, their chunks with them.
func (im *importing) delete(ctx context.Context, tx *database.Tx, typ *content.Type, ids []string) error {
	_, err := im.deleteRecords(ctx, tx, typ, ids)
	return err
}

func (im *importing) deleteRecords(ctx context.Context, tx *database.Tx, typ *content.Type, ids []string) (blocked int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	d, err := im.Store.Delete(ctx, tx, im.scope, typ, ids)
	if err != nil {
		return 0, err
	}
	for _, gone := range d.ByParent {
		im.result.counts(gone.Type.Name()).Deleted += int64(len(gone.IDs))
		if im.Index != nil {
			if _, err := im.Index.Delete(ctx, tx, im.scope, gone.Type.Name(), gone.IDs); err != nil {
				return 0, err
			}
		}
	}
	return len(d.Blocked), nil
}
