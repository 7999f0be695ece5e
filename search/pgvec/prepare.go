package pgvec

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
)

// table is made here and not by a migration, because its column needs the
// extension. All models stand in one column without a dimension; each has a
// partial index in which it has one.
const table = `CREATE TABLE IF NOT EXISTS search_vectors (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    model           TEXT COLLATE "C" NOT NULL,
    chunk           BIGINT NOT NULL,
    embedding       VECTOR NOT NULL,
    PRIMARY KEY (organization_id, model, chunk)
)`

// oldest is the oldest version of pgvector that this package works with: the
// first one whose index goes on when too few of its hits pass a filter.
var oldest = [2]int{0, 8}

// Prepare makes the extension and the table when they are not there. Call it
// once before the first use, with the core's migrations applied; many processes
// may do so at once. It fails on a server without pgvector, on one whose pgvector
// is older than 0.8, and where the role may not create the extension and nobody
// else has; the error says what to do.
func (x *Index) Prepare(ctx context.Context, db *database.DB) error {
	if db.Dialect().Name() != database.Postgres {
		return errors.New("prepare vectors: pgvec works on Postgres only; use search/flatvec for SQLite")
	}
	ready, err := prepared(ctx, db)
	if err != nil || ready {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Lock(ctx, "curatore vectors prepare"); err != nil {
			return err
		}
		if err := extension(ctx, tx); err != nil {
			return err
		}
		if err := tx.Run(ctx, table); err != nil {
			return fmt.Errorf("prepare vectors: create the table search_vectors: %w", err)
		}
		return nil
	})
}

// prepared reports whether nothing is left to do.
func prepared(ctx context.Context, db *database.DB) (ready bool, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		version, err := installed(ctx, tx)
		if err != nil || version == "" {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT to_regclass('search_vectors') IS NOT NULL").Scan(&ready); err != nil {
			return fmt.Errorf("prepare vectors: %w", err)
		}
		return recent(version)
	})
	return ready, err
}

// installed returns the version of pgvector in this database, "" for none.
func installed(ctx context.Context, tx *database.Tx) (version string, err error) {
	err = tx.QueryRow(ctx, "SELECT extversion FROM pg_extension WHERE extname = 'vector'").Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("prepare vectors: look for pgvector: %w", err)
	}
	return version, nil
}

// extension makes sure that there is a pgvector to work with.
func extension(ctx context.Context, tx *database.Tx) error {
	version, err := installed(ctx, tx)
	if err != nil {
		return err
	}
	if version == "" {
		var available bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')").Scan(&available); err != nil {
			return fmt.Errorf("prepare vectors: look for pgvector: %w", err)
		}
		if !available {
			return errors.New("prepare vectors: this Postgres server does not have the extension pgvector; install it on the server (package postgresql-NN-pgvector), or use no embedder")
		}
		if err := tx.Run(ctx, "CREATE EXTENSION IF NOT EXISTS vector"); err != nil {
			var e *pq.Error
			if errors.As(err, &e) && e.Code == "42501" { // insufficient privilege
				return fmt.Errorf("prepare vectors: the database role may not create the extension pgvector; run CREATE EXTENSION vector in this database once as an administrator, or use no embedder: %w", err)
			}
			return fmt.Errorf("prepare vectors: create the extension pgvector: %w", err)
		}
		if version, err = installed(ctx, tx); err != nil {
			return err
		}
	}
	return recent(version)
}

// recent refuses a pgvector that is too old.
func recent(version string) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("prepare vectors: pgvector has the version %q, which cannot be read: %w", version, err)
	}
	if major < oldest[0] || major == oldest[0] && minor < oldest[1] {
		return fmt.Errorf("prepare vectors: pgvector is %s, at least %d.%d is needed; install it and run ALTER EXTENSION vector UPDATE", version, oldest[0], oldest[1])
	}
	return nil
}
