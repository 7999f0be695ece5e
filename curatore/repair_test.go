package curatore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// Whatever is lost of an organization's index, VerifyIndex tells, and Reindex
// repairs it.
func TestReindexRepairsTheIndex(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn, p, config := databasetest.DSN(t, kind), &pad{notes: notes(60)}, curatore.Config{Embedder: &bag{}}
		p.notes[5].Text = strings.Repeat("A weather sentence of some length that goes on. ", 300)
		config.Database = dsn
		damages := []string{
			"DELETE FROM search_chunks WHERE title = 'Note 7' AND organization_id = ?",
			"DELETE FROM search_chunks WHERE chunk_index > 3 AND organization_id = ?",
			"DELETE FROM search_chunks WHERE organization_id = ?",
			"DELETE FROM search_postings WHERE block = 0 AND organization_id = ?",
			"DELETE FROM search_segments WHERE organization_id = ?",
			"DELETE FROM search_columns WHERE organization_id = ?",
			"DELETE FROM search_columns WHERE name = '#chunks' AND organization_id = ?",
			"DELETE FROM search_columns WHERE name = '#terms' AND organization_id = ?",
			"DELETE FROM search_columns WHERE name = 'type' AND organization_id = ?",
			"UPDATE search_columns SET data = (SELECT data FROM search_columns WHERE name = 'type' LIMIT 1) WHERE name = '#chunks' AND organization_id = ?",
			"DELETE FROM search_vectors WHERE chunk < 10 AND organization_id = ?",
		}
		c, sound := openPad(t, config, p)
		run, err := sound.Import(t.Context(), "pad")
		finish(t, run, err)
		for _, damage := range damages {
			run, err := organization(t, c, damage).Import(t.Context(), "pad")
			finish(t, run, err)
		}
		closed(t, c)
		db := databasetest.OpenDSN(t, dsn)
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for _, damage := range damages {
				var id string
				if err := tx.Get(ctx, &id, "SELECT id FROM organizations WHERE name = ?", damage); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, damage, id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		c, sound = openPad(t, config, p) // with nothing in memory
		defer closed(t, c)
		if r := verify(t, sound); !r.Sound() {
			t.Errorf("VerifyIndex says of an organization that was left alone %+v", r)
		}
		for _, damage := range damages {
			org := organization(t, c, damage)
			if r := verify(t, org); r.Sound() {
				t.Errorf("%s: VerifyIndex says %+v", damage, r)
			}
			run, err := org.Reindex(t.Context(), "")
			finish(t, run, err)
			if r := verify(t, org); !r.Sound() || r.Types[0].Records != 60 {
				t.Errorf("%s: after Reindex VerifyIndex says %+v", damage, r)
			}
			for _, q := range []search.Query{{}, {Text: "weather "}, {Text: "weather ", Mode: search.ModeKeyword}, {Text: "weather ", Mode: search.ModeVector}} {
				if res, err := org.Search(t.Context(), q); err != nil || res.Total != 60 || res.Degraded {
					t.Errorf("%s: after Reindex %+v finds %+v, %v", damage, q, res, err)
				}
			}
		}
	})
}
