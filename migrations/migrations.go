// Package migrations brings the tables of a database up to date.
//
// A library that keeps its data in a database cannot ask its users to run SQL
// files by hand in the right order at each upgrade, nor may it guess. The files
// here are embedded, numbered, written for both databases, and run by goose in
// the program itself: the core's always, those of a built-in connection when it
// is registered. Many processes may do so at the same moment.
//
// Each component (the core, a connection) has a folder, its own numbering and
// its own table of versions. The files of connections are printed from their
// declarations and held against them by tests.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

//go:embed */sqlite/*.sql */postgres/*.sql
var files embed.FS

// Core is the component that every database has.
const Core = "core"

// Has reports whether there are migrations for a component.
func Has(component string) bool {
	info, err := fs.Stat(files, component)
	return err == nil && info.IsDir()
}

// FS returns the migration files of a component for a database.
func FS(component string, d database.Dialect) (fs.FS, error) {
	if !Has(component) {
		return nil, fmt.Errorf("%w: there are no migrations for %q", content.ErrNotFound, component)
	}
	return fs.Sub(files, component+"/"+d.Name())
}

// Up applies the migrations of a component that the database does not have yet.
// Processes that do so at the same time wait for each other.
func Up(ctx context.Context, db *database.DB, component string) error {
	return run(ctx, db, component, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// Down takes all migrations of a component back, and the data with them. Take
// the connections back before the core.
func Down(ctx context.Context, db *database.DB, component string) error {
	return run(ctx, db, component, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	})
}

func run(ctx context.Context, db *database.DB, component string, do func(*goose.Provider) error) error {
	dir, err := FS(component, db.Dialect())
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithTableName("migrations_" + component), goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if db.Dialect().Name() == database.Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return fmt.Errorf("migrate %s: %w", component, err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	// SQLite has no lock that outlives a transaction, so processes that start on
	// a new file at once run into each other. Each migration is a transaction,
	// so the one that loses finds the winner's work when it looks again.
	for deadline := time.Now().Add(30 * time.Second); ; {
		provider, err := goose.NewProvider(dialect, db.SQL(), dir, options...)
		if err == nil {
			err = do(provider)
		}
		switch {
		case err == nil:
			return nil
		case !raced(db, err) || time.Now().After(deadline):
			return fmt.Errorf("migrate %s: %w", component, err)
		}
		select {
		case <-time.After(time.Duration(10+rand.IntN(40)) * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// raced reports whether an error can come from another process that migrates
// the same SQLite file.
func raced(db *database.DB, err error) bool {
	if db.Dialect().Name() != database.SQLite {
		return false
	}
	if errors.Is(err, content.ErrBusy) {
		return true
	}
	for _, sign := range []string{"already exists", "duplicate column name", "database is locked", "SQLITE_BUSY", "UNIQUE constraint failed", "no such table: migrations_"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}
