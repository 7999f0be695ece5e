package connectors_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// Contract is what the connection of the example imports.
type Contract struct {
	content.Record
	Number string  `db:"number" content:"key"`
	Title  string  `db:"title" content:"title"`
	Agency string  `db:"agency" content:"facet"`
	Value  float64 `db:"value" content:"sort"`
}

// A connection declares its types and how they are read. Rows is enough for a
// source that gives all of its records each time: what it does not give any more
// is deleted, and what has not changed is not written again.
func Example() {
	source := []*Contract{
		{Number: "W-17", Title: "Cloud migration", Agency: "Navy", Value: 1_200_000},
		{Number: "W-18", Title: "Help desk", Agency: "Army", Value: 300_000},
		{Number: "W-19", Title: "Office chairs", Agency: "Navy", Value: 40_000},
	}
	contracts := content.Define(content.Spec[Contract]{Name: "contract", Label: "Contract"})
	connection := connectors.New(connectors.Spec[struct{}]{
		Name: "contracts", Label: "Contracts", Types: []*content.Type{contracts},
		Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
			return connectors.Streams{connectors.Rows(contracts, func(context.Context) iter.Seq2[*Contract, error] {
				return func(yield func(*Contract, error) bool) {
					for _, c := range source {
						if row := *c; !yield(&row, nil) {
							return
						}
					}
				}
			})}, nil
		},
	})

	ctx := context.Background()
	dir, err := os.MkdirTemp("", "contracts")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "contracts.db")}, connection)
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	load := func() {
		run, err := org.Import(ctx, "contracts")
		check(err)
		result, err := run.Wait(ctx)
		check(err)
		n := result.Streams["contract"]
		fmt.Printf("%d created, %d updated, %d unchanged, %d deleted\n", n.Created, n.Updated, n.Unchanged, n.Deleted)
	}
	load()
	source[0].Title = "Cloud migration, phase two"
	source = source[:2]
	load()

	found, err := org.Search(ctx, search.Query{Text: "migration"})
	check(err)
	for _, hit := range found.Hits {
		fmt.Println(hit.Label, hit.Title, found.Facets["type"])
	}
	// Output:
	// 3 created, 0 updated, 0 unchanged, 0 deleted
	// 0 created, 1 updated, 1 unchanged, 1 deleted
	// Contract Cloud migration, phase two [{contract Contract 1}]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
