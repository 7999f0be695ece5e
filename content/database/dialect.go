package database

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/curatore/curatore-go/content"
)

// The names of the databases, as [Dialect.Name] returns them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// A Dialect is where the SQL of the databases differs. SQL that both understand
// is written once, with what a Dialect returns put in.
type Dialect struct{ name string }

// DialectOf returns the Dialect of [SQLite] or [Postgres], for printing SQL
// without a database. It panics for any other name.
func DialectOf(name string) Dialect {
	if name != SQLite && name != Postgres {
		panic("database: no dialect " + name)
	}
	return Dialect{name}
}

// Name returns [SQLite] or [Postgres].
func (d Dialect) Name() string { return d.name }

// Type returns the column type that holds a kind.
func (d Dialect) Type(k content.Kind) string {
	if d.name == SQLite {
		return map[content.Kind]string{content.String: "TEXT", content.Int: "INTEGER", content.Float: "REAL",
			content.Bool: "INTEGER", content.Time: "TEXT", content.Date: "TEXT", content.JSON: "TEXT"}[k]
	}
	// COLLATE "C" orders text by its bytes, as SQLite does, and is the fastest.
	return map[content.Kind]string{content.String: `TEXT COLLATE "C"`, content.Int: "BIGINT", content.Float: "DOUBLE PRECISION",
		content.Bool: "BOOLEAN", content.Time: "TIMESTAMPTZ", content.Date: "DATE", content.JSON: "JSONB"}[k]
}

// Blob returns the column type for bytes.
func (d Dialect) Blob() string {
	if d.name == SQLite {
		return "BLOB"
	}
	return "BYTEA"
}

// Now is an SQL expression for the time of the database, in the form in which
// times are stored. It is the clock of leases: the clocks of two machines that
// work on one database may differ.
func (d Dialect) Now() string {
	if d.name == SQLite {
		return "strftime('%Y-%m-%dT%H:%M:%f000Z','now')"
	}
	return "clock_timestamp()"
}

// After is an SQL expression for the time of the database some seconds from
// now; the number of seconds is its one `?`.
func (d Dialect) After() string {
	if d.name == SQLite {
		return "strftime('%Y-%m-%dT%H:%M:%f000Z','now', ? || ' seconds')"
	}
	return "clock_timestamp() + ? * interval '1 second'"
}

// sqliteTime keeps a fixed width, so that text order is time order.
const sqliteTime = "2006-01-02T15:04:05.000000Z"

// Time returns what to bind for a time: UTC in microseconds on both databases.
func (d Dialect) Time(t time.Time) any {
	t = t.UTC().Truncate(time.Microsecond)
	if d.name == SQLite {
		return t.Format(sqliteTime)
	}
	return t
}

// Bind returns what to bind for a value of a kind, as content.Field.Value gives
// it. Nil stays nil.
func (d Dialect) Bind(k content.Kind, v any) any {
	switch v := v.(type) {
	case time.Time:
		if k == content.Date {
			return v.Format(time.DateOnly)
		}
		return d.Time(v)
	case json.RawMessage:
		return string(v) // JSONB takes text; bytes would arrive as BYTEA
	case bool:
		if d.name == SQLite {
			if v {
				return int64(1)
			}
			return int64(0)
		}
	}
	return v
}

// Value turns what a driver returned for a column of a kind into the Go type of
// that kind.
func (d Dialect) Value(k content.Kind, v any) (any, error) {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	if v == nil {
		return nil, nil
	}
	switch k {
	case content.String:
		if s, ok := v.(string); ok {
			return s, nil
		}
	case content.Int:
		if n, ok := v.(int64); ok {
			return n, nil
		}
	case content.Float:
		switch n := v.(type) {
		case float64:
			return n, nil
		case int64: // SQLite stores a whole REAL as an integer
			return float64(n), nil
		}
	case content.Bool:
		switch b := v.(type) {
		case bool:
			return b, nil
		case int64:
			return b != 0, nil
		}
	case content.Time, content.Date:
		switch t := v.(type) {
		case time.Time:
			return t.UTC(), nil
		case string:
			return k.Parse(t)
		}
	case content.JSON:
		if s, ok := v.(string); ok {
			return json.RawMessage(s), nil
		}
	}
	return nil, fmt.Errorf("column of kind %s holds %T %.40v", k, v, v)
}

// rebind writes the placeholders of the database.
func (d Dialect) rebind(query string) string {
	if d.name == SQLite {
		return query
	}
	return sqlx.Rebind(sqlx.DOLLAR, query)
}

// Placeholders returns "?, ?, ?" for n values.
func Placeholders(n int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
}

// Rows returns "(?, ?), (?, ?)" for the values of n rows of the given width.
func Rows(n, width int) string {
	row := "(" + Placeholders(width) + "), "
	return strings.TrimSuffix(strings.Repeat(row, n), ", ")
}

// MaxVariables is the number of values that one statement takes on both
// databases.
const MaxVariables = 32000
