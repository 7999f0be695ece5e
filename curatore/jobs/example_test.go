package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
	"github.com/curatore/curatore-go/migrations"
)

// A job counts letters, one document in each transaction, and whoever started it
// follows what it does.
func Example() {
	ctx := context.Background()
	db, acme, authority, closeDatabase := exampleDatabase(ctx)
	defer closeDatabase()

	count := func(ctx context.Context, task *jobs.Task, documents []string) (any, error) {
		letters := 0
		for i, text := range documents {
			letters += len(text) // the work
			task.Progress("counting", int64(i+1), int64(len(documents)))
			task.SetCheckpoint(i + 1) // where another attempt would go on
			err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
				return nil // the effects, in the same transaction as the checkpoint
			})
			if err != nil {
				return nil, err
			}
		}
		task.Info("counted", fmt.Sprintf("%d letters in %d documents", letters, len(documents)), nil)
		return map[string]int{"letters": letters}, nil
	}

	service, err := jobs.New(jobs.Config{
		DB: db, Authority: authority, Runner: localrunner.New(localrunner.Config{}),
		Queues: []jobs.Queue{{Name: "texts", Concurrency: 2}},
	})
	if err != nil {
		log.Fatal(err)
	}
	counting := jobs.Register(service, jobs.Job{Type: "count", Label: "Count", Queue: "texts"}, count)
	if err := service.Start(ctx); err != nil {
		log.Fatal(err)
	}

	run, err := counting.Submit(ctx, acme, []string{"to be or not to be", "that is the question"}, jobs.Options{Label: "hamlet.txt"})
	if err != nil {
		log.Fatal(err)
	}
	for update, err := range service.Follow(ctx, acme, run.ID) {
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range update.Events {
			fmt.Println(event.Level, event.Type+":", event.Message)
		}
	}
	ended, err := service.Get(ctx, acme, run.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s %d of %d\n", ended.Status, ended.Phase, ended.Done, ended.Total)
	if err := service.Stop(ctx); err != nil { // before the database is closed
		log.Fatal(err)
	}
	// Output:
	// info counted: 38 letters in 2 documents
	// info completed: Count completed: hamlet.txt
	// completed: counting 2 of 2
}

func exampleDatabase(ctx context.Context) (*database.DB, content.Scope, *content.Authority, func()) {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		log.Fatal(err)
	}
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(dir, "example.db"), database.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := migrations.Up(ctx, db, migrations.Core); err != nil {
		log.Fatal(err)
	}
	err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES ('o', 'acme', '2026-01-01T00:00:00.000000Z')")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	authority := content.NewAuthority()
	return db, authority.Mint("o", "alice"), authority, func() {
		if err := errors.Join(db.Close(), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}
