package connectors

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// An embedder is an [Indexer] that gives chunks vectors after they were indexed.
type embedder interface {
	Embed(ctx context.Context, scope content.Scope, progress func(done int)) (search.Embedded, error)
}

// embed gives vectors to what was indexed. A model that cannot be reached fails
// no import: search goes on with words, and the next run makes up for it.
func (im *importing) embed(ctx context.Context) error {
	e, ok := im.Index.(embedder)
	if !ok || !im.indexes() {
		return nil
	}
	n, err := e.Embed(ctx, im.scope, func(done int) { im.task.Progress(PhaseEmbedding, int64(done), 0) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	data := map[string]any{"chunks": n.Chunks, "texts": n.Texts, "failed": n.Failed, "model": n.Model}
	switch {
	case err != nil:
		im.task.Warn(EventEmbedding, fmt.Sprintf("chunks stay without vectors until the next run: %v", err), data)
	case n.Failed > 0:
		im.task.Warn(EventEmbedding, fmt.Sprintf("%d chunks were given vectors, %d were refused by the model", n.Chunks, n.Failed), data)
	case n.Chunks > 0:
		im.task.Info(EventEmbedding, fmt.Sprintf("%d chunks were given vectors", n.Chunks), data)
	}
	return nil
}

// EventEmbedding is the event about vectors for what was indexed.
const EventEmbedding = "embedding"

// Reindex indexes all records of some types anew, in a task, and then gives
// vectors to the chunks that have none. Search goes on meanwhile with what is
// there. A task that has a checkpoint goes on from there.
func (e *Engine) Reindex(ctx context.Context, task Task, types []*content.Type) (*Result, error) {
	if e.Index == nil || e.IndexLater {
		return nil, fmt.Errorf("reindex: %w", search.ErrDisabled)
	}
	im, err := e.importing(task, &Connection{spec: Spec[json.RawMessage]{Name: "reindex", Types: types}}, Options{})
	if err != nil {
		return nil, err
	}
	defer im.merger.Stop()
	if err := im.goOn(); err != nil {
		return im.result, fmt.Errorf("reindex: %w", err)
	}
	im.resumed = len(task.Checkpoint()) > 0
	for _, t := range types {
		im.result.counts(t.Name())
		if slices.Contains(im.state.Requeued, t.Name()) {
			continue
		}
		n, err := e.Store.Requeue(ctx, im.scope, t, task.Commit)
		if err != nil {
			return im.result, fmt.Errorf("reindex: %w", err)
		}
		im.state.Requeued = append(im.state.Requeued, t.Name())
		task.SetCheckpoint(im.state)
		task.Info(jobs.EventIndexing, fmt.Sprintf("%d records of %s are indexed anew", n, t.Name()), map[string]any{"type": t.Name(), "count": n})
	}
	if err := im.index(ctx); err != nil {
		return im.result, fmt.Errorf("reindex: %w", err)
	}
	return im.result, im.embed(ctx)
}

// Embed gives vectors to the chunks that have none, in a task.
func (e *Engine) Embed(ctx context.Context, task Task) (*search.Embedded, error) {
	x, ok := e.Index.(embedder)
	if !ok || e.IndexLater {
		return nil, fmt.Errorf("embed: %w", search.ErrDisabled)
	}
	n, err := x.Embed(ctx, task.Scope(), func(done int) { task.Progress(PhaseEmbedding, int64(done), 0) })
	return &n, err
}
