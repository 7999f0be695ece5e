package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// A report is what was measured.
type report struct {
	Documents          int     `json:"documents"`
	DocumentsPerSecond float64 `json:"docs_per_s"`
	NDCG               float64 `json:"ndcg10"`
	Recall             float64 `json:"recall100"`
	MRR                float64 `json:"mrr10"`
	P50                float64 `json:"p50_ms"`
	P95                float64 `json:"p95_ms"`
}

// depth is how many hits of each question are looked at.
const depth = 100

// ask searches for the answers to all questions and measures them.
func ask(ctx context.Context, org *curatore.Organization, mode search.Mode, col *collection, r *report) error {
	var times []time.Duration
	for _, q := range col.questions {
		if strings.TrimSpace(q.text) == "" { // which would list everything
			continue
		}
		start := time.Now()
		res, err := org.Search(ctx, search.Query{Text: q.text, Mode: mode, Limit: depth, Highlight: search.Highlight{Off: true}})
		if err != nil {
			return err
		}
		times = append(times, time.Since(start))
		if res.Degraded {
			return fmt.Errorf("query %s was answered without vectors: %s", q.id, res.DegradedReason)
		}
		var found []string
		for _, h := range res.Hits {
			if !q.itself || h.Filename != q.id {
				found = append(found, h.Filename) // the key of the record
			}
		}
		ndcg, recall, mrr := score(found, q.grades)
		r.NDCG, r.Recall, r.MRR = r.NDCG+ndcg, r.Recall+recall, r.MRR+mrr
	}
	n := float64(len(col.questions))
	r.NDCG, r.Recall, r.MRR = r.NDCG/n, r.Recall/n, r.MRR/n
	slices.Sort(times)
	if len(times) > 0 {
		r.P50, r.P95 = percentile(times, 50), percentile(times, 95)
	}
	return nil
}

// score measures one ranking: nDCG@10 with the grades as gains, recall@100 and
// the reciprocal rank of the first relevant document among 10, as trec_eval does.
func score(found []string, grades map[string]float64) (ndcg, recall, mrr float64) {
	for i, doc := range found[:min(depth, len(found))] {
		grade := grades[doc]
		if grade <= 0 {
			continue
		}
		recall++
		if i < 10 {
			ndcg += grade / math.Log2(float64(i)+2)
			if mrr == 0 {
				mrr = 1 / float64(i+1)
			}
		}
	}
	best := make([]float64, 0, len(grades))
	for _, grade := range grades {
		best = append(best, grade)
	}
	slices.Sort(best)
	slices.Reverse(best)
	ideal := 0.0
	for i, grade := range best[:min(10, len(best))] {
		ideal += grade / math.Log2(float64(i)+2)
	}
	return ndcg / ideal, recall / float64(len(grades)), mrr
}

// percentile returns a percentile of sorted times, in milliseconds.
func percentile(sorted []time.Duration, p int) float64 {
	at := (len(sorted)*p+99)/100 - 1
	return float64(sorted[max(0, at)].Microseconds()) / 1000
}

// write prints the report.
func (r report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, `documents   %d
indexing    %.0f documents/s
nDCG@10     %.4f
recall@100  %.4f
MRR@10      %.4f
p50         %.2f ms
p95         %.2f ms
`, r.Documents, r.DocumentsPerSecond, r.NDCG, r.Recall, r.MRR, r.P50, r.P95)
	return err
}
