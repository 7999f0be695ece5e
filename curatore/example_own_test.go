package curatore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A program writes records of its own, and has jobs of its own, beside what is
// imported: here a note, and the run that tells somebody of it, in one transaction.
func ExampleOrganization_Put() {
	type Note struct {
		content.Record
		Key   string `db:"note_key" content:"key"`
		Title string `db:"title" content:"title"`
		Text  string `db:"text" content:"text"`
	}
	type Mail struct {
		To string `json:"to"`
	}
	notes := content.Define(content.Spec[Note]{Name: "note", Label: "Note"})
	var mails *jobs.Typed[Mail]

	ctx := context.Background()
	dir, err := os.MkdirTemp("", "curatore")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	c, err := curatore.Open(ctx, curatore.Config{
		Database: "sqlite:" + filepath.Join(dir, "curatore.db"),
		Types:    []*content.Type{notes},
		Queues:   []jobs.Queue{{Name: "mail", Label: "Mail", PerProcess: 2}},
		Jobs: func(c *curatore.Curator, s *jobs.Service) {
			mails = jobs.Register(s, jobs.Job{Type: "mail", Queue: "mail"}, func(ctx context.Context, task *jobs.Task, m Mail) (any, error) {
				org, err := c.OrganizationOf(ctx, task.Scope())
				if err != nil {
					return nil, err
				}
				return fmt.Sprintf("to %s at %s", m.To, org.Name()), nil
			})
		},
	})
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)

	var run *jobs.Run
	check(c.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) { // all of it, or nothing
		if _, err = org.Put(ctx, tx, "note", &Note{Key: "1", Title: "Call", Text: "They want the migration before March."}); err != nil {
			return err
		}
		run, err = mails.Enqueue(ctx, tx, org.Scope(), Mail{To: "ada"}, jobs.Options{})
		return err
	}))
	found, err := org.Search(ctx, search.Query{Text: "migration"})
	check(err)
	fmt.Println(found.Hits[0].Label, found.Hits[0].Highlights["content"])
	for update, err := range org.Follow(ctx, run.ID) {
		check(err)
		if update.Run.Status == jobs.Completed {
			fmt.Println(update.Run.Status, string(update.Run.Result))
		}
	}
	// Output:
	// Note [They want the <mark>migration</mark> before March.]
	// completed "to ada at acme"
}
