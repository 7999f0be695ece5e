package curatore_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/vectors"
)

// A note says itself which group it belongs to.
type note struct {
	content.Record
	Key   string `db:"note_key" content:"key"`
	Title string `db:"title" content:"title"`
	Text  string `db:"body" content:"text"`
	From  string `db:"source" content:"group"`
}

// A pad is the source of notes.
type pad struct {
	mu    sync.Mutex
	notes []note
}

func (p *pad) connection() *connectors.Connection {
	typ := content.Define(content.Spec[note]{Name: "pad_note", Label: "Note"})
	return connectors.New(connectors.Spec[struct{}]{Name: "pad", Label: "Note pad", Types: []*content.Type{typ}, MaxDelete: 1,
		Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
			return connectors.Streams{connectors.Rows(typ, func(context.Context) iter.Seq2[*note, error] {
				return func(yield func(*note, error) bool) {
					p.mu.Lock()
					defer p.mu.Unlock()
					for _, n := range p.notes {
						if !yield(&note{Key: n.Key, Title: n.Title, Text: n.Text, From: n.From}, nil) {
							return
						}
					}
				}
			})}, nil
		}})
}

func notes(n int) []note {
	var list []note
	for i := range n {
		list = append(list, note{Key: fmt.Sprint("k", i), Title: fmt.Sprint("Note ", i), Text: fmt.Sprintf("cloud%d weather number%d", i%5, i), From: []string{"", "pad", "desk"}[i%3]})
	}
	return list
}

// A bag embeds texts by their words. Gate, when it is set, is asked before each
// answer.
type bag struct {
	mu    sync.Mutex
	texts int
	gate  func(ctx context.Context, texts int) error
}

func (b *bag) Model() vectors.Model { return vectors.Model{Name: "bag", Dimension: 32} }

func (b *bag) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gate != nil {
		if err := b.gate(ctx, b.texts); err != nil {
			return nil, err
		}
	}
	b.texts += len(texts)
	var list [][]float32
	for _, t := range texts {
		v := make([]float32, 32)
		v[0] = 0.01
		for _, w := range strings.Fields(strings.ToLower(t)) {
			h := fnv.New64a()
			_, _ = h.Write([]byte(w))
			rnd := rand.New(rand.NewPCG(h.Sum64(), 1))
			for i := range v {
				v[i] += float32(rnd.NormFloat64())
			}
		}
		list = append(list, v)
	}
	return list, nil
}

func openPad(t *testing.T, config curatore.Config, p *pad) (*curatore.Curator, *curatore.Organization) {
	t.Helper()
	c, err := curatore.Open(t.Context(), config, p.connection())
	if err != nil {
		t.Fatal(err)
	}
	return c, organization(t, c, "acme")
}

func finish(t *testing.T, run *curatore.Run, err error) *connectors.Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	res, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func verify(t *testing.T, org *curatore.Organization) *curatore.IndexReport {
	t.Helper()
	r, err := org.VerifyIndex(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closed(t *testing.T, c *curatore.Curator) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestIndexThroughItsLife(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn, p, model := databasetest.DSN(t, kind), &pad{notes: notes(60)}, &bag{}
		c, org := openPad(t, curatore.Config{Database: dsn, Embedder: model}, p)
		defer closed(t, c)
		run, err := org.Import(t.Context(), "pad")
		finish(t, run, err)
		r := verify(t, org)
		if d := gocmp.Diff(&curatore.IndexReport{Types: []curatore.TypeIndex{{Type: "pad_note", Records: 60, Chunks: 60}}}, r); d != "" || !r.Sound() {
			t.Errorf("after the import: %s", d)
		}
		res, err := org.Search(t.Context(), search.Query{Text: "weather number7", Explain: true})
		if err != nil || res.Degraded || len(res.Hits) == 0 || res.Hits[0].Title != "Note 7" || len(res.Hits[0].Explanation.Arms) != 2 {
			t.Fatalf("%+v, %v", res, err)
		}
		if d := gocmp.Diff([]search.FacetCount{{Value: "pad", Label: "Note pad", Count: 40}, {Value: "desk", Label: "desk", Count: 20}}, res.Facets["group"]); d != "" {
			t.Errorf("groups follow the rows: %s", d)
		}
		desk, err := org.Search(t.Context(), search.Query{Groups: []string{"desk"}})
		if err != nil || desk.Total != 20 {
			t.Errorf("of a group: %+v, %v", desk, err)
		}
		like, err := org.MoreLikeThis(t.Context(), "pad_note", res.Hits[0].ID, search.Query{Limit: 5})
		if err != nil || like.Total != 11 || !strings.Contains(fmt.Sprint(like.Hits[0].Highlights), "cloud2") {
			t.Errorf("like it: %+v, %v", like, err)
		}
		words, err := org.Suggest(t.Context(), search.SuggestQuery{Text: "weath"})
		if err != nil || len(words) != 1 || words[0].Word != "weather" || words[0].Count != 60 {
			t.Errorf("suggested: %+v, %v", words, err)
		}

		p.notes = p.notes[:50] // ten are gone at the source, one moves
		p.notes[1].From = "desk"
		run, err = org.Import(t.Context(), "pad")
		finish(t, run, err)
		if r := verify(t, org); r.Types[0].Chunks != 50 || !r.Sound() {
			t.Errorf("after the deletion: %+v", r)
		}
		d := &depot{t: t, db: databasetest.OpenDSN(t, dsn)}
		if got := d.rows("SELECT count(*), count(DISTINCT chunk) FROM search_vectors"); got[0] != "50 | 50" {
			t.Errorf("vectors %q", got)
		}
		if desk, err := org.Search(t.Context(), search.Query{Groups: []string{"desk"}}); err != nil || desk.Total != 17 {
			t.Errorf("the group follows the row: %d, %v", desk.Total, err)
		}
		if model.texts != 61 { // with the query; that of the one that moved was known
			t.Errorf("%d texts were embedded", model.texts)
		}
	})
}

func TestVerifyIndexAndReindex(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn, p := databasetest.DSN(t, kind), &pad{notes: notes(30)}
		off, org := openPad(t, curatore.Config{Database: dsn, NoSearch: true}, p)
		run, err := org.Import(t.Context(), "pad")
		finish(t, run, err)
		if _, err := org.Search(t.Context(), search.Query{}); !errors.Is(err, search.ErrDisabled) || !errors.Is(err, content.ErrDisabled) {
			t.Errorf("search is off: %v", err)
		}
		for name, err := range map[string]error{
			"MoreLikeThis": second(org.MoreLikeThis(t.Context(), "pad_note", "x", search.Query{})),
			"Suggest":      second(org.Suggest(t.Context(), search.SuggestQuery{})),
			"Reindex":      second(org.Reindex(t.Context(), "")),
			"Embed":        second(org.Embed(t.Context())),
		} {
			if !errors.Is(err, search.ErrDisabled) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if d := gocmp.Diff([]curatore.TypeIndex{{Type: "pad_note", Records: 30, NeverIndexed: 30}}, verify(t, org).Types); d != "" {
			t.Errorf("imported without search: %s", d)
		}
		d := &depot{t: t, db: databasetest.OpenDSN(t, dsn)}
		if got := d.rows("SELECT count(*) FROM pad_notes WHERE indexed_at IS NULL"); got[0] != "30" {
			t.Errorf("waiting: %q", got)
		}
		closed(t, off)

		c, org := openPad(t, curatore.Config{Database: dsn}, p)
		defer closed(t, c)
		run, err = org.Reindex(t.Context(), "pad_note")
		finish(t, run, err)
		if r := verify(t, org); !r.Sound() || r.Types[0].Chunks != 30 {
			t.Errorf("after reindexing: %+v", r)
		}
		other := organization(t, c, "other")
		run, err = other.Import(t.Context(), "pad")
		finish(t, run, err)
		err = d.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for _, query := range []string{
				"UPDATE pad_notes SET indexed_at = NULL WHERE organization_id = ? AND note_key IN ('k1', 'k2')",
				"UPDATE pad_notes SET deleted_at = created_at WHERE organization_id = ? AND note_key = 'k3'",
				"DELETE FROM pad_notes WHERE organization_id = ? AND note_key = 'k4'",
			} {
				var id string
				if err := tx.Get(ctx, &id, "SELECT id FROM organizations WHERE name = ?", "acme"); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, query, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		r := verify(t, org)
		if d := gocmp.Diff([]curatore.TypeIndex{{Type: "pad_note", Records: 28, Chunks: 30, Stale: 2, Orphans: 2}}, r.Types); d != "" || r.Sound() {
			t.Errorf("damaged: %s", d)
		}
		if r := verify(t, other); !r.Sound() {
			t.Errorf("the other organization: %+v", r)
		}
		run, err = org.Reindex(t.Context(), "")
		finish(t, run, err)
		if r := verify(t, org); !r.Sound() || r.Types[0].Chunks != 28 {
			t.Errorf("repaired: %+v", r)
		}
		if res, err := org.Search(t.Context(), search.Query{Text: "weather "}); err != nil || res.Total != 28 {
			t.Errorf("found %+v, %v", res, err)
		}
		if _, err := org.Reindex(t.Context(), "pad_nte"); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("an unknown type: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// A process ends while it indexes and embeds; another one goes on. Nothing is
// missing then, and nothing there twice.
func TestKilledWhileIndexing(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn, p := databasetest.DSN(t, kind), &pad{notes: notes(700)}
		reached, stopped := make(chan struct{}), false
		model := &bag{}
		model.gate = func(ctx context.Context, texts int) error {
			if texts > 0 && !stopped {
				stopped = true
				close(reached)
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}
		c, org := openPad(t, curatore.Config{Database: dsn}, p)
		run, err := org.Import(t.Context(), "pad")
		finish(t, run, err)
		closed(t, c)

		c, org = openPad(t, curatore.Config{Database: dsn, Embedder: model}, p)
		run, err = org.Reindex(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		<-reached
		if r := verify(t, org); r.WithoutVector == 0 || r.WithoutVector == 700 {
			t.Errorf("half way: %+v", r)
		}
		closed(t, c)

		again, org := openPad(t, curatore.Config{Database: dsn, Embedder: model}, p)
		defer closed(t, again)
		for ended := false; !ended; time.Sleep(20 * time.Millisecond) {
			r, err := org.Run(t.Context(), run.ID())
			if err != nil {
				t.Fatal(err)
			}
			ended = r.Status.Ended()
		}
		if r := verify(t, org); !r.Sound() || r.Types[0].Chunks != 700 {
			t.Errorf("resumed: %+v", r)
		}
		if model.texts != 700 {
			t.Errorf("%d texts were embedded, of 700", model.texts)
		}
		res, err := org.Search(t.Context(), search.Query{Text: "weather ", Limit: 1})
		if err != nil || res.Total != 700 || res.Degraded {
			t.Errorf("found %+v, %v", res, err)
		}
	})
}
