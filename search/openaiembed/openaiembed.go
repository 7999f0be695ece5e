// Package openaiembed turns texts into vectors with a model behind an endpoint
// that speaks OpenAI's embeddings protocol: OpenAI itself, Azure's gateway, vLLM,
// Ollama, text-embeddings-inference and many others.
//
// Between a program and such an endpoint stands a network that fails, a rate
// limit, and now and then a server that answers with something else than was
// asked for. An index that takes that for vectors is wrong for good. This package
// sends texts in batches, few at a time; waits as long as the server says, or
// longer each time, and tries again; and gives back exactly one sound vector for
// each text, or an error.
package openaiembed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/vectors"
)

// Config says which model to use and how. Only Model is required.
type Config struct {
	BaseURL string // "http://127.0.0.1:8089/v1"; "" is OpenAI's
	Key     string // a secret, for the Authorization header; "" where none is needed
	Model   string // "text-embedding-3-small"
	// Dimension is the number of values of a vector. 0 asks the endpoint, with one
	// request; for models that can shorten their vectors it is sent along.
	Dimension int
	// Weight is how much these vectors count in hybrid search where they are of
	// use: 0 is 0.5 for OpenAI's third generation, and otherwise what search does
	// with a model of which nothing is known.
	Weight float64

	Batch       int           // texts in one request; 0 is 64
	Concurrency int           // requests at a time; 0 is 4
	Attempts    int           // of one request; 0 is 5
	Timeout     time.Duration // of one attempt, behind which half as many texts are asked for; 0 is 60 s
	MaxWait     time.Duration // between two attempts; a server that wants more is not waited for; 0 is 60 s
	HTTP        *http.Client  // nil is http.DefaultClient

	// Wait waits between attempts, and Random gives numbers in [0, 1) that keep
	// clients from coming back all at once. They are for tests; nil is a timer, and
	// math/rand.
	Wait   func(ctx context.Context, d time.Duration) error
	Random func() float64
}

// An Embedder is a model behind an endpoint. It is safe for concurrent use.
type Embedder struct {
	config Config
	model  vectors.Model
	client *openai.Client
	slots  chan struct{}

	mu       sync.Mutex
	answered string // what the endpoint calls its model

	requests, retries, texts, tokens atomic.Int64
}

var (
	_ search.Embedder      = (*Embedder)(nil)
	_ search.ModelSwitcher = (*Embedder)(nil)
	_ search.Weighted      = (*Embedder)(nil)
)

// New returns an Embedder. It asks the endpoint for a vector when the Dimension
// is not given, and does not touch it otherwise.
func New(ctx context.Context, c Config) (*Embedder, error) {
	if c.Model == "" {
		return nil, fmt.Errorf("%w embedder: Config.Model is empty; name the model, such as text-embedding-3-small", content.ErrInvalid)
	}
	if c.Batch < 0 || c.Concurrency < 0 || c.Attempts < 0 || c.Dimension < 0 {
		return nil, fmt.Errorf("%w embedder %s: Config with a negative number", content.ErrInvalid, c.Model)
	}
	c.Batch, c.Concurrency, c.Attempts = cmp.Or(c.Batch, 64), cmp.Or(c.Concurrency, 4), cmp.Or(c.Attempts, 5)
	c.Timeout, c.MaxWait = cmp.Or(c.Timeout, time.Minute), cmp.Or(c.MaxWait, time.Minute)
	if c.Weight == 0 && thirdGeneration(c.Model) {
		c.Weight = 0.5
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Wait == nil {
		c.Wait = rest.Wait
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	config := openai.DefaultConfig(c.Key)
	config.BaseURL = cmp.Or(c.BaseURL, config.BaseURL)
	config.HTTPClient = doer{c.HTTP}
	e := &Embedder{config: c, model: vectors.Model{Name: c.Model, Dimension: c.Dimension}, client: openai.NewClientWithConfig(config), slots: make(chan struct{}, c.Concurrency)}
	if c.Dimension == 0 {
		list, err := e.request(ctx, []string{"dimension"}, 1)
		if err != nil {
			return nil, err
		}
		e.model.Dimension = len(list[0])
	}
	return e, e.model.Check()
}

func thirdGeneration(model string) bool {
	return model == string(openai.SmallEmbedding3) || model == string(openai.LargeEmbedding3)
}

// Model returns the name and the dimension of the model.
func (e *Embedder) Model() vectors.Model { return e.model }

// Weight returns the Weight of the Config.
func (e *Embedder) Weight() float64 { return e.config.Weight }

// WithModel returns an Embedder for another model of the same endpoint.
func (e *Embedder) WithModel(m vectors.Model) (search.Embedder, error) {
	c := e.config
	c.Model, c.Dimension, c.Weight = m.Name, m.Dimension, 0
	return New(context.Background(), c) // with a dimension it asks nobody
}

// Usage is what was used so far.
type Usage struct {
	Requests int64 // sent, those that were tried again included
	Retries  int64
	Texts    int64 // embedded
	Tokens   int64 // that the endpoint counted, by which it is paid
}

// Usage returns what this Embedder has used so far.
func (e *Embedder) Usage() Usage {
	return Usage{Requests: e.requests.Load(), Retries: e.retries.Load(), Texts: e.texts.Load(), Tokens: e.tokens.Load()}
}

// Embed returns a vector for each text, in order. The first error ends what is
// under way.
func (e *Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	for i, t := range texts {
		if t == "" {
			return nil, fmt.Errorf("%w embedder: text %d is empty", content.ErrInvalid, i)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([][]float32, len(texts))
	var working sync.WaitGroup
	for from := 0; from < len(texts) && ctx.Err() == nil; from += e.config.Batch {
		to := min(from+e.config.Batch, len(texts))
		select {
		case e.slots <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		working.Go(func() {
			defer func() { <-e.slots }()
			list, err := e.request(ctx, texts[from:to], 1)
			if err != nil {
				cancel(err)
				return
			}
			copy(out[from:to], list)
		})
	}
	working.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// request embeds one batch, trying again as long as that may help. What does not
// come within the Timeout is asked for again in halves: many endpoints go on with
// what nobody waits for any more, and would be later each time.
func (e *Embedder) request(ctx context.Context, texts []string, attempt int) ([][]float32, error) {
	for ; ; attempt++ {
		list, last, err := e.try(ctx, texts)
		if err == nil {
			e.texts.Add(int64(len(texts)))
			return list, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, errFinal) || attempt == e.config.Attempts {
			return nil, fmt.Errorf("embedder %s, attempt %d: %w", e.config.Model, attempt, err)
		}
		pause := e.pause(attempt, last)
		if pause > e.config.MaxWait {
			return nil, fmt.Errorf("embedder %s: it wants to be left alone for %v, more than Config.MaxWait: %w", e.config.Model, pause.Round(time.Second), err)
		}
		e.retries.Add(1)
		if err := e.config.Wait(ctx, pause); err != nil {
			return nil, err
		}
		if half := len(texts) / 2; half > 0 && errors.Is(err, errLate) {
			first, err := e.request(ctx, texts[:half], attempt+1)
			if err != nil {
				return nil, err
			}
			second, err := e.request(ctx, texts[half:], attempt+1)
			return append(first, second...), err
		}
	}
}

// pause returns how long to wait after an attempt: what the server says, else
// about half a second, doubled each time.
func (e *Embedder) pause(attempt int, last *answer) time.Duration {
	if last.retryAfter > 0 {
		return last.retryAfter + time.Duration(e.config.Random()*float64(time.Second)/4)
	}
	d := min(time.Second/2<<min(attempt-1, 10), e.config.MaxWait/2)
	return d/2 + time.Duration(e.config.Random()*float64(d))
}
