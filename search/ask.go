package search

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// maxQuestion bounds the text of a query that is embedded, in bytes: a model
// reads no more of it anyway.
const maxQuestion = 8 << 10

// question embeds the text of a query with the model of the organization's
// vectors. What is wrong comes back as a reason to go on with words alone; the
// error is that of the caller's context or of the database.
func (s *Searcher) question(ctx context.Context, organization, text string) (q *question, reason string, err error) {
	if s.config.Embedder == nil {
		return nil, "there is no embedder", nil
	}
	var active string
	if err := s.config.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		active, err = activeModel(ctx, tx, organization)
		return err
	}); err != nil {
		return nil, "", err
	}
	embedder := s.config.Embedder
	if active != "" && active != embedder.Model().Key() {
		if embedder, err = s.switched(active); err != nil {
			return nil, err.Error(), nil
		}
	}
	model := embedder.Model()
	if len(text) > maxQuestion {
		text = text[:maxQuestion]
	}
	text = clean(text)
	if vector, ok := s.asked.get(model.Key(), text); ok {
		return &question{model, vector}, "", nil
	}
	if since := s.failed.Load(); since != nil && s.config.Now().Sub(*since) < retryAfter && s.config.Now().After(*since) {
		return nil, "the embedder failed a moment ago", nil
	}
	patient, cancel := context.WithTimeout(ctx, s.config.Patience)
	defer cancel()
	list, err := embedder.Embed(patient, []string{text})
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("it returned %d vectors for one text", len(list))
	}
	var vector []float32
	if err == nil {
		vector, err = model.Unit(list[0])
	}
	switch {
	case ctx.Err() != nil:
		return nil, "", context.Cause(ctx)
	case err != nil:
		if patient.Err() != nil {
			err = fmt.Errorf("it did not answer within %v", s.config.Patience)
			now := s.config.Now()
			s.failed.Store(&now)
		}
		s.config.Logger.WarnContext(ctx, "a search is answered from words alone", "model", model.Key(), "error", err)
		return nil, fmt.Sprintf("the embedder of %s failed: %v", model.Name, err), nil
	}
	s.failed.Store(nil)
	s.asked.put(model.Key(), text, vector)
	return &question{model, vector}, "", nil
}

// retryAfter is how long searches do without an embedder that did not answer in
// time: each of them would wait as long.
const retryAfter = 10 * time.Second

// switched returns an embedder for the model of the vectors that there are.
func (s *Searcher) switched(key string) (Embedder, error) {
	model, err := vectors.ParseKey(key)
	if err != nil {
		return nil, err
	}
	other, ok := s.config.Embedder.(ModelSwitcher)
	if !ok {
		return nil, fmt.Errorf("the vectors are of %s and those of %s are not complete yet", model.Name, s.config.Embedder.Model().Name)
	}
	e, err := other.WithModel(model)
	if err == nil && e.Model() != model {
		err = errors.New("it is another one")
	}
	if err != nil {
		return nil, fmt.Errorf("the vectors are of %s, which cannot be reached: %w", model.Name, err)
	}
	return e, nil
}

// An askedCache keeps the vectors of the last queries, so that the pages of one
// are embedded once. It is safe for concurrent use.
type askedCache struct {
	mu   sync.Mutex
	last map[[2]string][]float32
	prev map[[2]string][]float32
}

// maxAsked is the number of queries in each half of the cache.
const maxAsked = 500

func (c *askedCache) get(model, text string) ([]float32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{model, text}
	if v, ok := c.last[key]; ok {
		return v, true
	}
	v, ok := c.prev[key]
	return v, ok
}

func (c *askedCache) put(model, text string, vector []float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) >= maxAsked || c.last == nil {
		c.last, c.prev = map[[2]string][]float32{}, c.last
	}
	c.last[[2]string{model, text}] = vector
}
