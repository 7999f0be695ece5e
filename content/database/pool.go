package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"

	"github.com/jmoiron/sqlx"
)

// A pool keeps connections together with their prepared statements.
//
// database/sql keeps prepared statements for a pool and prepares them on other
// connections when it likes, which cannot work where a transaction holds the
// only connection, as on SQLite. Here each connection keeps its own, and the
// few statements of an import, some of them thousands of values long, are
// parsed once.
type pool struct {
	db         *sqlx.DB
	beginText  string
	commitText string
	slots      chan struct{} // one per connection in use

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

// A conn is a connection and its prepared statements.
type conn struct {
	*sqlx.Conn
	stmts map[string]*sqlx.Stmt
}

// maxStatements bounds the statements that a connection keeps.
const maxStatements = 256

func newPool(db *sqlx.DB, beginText, commitText string, size int) *pool {
	return &pool{db: db, beginText: beginText, commitText: commitText, slots: make(chan struct{}, size)}
}

var errClosed = errors.New("database is closed")

// begin takes a connection and begins a transaction on it. A connection that
// was lost while it was idle is replaced, also one that database/sql kept, such as
// from the migrations.
func (p *pool) begin(ctx context.Context) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for tries := 0; ; tries++ {
		c, used, err := p.take(ctx)
		if err == nil {
			if _, err = c.ExecContext(ctx, p.beginText); err == nil {
				return c, nil
			}
			c.discard()
			used = used || tries < 3 && errors.Is(err, driver.ErrBadConn)
			if used && ctx.Err() == nil && lost(err) {
				continue
			}
		}
		<-p.slots
		return nil, err
	}
}

// borrow takes a connection as it is, and give gives it back.
func (p *pool) borrow(ctx context.Context) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c, _, err := p.take(ctx)
	if err != nil {
		<-p.slots
	}
	return c, err
}

func (p *pool) give(c *conn, sound bool) {
	defer func() { <-p.slots }()
	p.mu.Lock()
	keep := sound && !p.closed
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.discard()
	}
}

func (p *pool) take(ctx context.Context) (c *conn, used bool, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, false, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, true, nil
	}
	p.mu.Unlock()
	raw, err := p.db.Connx(ctx)
	if err != nil {
		return nil, false, err
	}
	return &conn{Conn: raw, stmts: map[string]*sqlx.Stmt{}}, false, nil
}

// end commits or rolls back and gives the connection back. One that failed to
// do so is not used again. A cancelled context does not stop a rollback.
func (p *pool) end(ctx context.Context, c *conn, how string) error {
	_, err := c.ExecContext(context.WithoutCancel(ctx), how)
	p.give(c, err == nil)
	return err
}

func (p *pool) close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.discard()
	}
	if err := p.db.Close(); !lost(err) {
		return err
	}
	return nil // it was closed from the other side
}

// prepare returns the query as a prepared statement, kept for the next time.
func (c *conn) prepare(ctx context.Context, d Dialect, query string) (*sqlx.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, err := c.PreparexContext(ctx, d.rebind(query))
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) forget() {
	for _, s := range c.stmts {
		_ = s.Close() // nothing is lost when the server is gone
	}
	clear(c.stmts)
}

// discard closes a connection for good.
func (c *conn) discard() {
	c.forget()
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // tells database/sql not to keep it
	_ = c.Close()
}
