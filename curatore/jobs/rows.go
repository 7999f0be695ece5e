package jobs

import (
	"encoding/json"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
)

// anyOf returns a condition that a column has one of some values, of which
// there may be any number, and what to bind for it. The statement stays the
// same, so that it stays prepared.
func anyOf(d database.Dialect, column string, values []string) (condition string, arg any) {
	if d.Name() == database.Postgres {
		return column + " = ANY(?)", pq.Array(values)
	}
	list, _ := json.Marshal(values) // strings always encode
	return column + " IN (SELECT value FROM json_each(?))", string(list)
}

// oneByOne returns a table of the runs with some ids that meet a condition, with
// the given columns, and what to bind for it. With hold, on Postgres, it holds their
// rows and leaves out those that others hold at this moment.
//
// There each run is looked up by its id. With a condition on a list of ids the
// planner prefers to walk through all runs that wait, which are few by its
// statistics and may be a hundred thousand.
func oneByOne(d database.Dialect, columns string, ids []string, where, hold string) (table string, arg any) {
	if d.Name() != database.Postgres {
		these, arg := anyOf(d, "id", ids)
		return "(SELECT " + columns + " FROM runs WHERE " + these + " AND " + where + ")", arg
	}
	return "unnest(?::text[]) AS wanted (one), LATERAL (SELECT " + columns + " FROM runs AS r WHERE r.id = one AND " + where + hold + ") AS found", pq.Array(ids)
}

// takenOneByOne is the end of an UPDATE of those runs. On Postgres it finds the
// rows by their places, which the look-up knows.
func takenOneByOne(d database.Dialect, ids []string, where string) (clause string, arg any) {
	if d.Name() != database.Postgres {
		these, arg := anyOf(d, "id", ids)
		return "WHERE " + these + " AND " + where, arg
	}
	table, arg := oneByOne(d, "ctid AS place", ids, where, " FOR NO KEY UPDATE SKIP LOCKED")
	return "WHERE ctid = ANY(ARRAY(SELECT place FROM " + table + "))", arg
}
