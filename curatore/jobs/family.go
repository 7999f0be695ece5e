package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A family is what the statement that stores a run asks of the run's parent and
// groups. They are looked at in that statement, so that a run with a family costs
// a transaction no more than one without.
type family struct {
	with   string // common table expressions; they hold what they find, on Postgres
	args   []any  // of with
	status string // expressions for the status of the run and the reason why it waits
	where  string // true when nothing is in the way
}

// familyOf asks for a parent that is not cancelled, in its order first, as the end
// of a run holds the run before its group; then for a group that is not complete;
// and lets a run that waits for a group begin when that is complete.
//
// What is found cannot change until the end of the transaction: a parent is not
// cancelled without this child, a group not completed without this run. Those who
// join a group do not wait for each other.
func familyOf(d database.Dialect, organization string, run *Run) family {
	hold := ""
	if d.Name() == database.Postgres {
		hold = " FOR SHARE"
	}
	f := family{status: "'pending', ''", where: "TRUE"}
	find := func(name, query, id string) {
		if id == "" {
			return
		}
		if f.with == "" {
			f.with = "WITH "
		} else {
			f.with += ", "
			query += " AND " + f.where // makes it wait for those before
		}
		f.with += name + " AS MATERIALIZED (" + query + hold + ")"
		f.args = append(f.args, organization, id)
		f.where += " AND EXISTS (SELECT 1 FROM " + name + ")"
	}
	find("parent", "SELECT id FROM runs WHERE organization_id = ? AND id = ? AND cancel_cause = ''", run.ParentID)
	find("joined", "SELECT id FROM run_groups WHERE organization_id = ? AND id = ? AND completed_at IS NULL", run.GroupID)
	find("awaited", "SELECT id, completed_at FROM run_groups WHERE organization_id = ? AND id = ?", run.AfterGroup)
	if run.AfterGroup != "" {
		f.status = "(SELECT CASE WHEN completed_at IS NULL THEN 'parked' ELSE 'pending' END FROM awaited), " +
			"(SELECT CASE WHEN completed_at IS NULL THEN 'waits for the runs of group ' || id ELSE '' END FROM awaited)"
	}
	if f.with != "" {
		f.with += " "
	}
	return f
}

// checkFamily tells why the family of a run is in the way: a parent or a group
// that is not there, of another organization, or over.
func checkFamily(ctx context.Context, tx *database.Tx, organization string, run *Run) error {
	if run.ParentID != "" {
		var cause string
		err := tx.QueryRow(ctx, "SELECT cancel_cause FROM runs WHERE organization_id = ? AND id = ?", organization, run.ParentID).Scan(&cause)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("the parent, run %q: %w", run.ParentID, content.ErrNotFound)
		case err != nil:
			return err
		case cause != "":
			return cancelled(cause)
		}
	}
	for _, id := range []string{run.GroupID, run.AfterGroup} {
		if id == "" {
			continue
		}
		over, err := completed(ctx, tx, organization, id, "")
		switch {
		case err != nil:
			return err
		case over && id == run.GroupID:
			return fmt.Errorf("%w: group %s is complete; make a new one", content.ErrConflict, id)
		}
	}
	return nil
}
