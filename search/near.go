package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/vectors"
)

// A question is the text of a query as a vector.
type question struct {
	model  vectors.Model
	vector []float32
}

// errModelChanged says that the vectors of another model are used since the
// query was embedded.
var errModelChanged = errors.New("the embedding model of the organization has just changed")

// nearest finds the documents nearest to a question under the filters of a
// request, and some that are picked without looking at it.
func (s *Searcher) nearest(ctx context.Context, tx *database.Tx, v *inverted.View, organization string, q *question, req inverted.Request) (near, sample []nearDocument, err error) {
	active, err := activeModel(ctx, tx, organization)
	if err != nil {
		return nil, nil, err
	}
	if active != "" && active != q.model.Key() {
		return nil, nil, errModelChanged
	}
	chosen, err := v.Select(ctx, req.Filters, req.Any)
	if err != nil || chosen.Len() == 0 {
		return nil, nil, err
	}
	find := func(limit int, within vectors.Set) ([]nearDocument, error) {
		hits, err := s.config.Vectors.Search(ctx, tx, organization, vectors.Request{Model: q.model, Vector: q.vector, Limit: limit, Within: within})
		return collapse(hits, chosen), err
	}
	var within vectors.Set
	if !chosen.Whole() {
		within = chosen
	}
	if near, err = find(window, within); err == nil && len(near) > 0 {
		sample, err = find(sampled, pick(chosen, sampled))
	}
	return near, sample, err
}

// collapse turns chunks, best first, into documents. Chunks that the index does
// not have any more are left out.
func collapse(hits []vectors.Hit, chosen *inverted.Selection) []nearDocument {
	var list []nearDocument
	places := map[int64]int{}
	for _, h := range hits {
		document, ok := chosen.Document(h.Chunk)
		if !ok {
			continue
		}
		at, ok := places[document]
		if !ok {
			at = len(list)
			places[document] = at
			list = append(list, nearDocument{document: document, score: h.Score})
		}
		list[at].chunks = append(list[at].chunks, inverted.Hit{Document: document, Chunk: h.Chunk, Score: h.Score})
	}
	slices.SortFunc(list, func(a, b nearDocument) int { // equal ones by document, not by their best chunk
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.document, b.document))
	})
	return list
}

// numbers is a set of chunks, ascending.
type numbers []int64

func (n numbers) Len() int { return len(n) }

func (n numbers) Contains(chunk int64) bool {
	_, ok := slices.BinarySearch(n, chunk)
	return ok
}

func (n numbers) All() iter.Seq[int64] { return slices.Values(n) }

// pick returns chunks from all over a selection, always the same ones.
func pick(chosen *inverted.Selection, n int) numbers {
	if chosen.Len() <= n {
		return slices.Collect(chosen.All())
	}
	picked := make(numbers, 0, n)
	step := float64(chosen.Len()) / float64(n)
	next, i := 0, 0
	for chunk := range chosen.All() {
		if i == next {
			picked = append(picked, chunk)
			if len(picked) == n {
				break
			}
			// somewhere in the next stretch, so that no pattern in the order shows
			jitter := float64(uint32(len(picked))*2654435769) / (1 << 32)
			next = max(i+1, int((float64(len(picked))+jitter)*step))
		}
		i++
	}
	return picked
}

// activeModel returns the key of the model whose vectors an organization is
// searched with, "" before the first one is complete.
func activeModel(ctx context.Context, tx *database.Tx, organization string) (string, error) {
	var keys []string
	err := tx.Select(ctx, &keys, "SELECT model FROM search_models WHERE organization_id = ?", organization)
	if err != nil {
		return "", fmt.Errorf("read the embedding model in use: %w", err)
	}
	if len(keys) == 0 {
		return "", nil
	}
	return keys[0], nil
}
