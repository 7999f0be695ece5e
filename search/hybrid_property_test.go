//go:build !race

package search_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search"
)

// With vectors too, two organizations in one database are as two databases.
func TestHybridOrganizationsEqualSeparateDatabases(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			together := newHybrid(t, databasetest.Open(t, kind))
			type tenant struct {
				in, alone  *hybrid
				here, away content.Scope
			}
			var tenants []tenant
			for _, name := range []string{"one", "two"} {
				alone := newHybrid(t, databasetest.Open(t, kind))
				tenants = append(tenants, tenant{together, alone, together.Organization(name), alone.Organization(name)})
			}
			found := 0
			for round := range 60 {
				x := tenants[rnd.IntN(2)]
				switch rnd.IntN(8) {
				case 0, 1, 2:
					docs := randomDocuments(rnd, 1+rnd.IntN(25))
					diffs(t, round, "put", x.in.Put(x.here, docs...), x.alone.Put(x.away, docs...))
				case 3:
					ids := []string{fmt.Sprintf("doc%03d", rnd.IntN(80)), fmt.Sprintf("doc%03d", rnd.IntN(80))}
					diffs(t, round, "delete", x.in.Delete(x.here, "crm_account", ids...), x.alone.Delete(x.away, "crm_account", ids...))
				case 4:
					diffs(t, round, "embed", x.in.embed(x.here), x.alone.embed(x.away))
				default:
					q := randomQuery(rnd)
					q.Mode, q.Passages, q.Explain = modes[rnd.IntN(3)], rnd.IntN(3), true
					q.Fusion = []search.Fusion{search.MinMax, search.ReciprocalRank}[rnd.IntN(2)]
					for range 3 {
						got, want := x.in.Search(x.here, q), x.alone.Search(x.away, q)
						diffs(t, round, fmt.Sprintf("%+v", q), want, got)
						found += got.Total
						if q.Offset, q.Cursor = 0, got.NextCursor; q.Cursor == "" {
							break
						}
					}
				}
			}
			if found == 0 {
				t.Error("nothing was found, so nothing was tested")
			}
		})
	}
}

// No text is an error in any mode.
func TestHostileTextsInEachMode(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		h.Put(org, randomDocuments(rand.New(rand.NewPCG(3, 3)), 40)...)
		h.embed(org)
		for _, text := range []string{
			strings.Repeat("word ", 2000), strings.Repeat("x", 10_000), "the of and", "?!", `"`, `"unbalanced`, `a "b" c "`, "AND OR NOT", "a* NEAR(b) -c +d",
			"'; DROP TABLE search_vectors; --", "🚀", "北京大学", "שלום", "\x00", "plain\x00words", "\xff\xfe", "\u202eright to left", "<script>alert(1)</script>", "<mark>", "$1 ?1",
		} {
			for _, mode := range modes {
				if res, err := h.Searcher.Search(t.Context(), org, search.Query{Text: text, Mode: mode, Passages: 2, Explain: true}); err != nil {
					t.Errorf("%s %.30q: %v", mode, text, err)
				} else if res.Degraded && strings.TrimSpace(strings.Trim(text, "\x00")) != "" {
					t.Errorf("%s %.30q: %s", mode, text, res.DegradedReason)
				}
			}
		}
	})
}
