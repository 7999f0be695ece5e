package search_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/migrations"
	"github.com/curatore/curatore-go/search"
)

// Programs search through the organization they opened; this is what happens
// below.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "search")
	check(err)
	defer os.RemoveAll(dir)
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(dir, "example.db"), database.Options{})
	check(err)
	defer db.Close()
	check(migrations.Up(ctx, db, migrations.Core))

	registry, err := content.NewRegistry(content.DefineDynamic(
		content.Spec[content.Dynamic]{Name: "helpdesk_ticket", Label: "Ticket", Group: "helpdesk"},
		content.FieldSpec{Name: "ticket_id", Kind: content.String, Roles: content.Key},
		content.FieldSpec{Name: "subject", Kind: content.String, Roles: content.Title},
		content.FieldSpec{Name: "status", Kind: content.String, Roles: content.Facet},
	))
	check(err)
	authority := content.NewAuthority()
	acme := authority.Mint("acme", "example")
	config := search.Config{DB: db, Authority: authority, Registry: registry}
	indexer, searcher := search.NewIndexer(config), search.NewSearcher(config)

	ticket := func(id, status, subject, text string) content.Document {
		return content.Document{ID: id, Type: "helpdesk_ticket", Group: "helpdesk", Title: subject, Text: text,
			Metadata: map[string]any{"helpdesk": map[string]any{"status": status}}}
	}
	check(db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES ('acme', 'acme', ?)", tx.Dialect().Time(time.Now()))
		if err != nil {
			return err
		}
		_, err = indexer.Put(ctx, tx, acme, []content.Document{
			ticket("1", "open", "Printer on fire", "It printed the <invoice> and then burned."),
			ticket("2", "closed", "Printer out of paper", "There is none in the whole house."),
			ticket("3", "open", "Coffee machine", "It says that it needs descaling."),
		})
		return err
	}))

	res, err := searcher.Search(ctx, acme, search.Query{Text: "printing invoices", Facets: []string{"helpdesk.status"}})
	check(err)
	fmt.Println(res.Total, "found")
	for _, h := range res.Hits {
		fmt.Println(h.Label, h.ID, h.Highlights)
	}
	fmt.Println(res.Facets["helpdesk.status"])
	// Output:
	// 1 found
	// Ticket 1 map[content:[It <mark>printed</mark> the &lt;<mark>invoice</mark>&gt; and then burned.]]
	// [{open open 1}]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
