package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/curatore/curatore-go/content"
)

// sqlitePragmas are set on each connection, in this order: the time-out comes
// first, because switching to WAL already needs a lock.
var sqlitePragmas = []string{
	"busy_timeout(5000)",       // ms that a statement waits for another process's transaction
	"journal_mode(WAL)",        // readers and the writer do not block each other
	"foreign_keys(1)",          // off by default
	"synchronous(NORMAL)",      // safe with WAL against crashes of the program; a power cut may lose the last commits
	"cache_size(-8192)",        // 8 MB per connection; more is no faster
	"temp_store(MEMORY)",       //
	"wal_autocheckpoint(4000)", // pages; a bulk load that checkpoints each 4 MB writes the same index pages again and again
}

func openSQLite(ctx context.Context, path string, opts Options) (*DB, error) {
	name, _, _ := strings.Cut(path, "?")
	if name == "" || strings.Contains(path, ":memory:") || strings.Contains(path, "mode=memory") {
		return nil, errors.New("open database: an in-memory SQLite database cannot be shared by the reader and writer connections; give a file, such as sqlite:curatore.db")
	}
	if strings.Contains(path, "?") {
		return nil, fmt.Errorf("open database sqlite:%s: options after ? are not taken; curatore sets the pragmas itself", path)
	}
	if dir := filepath.Dir(name); dir != "." {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("open database sqlite:%s: the folder %s does not exist; create it first", path, dir)
		}
	}
	escaped := strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f").Replace(name)
	dsn := "file:" + escaped + "?_pragma=" + strings.Join(sqlitePragmas, "&_pragma=")
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database sqlite:%s: %w", path, err)
	}
	read, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database sqlite:%s: %w", path, err), write.Close())
	}
	db := &DB{
		dialect: Dialect{SQLite},
		// sqlx does not know the driver's name "sqlite"; it goes by "sqlite3"
		write: newPool(sqlx.NewDb(write, "sqlite3"), "BEGIN IMMEDIATE", "COMMIT", 1),
		read:  newPool(sqlx.NewDb(read, "sqlite3"), "BEGIN", "COMMIT", cmp.Or(opts.MaxConnections, 4)),
	}
	db.peek, db.auto = db.read, db.write
	// Several processes that open a new file at once meet while switching it to
	// WAL, where SQLite reports "busy" without waiting.
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := db.Write(ctx, func(context.Context, *Tx) error { return nil })
		if err == nil {
			return db, nil
		}
		if !errors.Is(err, content.ErrBusy) || time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("open database sqlite:%s: %w", path, err), db.Close())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), db.Close())
		}
	}
}

// sqliteError tells the domain error of an SQLite error, or nil.
func sqliteError(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return content.ErrBusy
	case sqlite3.SQLITE_CONSTRAINT:
		return content.ErrConflict
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY:
		return content.ErrNoWrites
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // a full disk, too
		return content.ErrNoWrites
	}
	return nil
}
