package search

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// embedBatch is how many chunks are embedded between two transactions.
const embedBatch = 256

// keepUnused is how long the cache keeps the vector of a text.
const keepUnused = 90 * 24 * time.Hour

// Embedded tells what [Indexer.Embed] did.
type Embedded struct {
	Chunks int // that have a vector now and had none
	Texts  int // that the model was given; the others were known
	Failed int // chunks whose text the model refused
	Model  string
}

// embedded is what the model gets of a chunk.
func embedded(title, text string) string {
	switch title, text = strings.TrimSpace(title), strings.TrimSpace(text); {
	case title == "" && text == "":
		return "(empty)" // no model takes an empty text
	case title == "" || strings.HasPrefix(text, title):
		return text
	case text == "":
		return title
	}
	return title + "\n\n" + text
}

// Embed makes the vectors that are missing for chunks of the Scope's
// organization, and deletes those of chunks that are gone. It works in short
// transactions of its own, and asks the model between them, so it must not be
// called inside one. Interrupted, it goes on where it was when called again;
// nothing is embedded twice, not even the same text in two places. Without an
// Embedder it does nothing.
//
// After a change of the model, search goes on with the old vectors until this has
// made all of the new ones; then the old ones are deleted. Progress, which may be
// nil, is told how many chunks were looked at.
//
// A text that the model refuses is left without a vector; when the model cannot
// be reached, that is the error, and what was made until then stays.
func (x *Indexer) Embed(ctx context.Context, scope content.Scope, progress func(done int)) (Embedded, error) {
	organization, err := x.config.Authority.Organization(scope)
	if err != nil || x.config.Embedder == nil {
		return Embedded{}, err
	}
	turn, _ := x.turns.LoadOrStore(organization, make(chan struct{}, 1))
	select {
	case turn.(chan struct{}) <- struct{}{}: // two at once would embed the same
		defer func() { <-turn.(chan struct{}) }()
	case <-ctx.Done():
		return Embedded{}, context.Cause(ctx)
	}
	e := &embedding{x: x, organization: organization, model: x.config.Embedder.Model()}
	e.counts.Model = e.model.Key()
	if err = e.run(ctx, progress); err != nil {
		err = fmt.Errorf("embed with %s: %w", e.model.Name, err)
	}
	return e.counts, err
}

// An embedding is one pass over an organization.
type embedding struct {
	x            *Indexer
	organization string
	model        vectors.Model
	counts       Embedded
}

func (e *embedding) run(ctx context.Context, progress func(int)) error {
	if err := e.model.Check(); err != nil {
		return err
	}
	if progress != nil {
		progress(0) // it begins: what came before is done
	}
	config := e.x.config
	err := config.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := config.Vectors.Prune(ctx, tx, e.organization); err != nil {
			return err
		}
		_, err := vectors.Cache{}.Forget(ctx, tx, e.organization, config.Now().Add(-keepUnused))
		return err
	})
	if err != nil {
		return err
	}
	done := 0
	for after := int64(0); ; {
		b, err := e.next(ctx, after)
		if err != nil {
			return err
		}
		if len(b.chunks) == 0 {
			return e.activate(ctx)
		}
		if err := e.embed(ctx, b); err != nil {
			return err
		}
		if err := e.store(ctx, b); err != nil {
			return err
		}
		after = b.chunks[len(b.chunks)-1]
		if done += len(b.chunks); progress != nil {
			progress(done)
		}
	}
}

// A textBatch is chunks that have no vector.
type textBatch struct {
	chunks []int64
	hashes []vectors.Hash // of each chunk's text
	texts  map[vectors.Hash]string
	known  map[vectors.Hash][]float32
	fresh  []vectors.Cached
}

// next reads what is to be embedded next, and what is known of it.
func (e *embedding) next(ctx context.Context, after int64) (*textBatch, error) {
	b := &textBatch{texts: map[vectors.Hash]string{}}
	err := e.x.config.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if b.chunks, err = e.x.config.Vectors.Missing(ctx, tx, e.organization, e.model, after, embedBatch); err != nil {
			return err
		}
		rows, _, err := readChunks(ctx, tx, e.organization, b.chunks, true)
		if err != nil {
			return err
		}
		for _, n := range b.chunks {
			text := embedded(rows[n].Title, rows[n].text)
			hash := vectors.HashOf(text)
			b.hashes = append(b.hashes, hash)
			b.texts[hash] = text
		}
		b.known, err = vectors.Cache{}.Get(ctx, tx, e.organization, e.model, b.hashes)
		return err
	})
	return b, err
}

// embed asks the model for what is not known.
func (e *embedding) embed(ctx context.Context, b *textBatch) error {
	var hashes []vectors.Hash
	var texts []string
	asked := map[vectors.Hash]bool{}
	for _, h := range b.hashes {
		if b.known[h] == nil && !asked[h] {
			asked[h] = true
			hashes, texts = append(hashes, h), append(texts, b.texts[h])
		}
	}
	list, err := e.ask(ctx, texts)
	if err != nil {
		return err
	}
	for i, values := range list {
		if values == nil {
			continue
		}
		b.known[hashes[i]] = values
		b.fresh = append(b.fresh, vectors.Cached{Hash: hashes[i], Values: values})
	}
	e.counts.Texts += len(b.fresh)
	return nil
}

// ask embeds texts. When the model refuses some, it finds out which: their
// vectors are nil.
func (e *embedding) ask(ctx context.Context, texts []string) ([][]float32, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	list, err := e.x.config.Embedder.Embed(ctx, texts)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil && len(list) != len(texts) {
		return nil, fmt.Errorf("it returned %d vectors for %d texts", len(list), len(texts))
	}
	for i := 0; i < len(list) && err == nil; i++ {
		if n := len(list[i]); n != e.model.Dimension { // no text is to blame
			return nil, fmt.Errorf("it returned a vector of %d values, its dimension is %d", n, e.model.Dimension)
		}
		_, err = e.model.Unit(list[i])
	}
	switch {
	case err == nil:
		return list, nil
	case !errors.Is(err, content.ErrInvalid):
		return nil, err
	case len(texts) == 1:
		e.x.config.Logger.WarnContext(ctx, "a text stays without a vector", "model", e.model.Key(), "text", fmt.Sprintf("%.80q", texts[0]), "error", err)
		return [][]float32{nil}, nil
	}
	first, err := e.ask(ctx, texts[:len(texts)/2])
	if err != nil {
		return nil, err
	}
	second, err := e.ask(ctx, texts[len(texts)/2:])
	return append(first, second...), err
}

// store writes the vectors of a batch.
func (e *embedding) store(ctx context.Context, b *textBatch) error {
	var list []vectors.Vector
	failed := 0
	for i, n := range b.chunks {
		if values := b.known[b.hashes[i]]; values != nil {
			list = append(list, vectors.Vector{Chunk: n, Values: values})
		} else {
			failed++
		}
	}
	config, stored := e.x.config, 0
	err := config.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		if err := (vectors.Cache{}).Put(ctx, tx, e.organization, e.model, b.fresh, config.Now()); err != nil {
			return err
		}
		stored, err = config.Vectors.Put(ctx, tx, e.organization, e.model, list)
		return err
	})
	if err == nil {
		e.counts.Chunks += stored
		e.counts.Failed += failed
	}
	return err
}

// activate lets search use the model, of which everything has vectors now, and
// deletes the vectors of others.
func (e *embedding) activate(ctx context.Context) error {
	config := e.x.config
	var others []vectors.Model
	err := config.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO search_models (organization_id, model, since) VALUES (?, ?, ?)
			ON CONFLICT (organization_id) DO UPDATE SET model = excluded.model, since = excluded.since
			WHERE search_models.model <> excluded.model`, e.organization, e.model.Key(), tx.Dialect().Time(config.Now()))
		if err != nil {
			return fmt.Errorf("note the model in use: %w", err)
		}
		stats, err := config.Vectors.Stats(ctx, tx, e.organization)
		if err != nil {
			return err
		}
		others = others[:0]
		for _, s := range stats {
			if s.Model != e.model {
				others = append(others, s.Model)
			}
		}
		return nil
	})
	for _, m := range others {
		if err == nil {
			err = config.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				return config.Vectors.Drop(ctx, tx, e.organization, m)
			})
		}
	}
	if err != nil {
		return err
	}
	if err := config.Vectors.Maintain(ctx, config.DB); err != nil { // search is right without, only slower
		config.Logger.WarnContext(ctx, "the indexes of vectors are not as they should be", "error", err)
	}
	return nil
}
