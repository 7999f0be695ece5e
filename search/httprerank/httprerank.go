// Package httprerank orders the first hits of a search anew with a model behind a
// /rerank endpoint.
//
// A model that reads the query and a text together judges better than one that
// has made vectors of both apart, and is too slow for more than a few dozen
// texts. Cohere's protocol for such models is what others speak too: Jina,
// Voyage, vLLM, Infinity, text-embeddings-inference behind a gateway. A search
// must not fail because such an endpoint does, nor take nonsense for scores: here
// every answer is checked, and what is wrong is an error, after which search
// keeps the order that it had.
package httprerank

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
)

// Config says which model to use. URL and Model are required.
type Config struct {
	URL   string       // of the endpoint, "https://api.cohere.com/v2/rerank"; an address that does not end in /rerank gets it
	Key   string       // a secret, for the Authorization header; "" where none is needed
	Model string       // "rerank-v3.5"
	HTTP  *http.Client // nil is http.DefaultClient
	// MaxText bounds the bytes of a text that are sent; 0 is 8 kB.
	MaxText int
}

// A Reranker is a model behind an endpoint. It is safe for concurrent use.
type Reranker struct{ config Config }

var _ search.Reranker = (*Reranker)(nil)

// New returns a Reranker. It does not touch the endpoint.
func New(c Config) (*Reranker, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w reranker: Config.URL is not the address of an endpoint", content.ErrInvalid)
	}
	if c.Model == "" {
		return nil, fmt.Errorf("%w reranker: Config.Model is empty", content.ErrInvalid)
	}
	if !strings.HasSuffix(u.Path, "/rerank") {
		u.Path = strings.TrimRight(u.Path, "/") + "/rerank"
	}
	c.URL, c.MaxText, c.HTTP = u.String(), cmp.Or(c.MaxText, 8<<10), cmp.Or(c.HTTP, http.DefaultClient)
	return &Reranker{c}, nil
}

// maxBody bounds an answer, which is a few numbers for each text.
const maxBody = 1 << 20

// Rerank returns how relevant each text is, in order, between 0 and 1: scores that
// are not in that range are brought there by the logistic function.
func (r *Reranker) Rerank(ctx context.Context, query string, texts []string) ([]float64, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	documents := make([]string, len(texts))
	for i, t := range texts {
		documents[i] = strings.ToValidUTF8(t[:min(len(t), r.config.MaxText)], "")
	}
	body, err := json.Marshal(map[string]any{"model": r.config.Model, "query": query, "documents": documents, "top_n": len(documents)})
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.config.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if r.config.Key != "" {
		req.Header.Set("Authorization", "Bearer "+r.config.Key)
	}
	res, err := r.config.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("rerank: read the answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("rerank: %s: %.200s", res.Status, data)
	}
	if len(data) > maxBody {
		return nil, fmt.Errorf("rerank: the answer has more than %d bytes", maxBody)
	}
	scores, err := decode(data, len(texts))
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	return scores, nil
}

// decode reads the scores out of an answer, in the order of the texts.
func decode(data []byte, n int) ([]float64, error) {
	type result struct {
		Index *int     `json:"index"`
		Score *float64 `json:"relevance_score"`
		Other *float64 `json:"score"` // as some servers call it
	}
	var answer struct {
		Results []result `json:"results"`
		Data    []result `json:"data"` // as some servers call it
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("the answer is not what was asked for: %w", err)
	}
	list := answer.Results
	if len(list) == 0 {
		list = answer.Data
	}
	if len(list) != n {
		return nil, fmt.Errorf("it answered with %d scores for %d texts", len(list), n)
	}
	scores := make([]float64, n)
	seen := make([]bool, n)
	logits := false
	for _, x := range list {
		score := cmp.Or(x.Score, x.Other)
		if x.Index == nil || score == nil || *x.Index < 0 || *x.Index >= n || seen[*x.Index] {
			return nil, errors.New("it answered with no score for one of the texts")
		}
		seen[*x.Index] = true
		scores[*x.Index] = *score
		logits = logits || *score < 0 || *score > 1
	}
	if logits {
		for i, x := range scores {
			scores[i] = 1 / (1 + math.Exp(-x))
		}
	}
	return scores, nil
}
