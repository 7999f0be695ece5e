package search

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// An answer is made in three steps: find in one transaction, rerank outside of
// it, result.
type answer struct {
	s            *Searcher
	organization string
	q            Query
	at           *cursor   // nil for the first page
	question     *question // nil: words alone
	reranks      bool
	with         with

	query *inverted.Query // as it was understood; nil without a text
	total int
	list  []candidate // from the first hit of the page, or from the very first
	first int         // rank of the first in the list, from 0
	start int         // where in the list the page begins

	facets     map[string][]inverted.Count
	histograms [][]inverted.Bar
	rows       map[int64]hitRow    // by chunk
	passages   map[int64][]Passage // by document, without texts
	next       *inverted.Position  // to go on by, behind the page, where the list is not made anew
	more       bool
}

// find fills in everything but the order by the Reranker.
func (a *answer) find(ctx context.Context, tx *database.Tx, v *inverted.View) error {
	req := a.s.request(a.q)
	if req.Query == nil || req.Sort.Name != "" || a.question == nil && !a.reranks && a.q.MinScore == 0 {
		if err := a.stream(ctx, v, req); err != nil {
			return err
		}
	} else {
		if err := a.listAll(ctx, tx, v, req); err != nil {
			return err
		}
		a.place()
	}
	return a.read(ctx, tx, v)
}

// stream asks the keyword arm for the page alone.
func (a *answer) stream(ctx context.Context, v *inverted.View, req inverted.Request) error {
	req.After = a.at.position()
	req.Limit = a.q.Offset + a.q.Limit + 1 // one more tells whether there is a next page
	found, err := v.Search(ctx, req)
	if err != nil {
		return err
	}
	a.take(req, found)
	a.first = a.q.Offset
	if a.at != nil {
		a.first = a.at.Rank
	}
	hits := found.Hits[min(a.q.Offset, len(found.Hits)):]
	if len(hits) > a.q.Limit {
		hits = hits[:a.q.Limit]
		a.more, a.next = true, &hits[len(hits)-1].At
	}
	for i, h := range hits {
		c := candidate{document: h.Document, chunk: h.Chunk, terms: h.Terms}
		if req.Query != nil && req.Sort.Name == "" {
			c.score = h.Score
			c.words = evidence{rank: a.first + i + 1, raw: h.Score, normalized: h.Score, weight: 1, chunk: h.Chunk}
			c.exact = exactness(h.Terms)
		}
		a.list = append(a.list, c)
	}
	return nil
}

func (a *answer) take(req inverted.Request, found *inverted.Result) {
	a.query, a.total, a.facets, a.histograms = cmp.Or(found.Query, req.Query), found.Total, found.Facets, found.Histograms
}

// reranked is the number of first hits that the Reranker judges.
const reranked = 50

// listAll makes the list from the very first hit to the end of the page.
func (a *answer) listAll(ctx context.Context, tx *database.Tx, v *inverted.View, req inverted.Request) error {
	need := a.q.Offset + a.q.Limit + 1
	if a.at != nil {
		need = a.at.Rank + a.q.Limit + 1
	}
	if a.reranks {
		need += reranked
	}
	if a.q.MinScore != 0 && a.q.Mode != ModeVector { // all that match
		found, err := v.Search(ctx, inverted.Request{Query: req.Query, Filters: req.Filters, Any: req.Any})
		if err != nil {
			return err
		}
		need = found.Total
	}
	m := mixture{method: a.q.Fusion, weight: a.s.config.VectorWeight, floor: a.s.config.MinSimilarity, strict: req.Query.Phrases()}
	var err error
	if a.question != nil {
		if m.near, m.sample, err = a.s.nearest(ctx, tx, v, a.organization, a.question, req); err != nil {
			return err
		}
	}
	if a.question != nil && a.q.Mode == ModeVector {
		a.query = req.Query
		a.nearest(m)
		err = a.count(ctx, v, req, a.list)
	} else {
		err = a.mix(ctx, v, req, m, need)
	}
	if err != nil || a.q.MinScore == 0 {
		return err
	}
	a.list = slices.DeleteFunc(a.list, func(c candidate) bool { return c.score < a.q.MinScore })
	a.total, a.facets, a.histograms = 0, nil, nil
	return a.count(ctx, v, req, a.list)
}

// nearest lists what the vector arm found alone.
func (a *answer) nearest(m mixture) {
	for i, n := range m.near {
		if n.score < m.floor {
			break
		}
		e := evidence{rank: i + 1, raw: n.score, normalized: n.score, weight: 1, chunk: n.chunks[0].Chunk}
		a.list = append(a.list, candidate{document: n.document, chunk: e.chunk, score: n.score, near: e})
		a.remember(n, 1)
	}
}

// mix lists what both arms found, and counts it.
func (a *answer) mix(ctx context.Context, v *inverted.View, req inverted.Request, m mixture, need int) error {
	req.Limit = max(need, window) + len(m.near)
	req.Explain = a.q.Explain || a.question != nil
	found, err := v.Search(ctx, req)
	if err != nil {
		return err
	}
	a.take(req, found)
	if a.question == nil { // scores as they are, for the smallest one
		for i, h := range found.Hits {
			e := evidence{rank: i + 1, raw: h.Score, normalized: h.Score, weight: 1, chunk: h.Chunk}
			a.list = append(a.list, candidate{document: h.Document, chunk: h.Chunk, score: h.Score, words: e, terms: h.Terms, exact: exactness(h.Terms)})
		}
		return nil
	}
	m.words, m.matches, m.scored = found.Hits, found.Total, map[int64]inverted.Hit{}
	for _, h := range found.Hits {
		m.scored[h.Document] = h
	}
	if found.Total > len(found.Hits) { // the others may be among those that are near
		var documents []int64
		for _, n := range slices.Concat(m.near, m.sample) {
			if _, ok := m.scored[n.document]; !ok {
				documents = append(documents, n.document)
			}
		}
		scored, err := v.Score(ctx, a.query, documents, 1)
		if err != nil {
			return err
		}
		for document, hits := range scored {
			m.scored[document] = hits[0]
		}
	}
	a.list = m.fuse()
	weight := m.vectorWeight()
	for _, n := range m.near {
		a.remember(n, weight)
	}
	var others []candidate
	for _, c := range a.list {
		if c.words.chunk == 0 {
			others = append(others, c)
		}
	}
	return a.count(ctx, v, req, others)
}

// remember keeps the nearest chunks of a document as its passages.
func (a *answer) remember(n nearDocument, weight float64) {
	if a.q.Passages == 0 || weight == 0 {
		return
	}
	if a.passages == nil {
		a.passages = map[int64][]Passage{}
	}
	for _, h := range n.chunks {
		a.passages[n.document] = append(a.passages[n.document], Passage{ChunkIndex: int(h.Chunk - n.document), Score: weight * h.Score})
	}
}

// count adds documents to the numbers.
func (a *answer) count(ctx context.Context, v *inverted.View, req inverted.Request, list []candidate) error {
	if len(list) == 0 && a.facets != nil {
		return nil
	}
	documents := make([]int64, len(list))
	for i, c := range list {
		documents[i] = c.document
	}
	counted, err := v.Count(ctx, documents, req)
	if err != nil {
		return err
	}
	a.total += counted.Total
	if a.facets == nil {
		a.facets, a.histograms = counted.Facets, counted.Histograms
		return nil
	}
	for field, counts := range counted.Facets {
		a.facets[field] = addCounts(a.facets[field], counts)
	}
	for i, bars := range counted.Histograms {
		a.histograms[i] = addBars(a.histograms[i], bars)
	}
	return nil
}

// addCounts adds up the counts of two lists: the most frequent value first, equal
// ones in order of value.
func addCounts(a, b []inverted.Count) []inverted.Count {
	if len(b) == 0 {
		return a
	}
	sums := map[string]int{}
	for _, c := range slices.Concat(a, b) {
		sums[c.Value] += c.Count
	}
	list := make([]inverted.Count, 0, len(sums))
	for v, n := range sums {
		list = append(list, inverted.Count{Value: v, Count: n})
	}
	slices.SortFunc(list, func(x, y inverted.Count) int {
		if order := cmp.Compare(y.Count, x.Count); order != 0 {
			return order
		}
		p, err1 := strconv.ParseFloat(x.Value, 64)
		q, err2 := strconv.ParseFloat(y.Value, 64)
		if err1 == nil && err2 == nil && p != q {
			return cmp.Compare(p, q)
		}
		return cmp.Compare(x.Value, y.Value)
	})
	return list
}

func addBars(a, b []inverted.Bar) []inverted.Bar {
	list := slices.Clone(a)
	for _, x := range b {
		i, found := slices.BinarySearchFunc(list, x, func(e, t inverted.Bar) int { return e.Start.Compare(t.Start) })
		if found {
			list[i].Count += x.Count
		} else {
			list = slices.Insert(list, i, x)
		}
	}
	return list
}

// place finds the page in the list.
func (a *answer) place() {
	a.start = min(a.q.Offset, len(a.list))
	shown := a.start // of the hits before the Reranker, the first that counts for the page
	if a.at != nil {
		a.start = a.behind()
		shown = a.start - 1 // the cursor's own: it stands elsewhere among those that are reranked
	}
	if shown >= reranked {
		a.reranks = false // what the Reranker does to the first hits does not show here
		if a.s.config.Reranker != nil {
			a.with += withReranker
		}
	}
}

// behind returns where the list goes on behind the cursor: behind its hit, or,
// when that is gone, behind where it would be.
func (a *answer) behind() int {
	i := slices.IndexFunc(a.list, func(c candidate) bool { return c.document == a.at.Document })
	if i >= 0 {
		return i + 1
	}
	i = slices.IndexFunc(a.list, func(c candidate) bool {
		return c.score < a.at.Score || c.score == a.at.Score && c.document > a.at.Document
	})
	if i < 0 {
		return len(a.list)
	}
	return i
}

// page returns the hits of the page.
func (a *answer) page() []candidate {
	return a.list[a.start:min(a.start+a.q.Limit, len(a.list))]
}

// read reads the rows of the hits that may be shown.
func (a *answer) read(ctx context.Context, tx *database.Tx, v *inverted.View) error {
	shown := a.page()
	if a.reranks {
		shown = a.list[:min(len(a.list), reranked+a.q.Limit)]
	}
	if err := a.readPassages(ctx, v, shown); err != nil {
		return err
	}
	var chunks []int64
	for _, c := range shown {
		chunks = append(chunks, c.chunk)
		for _, p := range a.passages[c.document] {
			chunks = append(chunks, c.document+int64(p.ChunkIndex))
		}
	}
	var err error
	var version int64
	texts := a.reranks || a.query != nil && (!a.q.Highlight.Off || a.q.Passages > 0)
	a.rows, version, err = readChunks(ctx, tx, a.organization, chunks, texts)
	if err == nil && version != v.Version() {
		err = errOver
	}
	return err
}

// readPassages chooses the best chunks of the hits that may be shown.
func (a *answer) readPassages(ctx context.Context, v *inverted.View, shown []candidate) error {
	if a.q.Passages == 0 || a.query == nil || len(shown) == 0 {
		return nil
	}
	documents := make([]int64, len(shown))
	for i, c := range shown {
		documents[i] = c.document
	}
	byWords := map[int64][]inverted.Hit{}
	if a.q.Mode != ModeVector || a.question == nil {
		var err error
		if byWords, err = v.Score(ctx, a.query, documents, a.q.Passages); err != nil {
			return err
		}
	}
	near := a.passages
	a.passages = make(map[int64][]Passage, len(shown))
	for _, c := range shown {
		scores := map[int]float64{int(c.chunk - c.document): 0}
		for _, p := range near[c.document] {
			scores[p.ChunkIndex] += p.Score
		}
		for _, h := range byWords[c.document] {
			part := h.Score
			if a.question != nil && c.words.raw > 0 { // its best chunk has what the document has
				part = c.words.weight * c.words.normalized * h.Score / c.words.raw
			}
			scores[int(h.Chunk-c.document)] += part
		}
		var list []Passage
		for index, score := range scores {
			list = append(list, Passage{ChunkIndex: index, Score: score})
		}
		slices.SortFunc(list, func(x, y Passage) int {
			return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.ChunkIndex, y.ChunkIndex))
		})
		a.passages[c.document] = list[:min(len(list), a.q.Passages)]
	}
	return nil
}

// result shows the page.
func (a *answer) result() *Result {
	res := &Result{Total: a.total, Hits: []Hit{}}
	res.Facets, res.Other = a.s.facets(a.facets, a.q.FacetLimit)
	for i, h := range a.q.Histograms {
		bars := Bars{Histogram: h, Bars: []Bar{}}
		for _, b := range a.histograms[i] {
			bars.Bars = append(bars.Bars, Bar(b))
		}
		res.Histograms = append(res.Histograms, bars)
	}
	page := a.page()
	for _, c := range page {
		res.Hits = append(res.Hits, a.hit(c))
	}
	if a.next == nil && a.start+len(page) < len(a.list) || a.more {
		last := page[len(page)-1]
		next := cursor{Score: last.score, Document: last.document, Rank: a.first + a.start + len(page), With: a.with}
		if a.next != nil {
			next.Score, next.Text, next.Document = a.next.Score, a.next.Text, a.next.Document
		}
		res.NextCursor = next.encode(a.organization, a.q)
	}
	return res
}

// hit shows a document.
func (a *answer) hit(c candidate) Hit {
	row := a.rows[c.chunk]
	h := row.Hit
	h.Label, h.Score = a.s.label(h.Type), c.score
	if a.query == nil {
		return h
	}
	h.Location = where(a.query, row)
	if !a.q.Highlight.Off {
		h.Highlights = highlights(a.query, h.Title, row.text, a.q.Highlight)
	}
	for _, p := range a.passages[c.document] {
		passage := a.rows[c.document+int64(p.ChunkIndex)]
		p.Text, p.Location = passage.text, where(a.query, passage)
		h.Passages = append(h.Passages, p)
	}
	if a.q.Explain {
		h.Explanation = &Explanation{Terms: c.terms, Exact: c.exact, Relevance: c.rerank}
		for _, arm := range []struct {
			mode Mode
			e    evidence
		}{{ModeKeyword, c.words}, {ModeVector, c.near}} {
			if e := arm.e; e.chunk != 0 {
				h.Explanation.Arms = append(h.Explanation.Arms, ArmScore{arm.mode, e.rank, e.raw, e.normalized, e.weight})
			}
		}
	}
	return h
}
