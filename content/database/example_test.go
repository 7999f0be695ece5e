package database_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// One address, one set of statements: with "postgres://…" in place of the file
// the rest stays as it is.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(dir, "example.db"), database.Options{})
	if err != nil {
		panic(err)
	}
	defer db.Close()

	err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		if err := tx.Run(ctx, "CREATE TABLE notices (id "+d.Type(content.String)+" PRIMARY KEY, pages "+d.Type(content.Int)+")"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO notices (id, pages) VALUES "+database.Rows(2, 2), "n-1", 12, "n-2", 30)
		return err
	})
	fmt.Println("written:", err)

	err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO notices (id, pages) VALUES (?, ?)", "n-1", 1)
		return err
	})
	fmt.Println("the key is taken:", errors.Is(err, content.ErrConflict))

	var pages int
	err = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT sum(pages) FROM notices WHERE pages > ?", 10).Scan(&pages)
	})
	fmt.Println("pages:", pages, err)
	// Output:
	// written: <nil>
	// the key is taken: true
	// pages: 42 <nil>
}
