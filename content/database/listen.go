package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// filePause is how often an SQLite file is looked at for changes. It costs some
// ten microseconds.
const filePause = 20 * time.Millisecond

// Listen calls heard with what transactions of any process tell on a channel
// with pg_notify, after their commit, until ctx ends, whose cause it returns.
// Heard runs on the goroutine of the caller of Listen.
//
// An empty payload means that anything may have been missed or changed: on
// Postgres it comes after the connection was lost, on SQLite, which has no
// channels, within some 20 ms after any transaction of any process, this one
// included. It comes first of all when listening has begun.
func (db *DB) Listen(ctx context.Context, channel string, heard func(payload string)) error {
	if db.dialect.name == SQLite {
		return db.watchFile(ctx, func() { heard("") })
	}
	l := pq.NewListener(db.dsn, 50*time.Millisecond, 5*time.Second, nil)
	closed := make(chan struct{})
	defer func() { <-closed }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(closed)
		<-ctx.Done()
		_ = l.Close() // also ends a Listen that waits for the server
		for range l.Notify {
		}
	}()
	if err := l.Listen(channel); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("listen on %s: %w", channel, err)
	}
	heard("")
	alive := time.NewTicker(30 * time.Second)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-alive.C:
			go func() { _ = l.Ping() }() // a connection that is gone without a word is found and made anew
		case n, open := <-l.Notify:
			switch {
			case !open:
				<-ctx.Done()
				return context.Cause(ctx)
			case n == nil: // connected again
				heard("")
			default:
				heard(n.Extra)
			}
		}
	}
}

// watchFile calls changed when a transaction has changed the file.
func (db *DB) watchFile(ctx context.Context, changed func()) error {
	c, err := db.read.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("watch the database file: %w", err)
	}
	defer c.Close()
	look, err := c.PrepareContext(ctx, "PRAGMA data_version") // it counts the changes of other connections
	if err != nil {
		return errors.Join(fmt.Errorf("watch the database file: %w", err), ctx.Err())
	}
	defer look.Close()
	tick := time.NewTicker(filePause)
	defer tick.Stop()
	for last := int64(-1); ; {
		var version int64
		switch err := look.QueryRowContext(ctx).Scan(&version); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, sql.ErrConnDone):
			return fmt.Errorf("watch the database file: %w", err)
		case err == nil && version != last: // an error is that of a moment; the next look tells
			last = version
			changed()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
