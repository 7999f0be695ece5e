// Package database opens the one database a program uses, SQLite or Postgres,
// and makes the two look alike to the floors above.
//
// Code that supports two databases tends to grow ifs: another placeholder,
// another type name, another idea of time, other error codes, one writer here
// and many there. They are all settled in this package: transactions through
// [DB.Write] and [DB.Read], differences in SQL in a small [Dialect] value,
// driver errors turned into the errors of package content. SQL is still
// written by hand and in the open, with `?` for values.
//
// The package knows no organizations: a [Tx] sees all rows. It is for the
// packages of this module, which check a content.Scope before they use one.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Options are the rarely needed settings of [Open]. The zero value is ready to
// use.
type Options struct {
	MaxConnections int          // Postgres connections for writes, as many for reads, and as many for Peek and AutoCommit; SQLite readers; 0 means 10 and 4
	Logger         *slog.Logger // nil is silent
	// Fault is asked before each statement, and before each begin and commit of a
	// transaction; its error is that of the call, which does not happen. It is for
	// tests of what becomes of a program whose database fails. Nil: none fails.
	Fault func(statement string) error
}

// A DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	write   *pool // SQLite: of one connection
	read    *pool // Postgres: the same as write, begun differently
	peek    *pool // SQLite: read
	auto    *pool // SQLite: write, with a transaction; Postgres: peek
	dsn     string
	fault   func(statement string) error
}

// Open opens "sqlite:PATH" (the file is created when it is missing) or
// "postgres://USER:PASSWORD@HOST/NAME". It connects once, so that a wrong
// address is an error here and not later. It creates no tables.
func Open(ctx context.Context, dsn string, opts Options) (*DB, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	switch scheme {
	case "sqlite", "sqlite3", "file":
		db, err := openSQLite(ctx, strings.TrimPrefix(rest, "//"), opts)
		return db.faulty(opts), err
	case "postgres", "postgresql":
		db, err := openPostgres(ctx, dsn, opts)
		return db.faulty(opts), err
	}
	return nil, fmt.Errorf("open database %q: use sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME", Redact(dsn))
}

// faulty sets what makes calls fail.
func (db *DB) faulty(opts Options) *DB {
	if db != nil {
		db.fault = opts.Fault
	}
	return db
}

// fail asks whether a call is to fail.
func (db *DB) fail(statement string) error {
	if db.fault == nil {
		return nil
	}
	return db.fault(statement)
}

// Dialect tells which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Close closes all connections. Transactions that are still open fail.
func (db *DB) Close() error {
	err := errors.Join(db.write.close(), db.read.close())
	if db.peek != db.read {
		err = errors.Join(err, db.peek.close())
	}
	return err
}

// inWrite is the context key of a Write in progress on a DB.
type inWrite struct{ db *DB }

// Write runs do in a read-write transaction, which is committed when do returns
// nil and rolled back otherwise, panics included. On SQLite there is one writer
// at a time, in all processes: keep what do does under 250 ms, and never write
// inside it through anything but its Tx. A Write inside a Write of the same DB
// panics, because on SQLite it would wait for itself.
//
// Errors of the driver come back as those of package content: ErrConflict,
// ErrBusy (a lost connection too), ErrNoWrites, ErrNotFound for no rows. A cancelled
// context gives its cause. A statement that failed fails the transaction, on Postgres
// by nature and on SQLite alike: when do returns nil in spite of it, nothing is
// stored and Write returns that error.
func (db *DB) Write(ctx context.Context, do func(ctx context.Context, tx *Tx) error) error {
	if ctx.Value(inWrite{db}) != nil {
		panic("database: Write inside a Write would deadlock on SQLite; use the transaction at hand")
	}
	return db.run(context.WithValue(ctx, inWrite{db}, true), db.write, do)
}

// inRead is the context key of a Read in progress on a DB.
type inRead struct{ db *DB }

// Read runs do in a read-only transaction that sees one state of the database
// from beginning to end. Writing in it is an error. It holds one of a few
// connections, so a Read inside a Read of the same DB panics: enough callers at
// once would wait for each other.
func (db *DB) Read(ctx context.Context, do func(ctx context.Context, tx *Tx) error) error {
	if ctx.Value(inRead{db}) != nil {
		panic("database: Read inside a Read would wait for itself once all connections are taken; use the transaction at hand")
	}
	return db.run(context.WithValue(ctx, inRead{db}, true), db.read, do)
}

// Peek runs do without a transaction: each statement sees what is committed when
// it begins, so that two may see different states, and none may write. It is for
// what a single statement can answer, or find out to be over: on a server, begin
// and commit take longer than most queries, and so does planning: on Postgres
// statements are planned once on each connection, without regard to their values,
// and to go by indexes. A connection that was lost while it
// was idle is an error here, of kind content.ErrBusy.
func (db *DB) Peek(ctx context.Context, do func(ctx context.Context, tx *Tx) error) error {
	if ctx.Value(inRead{db}) != nil {
		panic("database: Peek inside a Read would wait for itself once all connections are taken; use the transaction at hand")
	}
	return db.without(context.WithValue(ctx, inRead{db}, true), db.peek, &Tx{dialect: db.dialect, peek: true, fail: db.fail}, do)
}

// AutoCommit is Peek for a statement that writes, and is committed as soon as it has
// run: what comes behind it cannot take it back. On SQLite, where begin and commit
// cost next to nothing, it is Write. When the connection is lost, the statement may
// have been carried out or not; the error is of kind content.ErrBusy.
func (db *DB) AutoCommit(ctx context.Context, do func(ctx context.Context, tx *Tx) error) error {
	if db.auto == db.write {
		return db.Write(ctx, do)
	}
	if ctx.Value(inWrite{db}) != nil {
		panic("database: AutoCommit inside a Write would deadlock on SQLite; use the transaction at hand")
	}
	return db.without(context.WithValue(ctx, inWrite{db}, true), db.auto, &Tx{dialect: db.dialect, fail: db.fail}, do)
}

// without runs do without a transaction, on a connection that tx has for as long.
func (db *DB) without(ctx context.Context, p *pool, tx *Tx, do func(ctx context.Context, tx *Tx) error) error {
	c, err := p.borrow(ctx)
	if err != nil {
		return domainError(ctx, err)
	}
	tx.conn = c
	defer func() {
		tx.end()
		p.give(c, tx.failed == nil && ctx.Err() == nil)
		for _, do := range tx.after {
			do(!tx.peek && tx.failed == nil)
		}
	}()
	return domainError(ctx, do(ctx, tx))
}

func (db *DB) run(ctx context.Context, p *pool, do func(context.Context, *Tx) error) (err error) {
	if err := db.fail(p.beginText); err != nil {
		return domainError(ctx, err)
	}
	c, err := p.begin(ctx)
	if err != nil {
		return domainError(ctx, err)
	}
	committed := false
	tx := &Tx{conn: c, dialect: db.dialect, read: p == db.read, fail: db.fail}
	defer func() { // when the connection is back in its pool
		for _, do := range tx.after {
			do(committed && err == nil)
		}
	}()
	defer func() {
		if !committed {
			_ = p.end(ctx, c, "ROLLBACK") // the error or panic that led here is the one to report
		}
	}()
	defer tx.end() // before the connection is given back
	if err := do(ctx, tx); err != nil {
		return domainError(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return domainError(ctx, err)
	}
	if tx.failed != nil {
		return domainError(ctx, fmt.Errorf("the transaction was rolled back, because a statement in it failed and the error was ignored: %w", tx.failed))
	}
	if err := db.fail(p.commitText); err != nil {
		return domainError(ctx, err)
	}
	tx.end()
	committed = true
	return domainError(ctx, p.end(ctx, c, p.commitText))
}

// SQL returns the pool for writes, for libraries that bring their own
// statements (migrations). It bypasses every Scope.
func (db *DB) SQL() *sql.DB { return db.write.db.DB }
