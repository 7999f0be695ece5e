package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/migrations"
)

// Ticket is one support ticket.
type Ticket struct {
	content.Record
	TicketID string  `db:"ticket_id" content:"key"`
	Subject  string  `db:"subject" content:"title"`
	Status   string  `db:"status" content:"facet"`
	Hours    float64 `db:"hours" content:"sort"`
}

// One declaration is enough for a table, its upsert, lists and counts.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(dir, "tickets.db"), database.Options{})
	check(err)
	defer db.Close()
	check(migrations.Up(ctx, db, migrations.Core))

	tickets := content.Define(content.Spec[Ticket]{Name: "ticket", Label: "Ticket", Group: "helpdesk"})
	registry, err := content.NewRegistry(tickets)
	check(err)
	check(store.Ensure(ctx, db, tickets))
	authority := content.NewAuthority()
	s := store.New(db, registry, authority)
	check(db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "acme-id", "acme", tx.Dialect().Time(time.Now()))
		return err
	}))
	scope := authority.Mint("acme-id", "ann")

	for _, hours := range []float64{2, 3} { // the second time one has changed
		check(db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			n, err := s.Upsert(ctx, tx, scope, tickets, store.Batch{Rows: []content.Row{
				&Ticket{TicketID: "T-1", Subject: "Printer burns", Status: "open", Hours: hours},
				&Ticket{TicketID: "T-2", Subject: "Mouse lost", Status: "open", Hours: 0.5},
				&Ticket{TicketID: "T-3", Subject: "Screen dark", Status: "closed", Hours: 1},
			}})
			fmt.Printf("%+v\n", n)
			return err
		}))
	}

	page, err := s.List(ctx, scope, tickets, store.Query{
		Filters: []content.Filter{{Field: "status", Op: content.Equal, Values: []string{"open"}}},
		Order:   []store.Order{{Field: "hours", Desc: true}}, Total: true,
	})
	check(err)
	for _, row := range page.Items {
		fmt.Println(row.(*Ticket).Subject, row.(*Ticket).Hours)
	}
	groups, err := s.Groups(ctx, scope, tickets, "status", "hours")
	check(err)
	for _, g := range groups {
		fmt.Println(g.Value, g.Count, g.Sum)
	}
	// Output:
	// {Created:3 Updated:0 Unchanged:0 Duplicates:0}
	// {Created:0 Updated:1 Unchanged:2 Duplicates:0}
	// Printer burns 3
	// Mouse lost 0.5
	// open 2 3.5
	// closed 1 1
}

// Without a database: what Ensure would run on a new one.
func ExampleUp() {
	tickets := content.Define(content.Spec[Ticket]{Name: "ticket", Label: "Ticket"})
	fmt.Print(store.Up(database.DialectOf(database.SQLite), tickets))
	// Output:
	// CREATE TABLE "tickets" (
	//     id TEXT NOT NULL,
	//     organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
	//     instance TEXT NOT NULL,
	//     created_at TEXT NOT NULL,
	//     title_key TEXT NOT NULL,
	//     updated_at TEXT NOT NULL,
	//     deleted_at TEXT,
	//     indexed_at TEXT,
	//     row_hash BLOB NOT NULL,
	//     document_hash BLOB NOT NULL,
	//     "ticket_id" TEXT NOT NULL DEFAULT '',
	//     "subject" TEXT NOT NULL DEFAULT '',
	//     "status" TEXT NOT NULL DEFAULT '',
	//     "hours" REAL NOT NULL DEFAULT 0,
	//     raw BLOB,
	//     PRIMARY KEY (organization_id, id)
	// );
	// CREATE UNIQUE INDEX "tickets_key" ON "tickets" (organization_id, instance, "ticket_id");
	// CREATE INDEX "tickets_titles" ON "tickets" (organization_id, title_key, id);
	// CREATE INDEX "tickets_to_index" ON "tickets" (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL;
	// CREATE INDEX "tickets_deleted" ON "tickets" (organization_id, deleted_at) WHERE deleted_at IS NOT NULL;
	// CREATE INDEX "tickets_by_status" ON "tickets" (organization_id, "status");
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
