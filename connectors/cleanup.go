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
// returns those that it had seen before. Tombstones count as seen: they are
// deleted for themselves, or stay because of records below them.
func (im *importing) sawKeys(ctx context.Context, tx *database.Tx, s Stream, todo *sorted) ([]string, error) {
	set := im.seen
	if s.Mode != Snapshot { // a part of it, which has a set of its own
		var err error
		if set, err = im.Store.OpenSeen(ctx, tx, im.task.Run().ID, s.Type); err != nil {
			return nil, err
		}
	}
	return set.Add(ctx, tx, im.state.Batch, slices.Concat(todo.keys, todo.gone))
}

// cleanUp is the second half of a full sync: it deletes the records of snapshot
// streams that the source does not have any more, as far as a snapshot can be
// trusted to be whole.
func (im *importing) cleanUp(ctx context.Context, streams []Stream) error {
	var todo []stale
	for _, s := range slices.Backward(streams) { // children first: they may block their parents
		if s.Mode != Snapshot {
			continue
		}
		set, err := im.openSeen(ctx, im.task.Run().ID, s.Type)
		if err != nil {
			return err
		}
		st := stale{s.Type, set, slices.Contains(im.state.Cleaned, s.Type.Name())}
		if !st.done {
			if st.done, err = im.keepAll(ctx, s, set); err != nil {
				return err
			}
		}
		todo = append(todo, st)
	}
	before := map[string]int64{}
	for name, c := range im.result.Streams {
		before[name] = c.Deleted
	}
	if err := im.deleteStale(ctx, todo); err != nil {
		return err
	}
	verb := "deleted"
	if im.options.DryRun {
		verb = "would be deleted"
	}
	for _, name := range slices.Sorted(maps.Keys(im.result.Streams)) {
		if n := im.result.Streams[name].Deleted - before[name]; n > 0 {
			im.task.Info(jobs.EventFullSyncCleanup, fmt.Sprintf("%d %s %s: not in the source any more", n, name, verb), map[string]any{"type": name, "count": n})
		}
	}
	// Not before all is done, and written down as done, also where nothing was to be
	// deleted: a set that is half gone would let the rest of it be deleted by whoever
	// goes on after a crash.
	if err := im.cleaned(ctx, todo); err != nil {
		return err
	}
	for _, st := range todo {
		if err := im.drop(ctx, st.set); err != nil {
			return err
		}
	}
	return nil
}

// cleaned writes down that the clean-up is done.
func (im *importing) cleaned(ctx context.Context, todo []stale) error {
	before := len(im.state.Cleaned)
	for _, st := range todo {
		if name := st.typ.Name(); !slices.Contains(im.state.Cleaned, name) {
			im.state.Cleaned = append(im.state.Cleaned, name)
		}
	}
	if im.options.DryRun || len(im.state.Cleaned) == before {
		return nil
	}
	return im.task.Commit(ctx, func(context.Context, *database.Tx) error {
		im.task.SetCheckpoint(im.state)
		return nil
	})
}

// stale are the records of a type that are not in a set of keys.
type stale struct {
	typ  *content.Type
	set  store.Seen
	done bool
}

// keepAll reports whether nothing of a type is to be deleted, and says so when
// something would have been.
func (im *importing) keepAll(ctx context.Context, s Stream, set store.Seen) (bool, error) {
	counts := im.result.counts(s.Type.Name())
	taken := counts.Created + counts.Updated + counts.Unchanged
	if counts.Seen == 0 {
		// An object without records looks just like one that was not exported.
		// No flag overrides this.
		return true, nil
	}
	live, unseen, err := im.unseen(ctx, s.Type, counts, set)
	if err != nil {
		return false, err
	}
	if unseen == 0 {
		return true, nil
	}
	reason := "none of the records could be read" // nor does a flag override this
	if taken > 0 {
		reason = im.guard(s, live, unseen)
	}
	if reason == "" {
		return false, nil
	}
	im.note(s.Type, reason)
	im.task.Warn(jobs.EventFullSyncCleanup, fmt.Sprintf("%s: %d records are not in the source any more, but nothing was deleted: %s", s.Type.Plural(), unseen, reason),
		map[string]any{"type": s.Type.Name(), "count": 0, "missing": unseen})
	return true, nil
}

// unseen counts the live records, and those that are not in the set. When there
// are as many as the run has met, and it has deleted none, then none is missing
// and the keys need not be compared.
func (im *importing) unseen(ctx context.Context, typ *content.Type, counts *Counts, set store.Seen) (live, unseen int64, err error) {
	if !im.options.DryRun && groupOf(im.c.spec.Types, typ) == "" {
		met := counts.Created + counts.Updated + counts.Unchanged
		if live, err = im.Store.Live(ctx, im.scope, typ, im.options.Instance); err != nil || live == met && counts.Deleted == 0 {
			return live, 0, err
		}
	}
	live, unseen, err = im.Store.Unseen(ctx, im.scope, typ, im.options.Instance, set)
	if im.options.DryRun { // nothing has been written
		live += counts.Created - counts.Deleted
	}
	return live, unseen, err
}

func (im *importing) note(typ *content.Type, text string) {
	counts := im.result.counts(typ.Name())
	if counts.Note != "" {
		text = counts.Note + "; " + text
	}
	counts.Note = text
}

// guard returns why a snapshot must not delete what it lacks, or "".
func (im *importing) guard(s Stream, live, unseen int64) string {
	if im.options.Force {
		return ""
	}
	if reason := why(s); reason != "" {
		return reason + "; import all of it, or use force"
	}
	if n := im.state.Nameless[s.Type.Name()]; n > 0 {
		return fmt.Sprintf("they may be the %d whose key could not be read; mend these, or use force", n)
	}
	if share := float64(unseen) / float64(live); share > im.c.maxDelete() {
		return fmt.Sprintf("that is %.0f%% of %d, more than %.0f%%; if it is right, use force", 100*share, live, 100*im.c.maxDelete())
	}
	return ""
}

// deleteStale deletes what is left of tombstones, then what is stale, and writes
// down how far it is. A dry run does it all in one transaction that is rolled
// back, since one deletion may make room for another; that holds up other
// writers for as long as it takes.
func (im *importing) deleteStale(ctx context.Context, todo []stale) error {
	if !im.options.DryRun {
		return im.deleteAll(ctx, todo, func(ctx context.Context, do func(context.Context, *database.Tx) error) error {
			return im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
				if err := im.lockIndex(ctx, tx); err != nil {
					return err
				}
				if err := do(ctx, tx); err != nil {
					return err
				}
				im.task.SetCheckpoint(im.state)
				return nil
			})
		})
	}
	if len(im.state.Blocked) == 0 && !slices.ContainsFunc(todo, func(st stale) bool { return !st.done }) {
		return nil
	}
	return im.tryOut(ctx, func(ctx context.Context, tx *database.Tx) error {
		return im.deleteAll(ctx, todo, func(ctx context.Context, do func(context.Context, *database.Tx) error) error { return do(ctx, tx) })
	})
}

func (im *importing) deleteAll(ctx context.Context, todo []stale, commit store.Write) error {
	if err := im.deleteBlocked(ctx, commit); err != nil {
		return err
	}
	for _, st := range todo {
		if st.done {
			continue
		}
		blocked := 0
		err := im.Store.EachUnseen(ctx, im.scope, st.typ, im.options.Instance, st.set, cleanUpChunk, func(ctx context.Context, ids []string) error {
			return commit(ctx, func(ctx context.Context, tx *database.Tx) error {
				kept, err := im.delete(ctx, tx, st.typ, ids)
				blocked += len(kept)
				return err
			})
		})
		if err != nil {
			return err
		}
		im.stay(st.typ, blocked)
		if err := commit(ctx, func(context.Context, *database.Tx) error {
			im.state.Cleaned = append(im.state.Cleaned, st.typ.Name())
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// deleteBlocked deletes the tombstones that records below them had kept, which
// may be gone by now.
func (im *importing) deleteBlocked(ctx context.Context, commit store.Write) error {
	for _, typ := range slices.Backward(im.c.spec.Types) {
		ids := im.state.Blocked[typ.Name()]
		if len(ids) == 0 {
			continue
		}
		if err := commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			kept, err := im.delete(ctx, tx, typ, ids)
			im.stay(typ, len(kept))
			delete(im.state.Blocked, typ.Name())
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// stay tells how many records were not deleted because of records below them.
func (im *importing) stay(typ *content.Type, blocked int) {
	if blocked == 0 {
		return
	}
	im.note(typ, fmt.Sprintf("%d stay because records below them would be left behind", blocked))
	im.task.Warn(jobs.EventFullSyncCleanup, fmt.Sprintf("%d %s stay: records below them block their deletion", blocked, typ.Plural()),
		map[string]any{"type": typ.Name(), "blocked": blocked})
}

// delete deletes records by id, their chunks with them, and returns those that
// stay because of records below them.
func (im *importing) delete(ctx context.Context, tx *database.Tx, typ *content.Type, ids []string) (blocked []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	d, err := im.Store.Delete(ctx, tx, im.scope, typ, ids)
	if err != nil {
		return nil, err
	}
	for _, gone := range d.ByParent {
		im.result.counts(gone.Type.Name()).Deleted += im.newlyGone(gone.IDs)
		if im.Index == nil || im.options.DryRun {
			continue
		}
		if _, err := im.Index.Delete(ctx, tx, im.scope, gone.Type.Name(), gone.IDs); err != nil {
			return nil, err
		}
	}
	return d.Blocked, nil
}

// newlyGone counts deletions. A dry run takes each back, so that it may meet a
// record again: with its parent and for itself.
func (im *importing) newlyGone(ids []string) (n int64) {
	if !im.options.DryRun {
		return int64(len(ids))
	}
	if im.gone == nil {
		im.gone = map[string]bool{}
	}
	for _, id := range ids {
		if !im.gone[id] {
			im.gone[id] = true
			n++
		}
	}
	return n
}
