package search

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// rerank lets the Reranker order the first hits, and finds the page in the new
// order. What is wrong with it comes back as a reason to leave them as they are;
// the error is that of the caller's context, or of a page that cannot be made
// without it.
func (a *answer) rerank(ctx context.Context) (reason string, err error) {
	first := a.list[:min(reranked, len(a.list))]
	if len(first) == 0 {
		return "", nil
	}
	texts := make([]string, len(first))
	for i, c := range first {
		row := a.rows[c.chunk]
		texts[i] = embedded(row.Title, row.text)
	}
	patient, cancel := context.WithTimeout(ctx, a.s.config.Patience)
	defer cancel()
	scores, err := a.s.config.Reranker.Rerank(patient, a.q.Text, texts)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err == nil && len(scores) != len(first):
		err = fmt.Errorf("it returned %d scores for %d texts", len(scores), len(first))
	case err == nil && slices.ContainsFunc(scores, math.IsNaN):
		err = fmt.Errorf("it returned a score that is not a number")
	case err != nil && patient.Err() != nil:
		err = fmt.Errorf("it did not answer within %v", a.s.config.Patience)
	}
	if err != nil {
		if a.at != nil {
			return "", fmt.Errorf("this page cannot be made: the reranker failed: %w; search again from the first page", err)
		}
		a.s.config.Logger.WarnContext(ctx, "a search is answered without the reranker", "error", err)
		return fmt.Sprintf("the reranker failed: %v", err), nil
	}
	rest := a.list[len(first):]
	below := 0.0
	if len(rest) > 0 {
		below = max(0, rest[0].score)
	}
	for i := range first {
		relevance := max(0, min(1, scores[i]))
		first[i].rerank = &relevance
		first[i].score = below + 1 + relevance
		if first[i].exact != "" {
			first[i].score++
		}
	}
	order(first)
	a.with += withReranker
	if a.at != nil {
		a.start = a.behind()
	}
	return "", nil
}
