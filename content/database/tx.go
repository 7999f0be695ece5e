package database

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/jmoiron/sqlx"
)

// A Tx is a transaction of [DB.Write] or [DB.Read], or a connection without one
// of [DB.Peek]. It ends when the function
// it was given to returns, and is not safe for concurrent use. Values stand as
// `?` in a query on both databases; write no `?` anywhere else in it.
//
// Read rows to the end, or close them, before the next statement: Postgres
// refuses one while rows are open. Rows that are still open at the end of the
// transaction are closed.
type Tx struct {
	conn    *conn // nil after the end
	dialect Dialect
	failed  error       // of the first statement that failed
	rows    []*sql.Rows // that may still be open
	after   []func(committed bool)
	fail    func(statement string) error // asked before each statement
	read    bool                         // of Read
	peek    bool                         // of Peek
}

var (
	errEnded = errors.New("the transaction has ended: a Tx must not be kept after the function it was given to has returned")
	errPeek  = errors.New("nothing can be written in a Peek: use Write")
	errRows  = errors.New("rows of an earlier query are still open: read them to the end or close them before the next statement")
)

// stillOpen forgets the rows that have been closed, and reports whether others
// are left.
func (tx *Tx) stillOpen() bool {
	tx.rows = slices.DeleteFunc(tx.rows, func(r *sql.Rows) bool {
		_, err := r.Columns() // the one method that tells
		return err != nil
	})
	return len(tx.rows) > 0
}

// end closes the rows that are open and makes the Tx useless. A connection that
// is lost, or given up, would wait for the rows for ever.
func (tx *Tx) end() {
	for _, r := range tx.rows {
		_ = r.Close() // their reader is gone
	}
	tx.rows, tx.conn = nil, nil
}

// note remembers that a statement failed, and returns its error.
func (tx *Tx) note(err error) error {
	if err != nil && tx.failed == nil && !errors.Is(err, sql.ErrNoRows) {
		tx.failed = err
	}
	return err
}

// Dialect tells which database this is.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// Exec runs a statement and returns the number of rows it affected.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if tx.peek {
		return 0, tx.note(errPeek)
	}
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, tx.note(err)
	}
	return res.RowsAffected()
}

// ExecPlanned is [Tx.Exec] for a statement whose best plan is the same for all
// values, such as an INSERT of thousands of them: Postgres plans it once on each
// connection. Planning with the values would copy all of them several times.
func (tx *Tx) ExecPlanned(ctx context.Context, query string, args ...any) (int64, error) {
	if tx.dialect.Name() == SQLite {
		return tx.Exec(ctx, query, args...)
	}
	const set = "SELECT set_config('plan_cache_mode', ?, TRUE)"
	if _, err := tx.Exec(ctx, set, "force_generic_plan"); err != nil {
		return 0, err
	}
	n, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, set, planMode)
	return n, err
}

// PlanOnce makes the statements that follow in this transaction planned once on each
// connection, without regard to their values, and to go by indexes, as in [DB.Peek].
// It is for those that look up rows by their keys and come often: planning takes
// longer than they do.
func (tx *Tx) PlanOnce(ctx context.Context) error {
	if tx.dialect.Name() == SQLite {
		return nil
	}
	_, err := tx.Exec(ctx, `SELECT set_config('plan_cache_mode', ?, TRUE), set_config('enable_seqscan', 'off', TRUE),
set_config('enable_hashjoin', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE), set_config('enable_bitmapscan', 'off', TRUE)`, "force_generic_plan")
	return err
}

// Query runs a query. The caller closes the rows and asks for their error.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, tx.note(err)
	}
	if len(tx.rows) >= 16 {
		tx.stillOpen()
	}
	tx.rows = append(tx.rows, rows)
	return rows, nil
}

// QueryRow runs a query of at most one row. Without a row its Scan gives
// sql.ErrNoRows, which leaves the transaction as content.ErrNotFound.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := tx.Query(ctx, query, args...)
	return &Row{tx: tx, rows: rows, err: err}
}

// Get reads one row into a struct with `db` tags, or one column into a value.
func (tx *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	return tx.note(stmt.GetContext(ctx, dest, args...))
}

// Select reads all rows into a slice of structs with `db` tags, or of values.
func (tx *Tx) Select(ctx context.Context, dest any, query string, args ...any) error {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	return tx.note(stmt.SelectContext(ctx, dest, args...))
}

// Run executes statements that take no values and return no rows, such as DDL,
// as one text.
func (tx *Tx) Run(ctx context.Context, statements string) error {
	if tx.peek {
		return tx.note(errPeek)
	}
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.fail(statements); err != nil {
		return tx.note(err)
	}
	_, err := tx.conn.ExecContext(ctx, statements)
	return tx.note(err)
}

// Lock holds off other transactions, of this and other processes, that ask for
// the same name, until the end of this one. On SQLite a write transaction is
// alone anyway.
func (tx *Tx) Lock(ctx context.Context, name string) error {
	if tx.dialect.Name() == SQLite {
		return nil
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", name)
	return err
}

// ReadOnly reports whether this is a transaction of [DB.Read], which sees nothing
// but what has been committed.
func (tx *Tx) ReadOnly() bool { return tx.read }

// AfterEnd calls do when the transaction has ended, with whether it was
// committed for certain, before Write or Read returns. When the connection was
// lost during the commit, it may have been and do is told false.
func (tx *Tx) AfterEnd(do func(committed bool)) { tx.after = append(tx.after, do) }

func (tx *Tx) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if err := tx.fail(query); err != nil {
		return nil, tx.note(err)
	}
	stmt, err := tx.conn.prepare(ctx, tx.dialect, query)
	return stmt, tx.note(err)
}

// usable reports why no statement can run now.
func (tx *Tx) usable() error {
	switch {
	case tx.conn == nil:
		return errEnded
	case tx.dialect.name == Postgres && tx.stillOpen():
		return tx.note(errRows) // the driver would give the connection up, and wait for the rows
	}
	return nil
}

// A Row is the result of [Tx.QueryRow].
type Row struct {
	tx   *Tx
	rows *sql.Rows
	err  error
}

// Scan copies the row's columns into dest.
func (r *Row) Scan(dest ...any) (err error) {
	if r.err != nil {
		return r.err
	}
	defer func() { err = errors.Join(err, r.rows.Close()) }()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return r.tx.note(err)
		}
		return sql.ErrNoRows
	}
	return r.rows.Scan(dest...)
}
