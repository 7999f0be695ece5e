//go:build !race

package search_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/searchtest"
)

// Two organizations in one database do at random what users do, and so does
// each of them alone in a database of another kind. Everything that a search
// says must be the same, scores and cursors included. Merges happen at other
// times, so they must not show either.
func TestOrganizationsEqualSeparateDatabases(t *testing.T) {
	rounds := 120
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CURATORE_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("CURATORE_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("CURATORE_TEST_SEED=%d repeats this", seed)
	for _, kinds := range [][2]string{{database.SQLite, database.Postgres}, {database.Postgres, database.SQLite}} {
		t.Run("together on "+kinds[0], func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			together := searchtest.New(t, databasetest.Open(t, kinds[0]))
			type tenant struct {
				in, alone  *searchtest.Fixture
				here, away content.Scope
			}
			var tenants []tenant
			for _, name := range []string{"one", "two"} {
				alone := searchtest.New(t, databasetest.Open(t, kinds[1]))
				tenants = append(tenants, tenant{together, alone, together.Organization(name), alone.Organization(name)})
			}
			searches, found := 0, 0
			for round := range rounds {
				x := tenants[rnd.IntN(2)]
				switch rnd.IntN(10) {
				case 0, 1, 2:
					docs := randomDocuments(rnd, 1+rnd.IntN(25))
					diffs(t, round, "put", x.in.Put(x.here, docs...), x.alone.Put(x.away, docs...))
				case 3:
					var ids []string
					for range rnd.IntN(20) {
						ids = append(ids, fmt.Sprintf("doc%03d", rnd.IntN(80)))
					}
					diffs(t, round, "delete", x.in.Delete(x.here, "crm_account", ids...), x.alone.Delete(x.away, "crm_account", ids...))
				case 4:
					x.in.Merge(x.here)
				case 5:
					x.alone.Merge(x.away)
				default:
					q := randomQuery(rnd)
					for page := 0; page < 3; page++ {
						got, want := x.in.Search(x.here, q), x.alone.Search(x.away, q)
						diffs(t, round, fmt.Sprintf("page %d of %+v", page, q), want, got)
						searches++
						found += got.Total
						if q.Offset, q.Cursor = 0, got.NextCursor; q.Cursor == "" {
							break
						}
					}
				}
			}
			if searches == 0 || found == 0 {
				t.Errorf("%d searches found %d documents: nothing was tested", searches, found)
			}
		})
	}
}

func diffs(t *testing.T, round int, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("round %d, %s (-alone +together):\n%s", round, what, d)
	}
}

// FuzzSearch holds that no text is an error, on either database, and that both
// say the same.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{`cloud "state of the`, "(*)", "a OR b NEAR c", "'; DROP TABLE search_chunks; --", "北京", "\x00\xff", "?1 $1 :x @y", strings.Repeat("ab ", 3000)} {
		f.Add(s)
	}
	var fixtures []*searchtest.Fixture
	var scopes []content.Scope
	for _, kind := range []string{database.SQLite, database.Postgres} {
		x := searchtest.New(f, databasetest.Open(f, kind))
		org := x.Organization("one")
		x.Put(org, randomDocuments(rand.New(rand.NewPCG(1, 2)), 60)...)
		fixtures, scopes = append(fixtures, x), append(scopes, org)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var results [2]*search.Result
		for i, x := range fixtures {
			res, err := x.Searcher.Search(t.Context(), scopes[i], search.Query{Text: text, Limit: 5})
			if err != nil {
				t.Fatalf("%.100q: %v", text, err)
			}
			results[i] = res
		}
		if d := cmp.Diff(results[0], results[1]); d != "" {
			t.Fatalf("%.100q (-sqlite +postgres):\n%s", text, d)
		}
	})
}
