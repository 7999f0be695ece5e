package connectors

import (
	"context"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A Part is a piece of a source that an incremental stream reads for itself: one
// of several libraries, whose change log was lost so that all of it is listed
// anew. Between PartBegins and PartComplete the stream gives all records of the
// part, and what it does not give is deleted, under the guards of a full sync.
// One part is open at a time. One that was begun by another run deletes nothing:
// begin it again when Input.Run differs.
//
// PartFailed says that a part cannot be read. Its records stay, the run goes on.
type Part struct {
	Name  string    `json:"name"` // for people
	Field string    `json:"field"`
	Value string    `json:"value"` // its records are those whose Field has this value
	State PartState `json:"state"`
	Err   error     `json:"-"` // why it failed
}

// A PartState says what a [Part] stands for.
type PartState string

// The states of a part.
const (
	PartBegins   PartState = "begins"
	PartComplete PartState = "complete"
	PartFailed   PartState = "failed"
)

// Skipped is a part of the source that could not be read.
type Skipped struct {
	Part   string `json:"part"`
	Reason string `json:"reason"`
}

// name is what positions are kept by.
func (s Stream) name() string {
	if s.Name != "" {
		return s.Name
	}
	if s.Type == nil {
		return ""
	}
	return s.Type.Name()
}

// isMark reports whether a record is none, but tells where the stream stands.
func (r *Record) isMark() bool {
	return r.Part != nil || r.Position != nil && r.Row == nil && r.Read == nil && r.Err == nil && !r.Deleted
}

// mark does what a mark says, and keeps the position behind it.
func (im *importing) mark(ctx context.Context, s Stream, r *Record) error {
	var done *store.Seen
	if p := r.Part; p != nil {
		var err error
		if done, err = im.part(ctx, s, *p); err != nil {
			return err
		}
	}
	if r.Position != nil {
		im.state.Position = r.Position.String()
	}
	if im.options.DryRun {
		return nil
	}
	if err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		if s.Mode == Incremental {
			if err := im.savePosition(ctx, tx, s.name(), im.state.Position); err != nil {
				return err
			}
		}
		im.task.SetCheckpoint(im.state)
		return nil
	}); err != nil || done == nil {
		return err
	}
	return im.drop(ctx, *done) // not before: whoever goes on after a crash compares with it once more
}

// dropParts removes the keys of parts that a crash has left.
func (im *importing) dropParts(ctx context.Context, streams []Stream) error {
	for _, s := range streams {
		if s.Mode != Incremental || !slices.Contains(im.state.Parted, s.Type.Name()) {
			continue
		}
		set, err := im.openSeen(ctx, im.task.Run().ID, s.Type)
		if err == nil {
			err = im.drop(ctx, set)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// part begins or ends a part. When it is complete it returns the keys that were
// compared.
func (im *importing) part(ctx context.Context, s Stream, p Part) (*store.Seen, error) {
	if p.State == PartFailed {
		reason := storable(fmt.Sprint(p.Err), 2*maxShown)
		if len(im.result.Skipped) < maxListed {
			im.result.Skipped = append(im.result.Skipped, Skipped{storable(p.Name, maxShown), reason})
		}
		im.task.Warn(jobs.EventError, fmt.Sprintf("%s cannot be read, its %s stay as they are: %s", p.Name, s.Type.Plural(), reason), map[string]any{"part": p.Name, "reason": reason})
		im.state.Part = nil
		return nil, nil
	}
	field, ok := s.Type.Field(p.Field)
	if s.Mode != Incremental || !ok || field.Kind != content.String {
		return nil, fmt.Errorf("%w: the stream of %s marks a part by %q; parts are of incremental streams, by a text field of the type", content.ErrInvalid, s.name(), p.Field)
	}
	set, err := im.openSeen(ctx, im.task.Run().ID, s.Type)
	if err != nil {
		return nil, err
	}
	if p.State == PartBegins {
		p.Err, im.state.Part = nil, &p
		if !slices.Contains(im.state.Parted, s.Type.Name()) {
			im.state.Parted = append(im.state.Parted, s.Type.Name())
		}
		return nil, im.drop(ctx, set) // of a part before it, or of a first try
	}
	begun := im.state.Part
	if begun == nil || begun.Field != p.Field || begun.Value != p.Value {
		im.task.Warn(jobs.EventFullSyncCleanup, fmt.Sprintf("%s: nothing is deleted, because this run has not read it from its beginning", p.Name), nil)
		return nil, nil
	}
	if err := im.prune(ctx, s, set.Within(field, p.Value), p.Name); err != nil {
		return nil, err
	}
	im.state.Part = nil
	return &set, nil
}

// prune deletes the live records that a set of keys should have and has not,
// under the guards of a full sync.
func (im *importing) prune(ctx context.Context, s Stream, set store.Seen, what string) error {
	live, unseen, err := im.Store.Unseen(ctx, im.scope, s.Type, im.options.Instance, set)
	if err != nil || unseen == 0 {
		return err
	}
	reason := "none of them was met, which looks just like a source that could not be read" // no flag overrides this
	if live > unseen {
		reason = im.guard(s, live, unseen)
	}
	if reason != "" {
		im.note(s.Type, what+": "+reason)
		im.task.Warn(jobs.EventFullSyncCleanup, fmt.Sprintf("%s: %d %s are not in the source any more, but nothing was deleted: %s", what, unseen, s.Type.Plural(), reason),
			map[string]any{"type": s.Type.Name(), "count": 0, "missing": unseen})
		return nil
	}
	before := im.result.counts(s.Type.Name()).Deleted
	commit := im.task.Commit
	if im.options.DryRun {
		commit = im.tryOut
	}
	if err := im.Store.EachUnseen(ctx, im.scope, s.Type, im.options.Instance, set, cleanUpChunk, func(ctx context.Context, ids []string) error {
		return commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			if err := im.lockIndex(ctx, tx); err != nil {
				return err
			}
			kept, err := im.delete(ctx, tx, s.Type, ids)
			if len(kept) > 0 { // tried again when the records below them have come
				if im.state.Blocked == nil {
					im.state.Blocked = map[string][]string{}
				}
				im.state.Blocked[s.Type.Name()] = append(im.state.Blocked[s.Type.Name()], kept...)
			}
			if !im.options.DryRun {
				im.task.SetCheckpoint(im.state)
			}
			return err
		})
	}); err != nil {
		return err
	}
	if n := im.result.counts(s.Type.Name()).Deleted - before; n > 0 {
		im.task.Info(jobs.EventFullSyncCleanup, fmt.Sprintf("%s: %d %s deleted: not in the source any more", what, n, s.Type.Plural()), map[string]any{"type": s.Type.Name(), "count": n})
	}
	return nil
}
