package database_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/curatore/curatore-go/content/database"
)

// openedBy names the variable that makes the test binary a process which opens
// the given database, writes to it, and ends.
const openedBy = "CURATORE_TEST_OPENS"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(openedBy); dsn != "" {
		if err := openAndWrite(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openAndWrite(dsn string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, dsn, database.Options{})
	if err != nil {
		return err
	}
	err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Run(ctx, "CREATE TABLE IF NOT EXISTS opened (pid BIGINT)"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO opened (pid) VALUES (?)", os.Getpid())
		return err
	})
	if err != nil {
		return err
	}
	return db.Close()
}
