package curatore_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// A paper is a record whose text stands in the object store.
type paper struct {
	content.Record
	Number string `db:"number" content:"key"`
	Name   string `db:"name"   content:"title"`
	File   string `db:"file"   content:"object,filter"`
}

// The text of a type may stand in objects: it is read, and found by search. The
// objects of another organization are not read, whatever the record says.
func TestTextInObjects(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		ctx, dsn, store := t.Context(), databasetest.DSN(t, kind), newRemote(t)
		var rows []*paper
		typ := content.Define(content.Spec[paper]{Name: "paper", Label: "Paper", Text: content.TextObject})
		papers := connectors.New(connectors.Spec[struct{}]{Name: "papers", Label: "Papers", Types: []*content.Type{typ},
			Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
				return connectors.Streams{connectors.Rows(typ, func(context.Context) iter.Seq2[*paper, error] {
					return func(yield func(*paper, error) bool) {
						for _, row := range rows {
							if !yield(row, nil) {
								return
							}
						}
					}
				})}, nil
			}})
		c, err := curatore.Open(ctx, curatore.Config{Database: dsn, Objects: store}, papers)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		one, two := organization(t, c, "one"), organization(t, c, "two")
		ids := map[string]string{}
		if err := databasetest.OpenDSN(t, dsn).Read(ctx, func(ctx context.Context, tx *database.Tx) error {
			for _, name := range []string{"one", "two"} {
				var id string
				if err := tx.Get(ctx, &id, "SELECT id FROM organizations WHERE name = ?", name); err != nil {
					return err
				}
				ids[name] = id
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		key := ids["one"] + "/papers/paper/0199"
		if _, err := store.Put(ctx, key, strings.NewReader("All about zymurgy, \xff and brewing."), blob.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		imported := func(org *curatore.Organization, list ...*paper) *connectors.Result {
			t.Helper()
			rows = list
			run, err := org.Import(ctx, "papers")
			if err != nil {
				t.Fatal(err)
			}
			result, err := run.Wait(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return result
		}
		if r := imported(one, &paper{Number: "1", Name: "Beer", File: key}, &paper{Number: "2", Name: "Without"}, &paper{Number: "3", Name: "Lost", File: ids["one"] + "/papers/paper/none"}); r.Streams["paper"].Indexed != 2 || r.Streams["paper"].IndexFailed != 1 {
			t.Errorf("%+v", *r.Streams["paper"])
		}
		found, err := one.Search(ctx, search.Query{Text: "zymurgy"})
		if err != nil || len(found.Hits) != 1 || found.Hits[0].Title != "Beer" {
			t.Fatalf("%+v, %v", found, err)
		}
		text, err := one.Text(ctx, "paper", found.Hits[0].ID)
		if err != nil || text != "All about zymurgy, \uFFFD and brewing." {
			t.Errorf("%q, %v", text, err)
		}
		page, err := one.List(ctx, "paper", curatore.ListQuery{})
		if err != nil || len(page.Items) != 3 {
			t.Fatal(page.Items, err)
		}
		for _, item := range page.Items {
			text, err := one.Text(ctx, "paper", item.ID)
			if item.Title == "Without" && (text != "" || err != nil) || item.Title == "Lost" && !errors.Is(err, content.ErrNotFound) {
				t.Errorf("%s: %q, %v", item.Title, text, err)
			}
		}

		imported(two, &paper{Number: "1", Name: "Stolen", File: key})
		if found, err = two.Search(ctx, search.Query{Text: "zymurgy"}); err != nil || len(found.Hits) != 0 {
			t.Errorf("found what is another organization's: %+v, %v", found.Hits, err)
		}
		if page, err = two.List(ctx, "paper", curatore.ListQuery{}); err != nil || len(page.Items) != 1 {
			t.Fatal(page.Items, err)
		}
		if text, err := two.Text(ctx, "paper", page.Items[0].ID); !errors.Is(err, content.ErrNotFound) || text != "" {
			t.Errorf("read what is another organization's: %q, %v", text, err)
		}
	})
}
