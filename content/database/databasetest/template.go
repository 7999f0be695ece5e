package databasetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/migrations"
)

// sqliteTemplate is the content of an SQLite file with the core's tables.
var sqliteTemplate = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "databasetest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "template.db")
	if err := migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// copyTemplate writes an SQLite file with the core's tables.
func copyTemplate(path string) error {
	content, err := sqliteTemplate()
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// migrate makes the core's tables in a database.
func migrate(ctx context.Context, dsn string) (err error) {
	db, err := database.Open(ctx, dsn, database.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return migrations.Up(ctx, db, migrations.Core)
}

// templateLock is the advisory lock under which a template is made.
const templateLock = 7_204_911

// postgresTemplate returns the name of a database with the core's tables. It is
// named for the migrations, made by the first process that needs it, and stays on
// the server for those to come.
func postgresTemplate(ctx context.Context, admin *sql.DB) (name string, err error) {
	version, err := versionOfCore()
	if err != nil {
		return "", err
	}
	name = "curatore_template_" + version
	conn, err := admin.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	exists := func() (yes bool, err error) {
		err = conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&yes)
		return yes, err
	}
	if yes, err := exists(); err != nil || yes {
		return name, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", err
	}
	defer func() {
		_, unlocked := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", templateLock)
		err = errors.Join(err, unlocked)
	}()
	if yes, err := exists(); err != nil || yes {
		return name, err
	}
	unfinished := name + "_unfinished"
	address, err := addressOf(unfinished)
	if err != nil {
		return "", err
	}
	for _, step := range []func() error{
		func() error { return exec(ctx, conn, `DROP DATABASE IF EXISTS %q WITH (FORCE)`, unfinished) },
		func() error {
			return exec(ctx, conn, `CREATE DATABASE %q TEMPLATE template0 ENCODING 'UTF8'`, unfinished)
		},
		func() error { return migrate(ctx, address) },
		func() error { return exec(ctx, conn, `ALTER DATABASE %q RENAME TO %q`, unfinished, name) },
	} {
		if err := step(); err != nil {
			return "", err
		}
	}
	return name, nil
}

func exec(ctx context.Context, conn *sql.Conn, statement string, names ...any) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf(statement, names...))
	return err
}

// versionOfCore is a hash of the core's migrations for Postgres.
func versionOfCore() (string, error) {
	files, err := migrations.FS(migrations.Core, database.DialectOf(database.Postgres))
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		hash.Write([]byte(path))
		hash.Write(content)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}
