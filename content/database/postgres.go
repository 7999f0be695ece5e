package database

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content"
)

func openPostgres(ctx context.Context, dsn string, opts Options) (*DB, error) {
	if !strings.Contains(dsn, "://") {
		return nil, fmt.Errorf("open database %q: write a Postgres address as postgres://USER:PASSWORD@HOST/NAME", Redact(dsn))
	}
	connector, err := pq.NewConnector(planned(dsn))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redact(dsn), addressError(err))
	}
	keyed, err := pq.NewConnector(withSettings(dsn, keyedSettings))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redact(dsn), addressError(err))
	}
	raw := sql.OpenDB(connector)
	if err := raw.PingContext(ctx); err != nil {
		if errors.Is(err, pq.ErrSSLNotSupported) {
			err = fmt.Errorf("%w: add ?sslmode=disable to the address of a server without TLS", err)
		}
		return nil, errors.Join(fmt.Errorf("open database %s: %w", Redact(dsn), err), raw.Close())
	}
	size := cmp.Or(opts.MaxConnections, 10)
	pooled := sqlx.NewDb(raw, "postgres")
	single := newPool(sqlx.NewDb(sql.OpenDB(keyed), "postgres"), "", "", size)
	return &DB{
		dialect: Dialect{Postgres},
		dsn:     dsn,
		write:   newPool(pooled, "BEGIN", pgCommit, size),
		read:    newPool(pooled, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", pgCommit, size),
		peek:    single,
		auto:    single,
	}, nil
}

// planMode is how statements are planned unless said otherwise.
const planMode = "force_custom_plan"

// planned sets how prepared statements are planned: anew for their values, each
// time. Postgres would keep the plan that was right when the tables were empty,
// or for another organization, until it gathers statistics; an import into a new
// database then walks a whole table for each batch.
func planned(dsn string) string {
	return withSettings(dsn, map[string]string{"plan_cache_mode": planMode})
}

// keyedSettings are those of connections for [DB.Peek] and [DB.AutoCommit], whose
// statements look rows up by their keys: one plan is right for all values, if it goes
// by the indexes also where it was made while the tables were small.
var keyedSettings = map[string]string{"plan_cache_mode": "force_generic_plan",
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off"}

// withSettings adds settings of the session to an address that does not name them
// itself.
func withSettings(dsn string, settings map[string]string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	q := u.Query()
	for name, value := range settings {
		if !q.Has(name) {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// pgCommit commits, or fails. COMMIT alone succeeds in a transaction in which a
// statement has failed, and rolls it back; the SELECT before it is refused.
const pgCommit = "SELECT 1; COMMIT"

// addressError keeps the address, and with it pieces of the password, out of
// the error for a malformed one.
func addressError(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return errors.New("it is not a URL; write special characters in the password as %XX")
	}
	return err
}

// ErrRange says that a value which the database computed is beyond its type.
var ErrRange = errors.New("the value is out of range")

// postgresError tells the domain error of a Postgres error, or nil.
func postgresError(err error) error {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) { // lost in the middle of a transaction
		return content.ErrBusy
	}
	var broken *net.OpError
	if errors.As(err, &broken) { // the server is gone, or not there yet
		return content.ErrBusy
	}
	var e *pq.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case "40001", "40P01", "55P03", "53300": // serialization failure, deadlock, lock not available, too many connections
		return content.ErrBusy
	case "57P01", "57P02", "57P03": // the server shuts down, or starts up
		return content.ErrBusy
	case "53100", "25006": // disk full; read-only, such as a server that has become a replica
		return content.ErrNoWrites
	case "22003": // numeric value out of range
		return ErrRange
	}
	switch e.Code.Class() {
	case "08": // connection exception
		return content.ErrBusy
	case "23": // integrity constraint violation
		return content.ErrConflict
	}
	return nil
}

// lost reports whether an error means that the connection is gone.
func lost(err error) bool {
	var netErr net.Error
	var pqErr *pq.Error
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF), errors.As(err, &netErr):
		return true
	case errors.As(err, &pqErr):
		return pqErr.Code.Class() == "57" // the administrator ended it
	}
	return false
}
