package curatore

import (
	"context"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// reindexConfig is what is stored with the run of a Reindex.
type reindexConfig struct {
	Type string `json:"type,omitempty"` // "" for all
}

// The types of runs that keep the index.
const (
	reindexRun = "reindex"
	embedRun   = "embed"
)

// registerIndexing declares the jobs that keep the search index.
func (c *Curator) registerIndexing() {
	c.reindexing = jobs.Register(c.jobs, jobs.Job{Type: reindexRun, Label: "Reindex", Queue: jobs.QueueMaintenance, ResourceType: "type", Timeout: 24 * time.Hour, Resumable: true,
		Phases: []string{connectors.PhaseIndexing, connectors.PhaseEmbedding}}, c.reindex)
	c.embedding = jobs.Register(c.jobs, jobs.Job{Type: embedRun, Label: "Vectors", Queue: jobs.QueueMaintenance, Timeout: 24 * time.Hour, Resumable: true,
		Phases: []string{connectors.PhaseEmbedding}}, func(ctx context.Context, task *jobs.Task, _ struct{}) (any, error) {
		return c.imports.Embed(ctx, task)
	})
}

// Reindex starts a run that indexes all records of a type anew, or of all types
// when it is "". It also takes out of the index what has no record any more, and
// gives vectors to what has none. Search goes on meanwhile with what is there. It
// is needed when a type's Document has changed in the program. Of all types it
// repairs what [Organization.VerifyIndex] finds; an index of which parts cannot be
// read is left to it.
func (o *Organization) Reindex(ctx context.Context, typeName string) (*Run, error) {
	if o.c.searcher == nil {
		return nil, fmt.Errorf("%w by Config.NoSearch", search.ErrDisabled)
	}
	if typeName != "" {
		if _, err := o.c.registry.Lookup(typeName); err != nil {
			return nil, err
		}
	}
	run, err := o.c.reindexing.Submit(ctx, o.scope, reindexConfig{typeName}, jobs.Options{Label: typeName, ResourceID: typeName})
	if err != nil {
		return nil, fmt.Errorf("reindex: %w", err)
	}
	return &Run{o: o, id: run.ID}, nil
}

// Embed starts a run that gives vectors to all that has none, as the end of each
// import does. It is for a database that had no Embedder before, or another one.
func (o *Organization) Embed(ctx context.Context) (*Run, error) {
	if o.c.searcher == nil || o.c.config.Embedder == nil {
		return nil, fmt.Errorf("%w: there is no Config.Embedder", search.ErrDisabled)
	}
	run, err := o.c.embedding.Submit(ctx, o.scope, struct{}{}, jobs.Options{UniqueKey: "vectors"})
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	return &Run{o: o, id: run.ID}, nil
}

func (c *Curator) reindex(ctx context.Context, task *jobs.Task, config reindexConfig) (any, error) {
	types := c.registry.Types()
	if config.Type != "" {
		typ, err := c.registry.Lookup(config.Type)
		if err != nil {
			return nil, err
		}
		types = []*content.Type{typ}
	}
	if err := c.repairIndex(ctx, task, config.Type == ""); err != nil {
		return nil, fmt.Errorf("reindex: %w", err)
	}
	for _, t := range types {
		if err := c.dropOrphans(ctx, task, t); err != nil {
			return nil, fmt.Errorf("reindex: %w", err)
		}
	}
	return c.imports.Reindex(ctx, task, types)
}

// repairIndex takes out of the index what makes searches fail, when there is such.
func (c *Curator) repairIndex(ctx context.Context, task *jobs.Task, whole bool) error {
	organization, err := c.auth.Organization(task.Scope())
	if err != nil {
		return err
	}
	return task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Lock(ctx, "index "+organization); err != nil {
			return err
		}
		compared, err := c.indexer.Compare(ctx, tx, task.Scope())
		switch {
		case err != nil || compared.Sound():
			return err
		case len(compared.Damage) > 0 && !whole: // what other types had there would not be found, without an error
			return fmt.Errorf("%w; reindex all types", compared.Damage[0].Err)
		}
		task.Warn(jobs.EventIndexing, fmt.Sprintf("the search index is repaired: %d chunks without a row, %d damaged segments", compared.WithoutRow, len(compared.Damage)), nil)
		return c.indexer.Repair(ctx, tx, task.Scope())
	})
}
