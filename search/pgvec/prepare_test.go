package pgvec_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/vectors"
)

var model = vectors.Model{Name: "m", Dimension: 3}

func TestPrepareByManyAtOnce(t *testing.T) {
	dsn := databasetest.DSN(t, database.Postgres)
	databasetest.OpenDSN(t, dsn)
	var group sync.WaitGroup
	for range 6 {
		db := databasetest.OpenDSN(t, dsn)
		group.Go(func() {
			if err := pgvec.New(pgvec.Options{}).Prepare(t.Context(), db); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// Without Prepare, what needs the table says so, and what does not goes on.
func TestUnprepared(t *testing.T) {
	db := databasetest.Open(t, database.Postgres)
	index := pgvec.New(pgvec.Options{})
	if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		hits, err := index.Search(ctx, tx, "acme", vectors.Request{Model: model, Vector: []float32{1, 0, 0}, Limit: 3})
		if err != nil || len(hits) != 0 {
			t.Errorf("search: %v, %v", hits, err)
		}
		_, err = index.Missing(ctx, tx, "acme", model, 0, 10)
		if err == nil || !strings.Contains(err.Error(), "Prepare") {
			t.Errorf("missing: %v", err)
		}
		return err
	}); err == nil {
		t.Error("no error")
	}
	if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return index.Delete(ctx, tx, "acme", []int64{1})
	}); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := index.Maintain(t.Context(), db); err != nil {
		t.Errorf("maintain: %v", err)
	}
}

func TestPrepareOnSQLite(t *testing.T) {
	err := pgvec.New(pgvec.Options{}).Prepare(t.Context(), databasetest.Open(t, database.SQLite))
	if err == nil || !strings.Contains(err.Error(), "flatvec") {
		t.Errorf("%v", err)
	}
}

// A role that may not create extensions is told what to do, and can go on when it
// has been done.
func TestPrepareWithoutTheRight(t *testing.T) {
	dsn := databasetest.DSN(t, database.Postgres)
	admin := databasetest.OpenDSN(t, dsn)
	role := "curatore_" + strings.ReplaceAll(uuid.NewString()[:13], "-", "_")
	run := func(query string) {
		t.Helper()
		if err := admin.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, query) }); err != nil {
			t.Fatal(err)
		}
	}
	run(fmt.Sprintf("CREATE ROLE %[1]s LOGIN PASSWORD 'secret'; GRANT ALL ON SCHEMA public TO %[1]s; GRANT ALL ON ALL TABLES IN SCHEMA public TO %[1]s", role))
	t.Cleanup(func() { run(fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)) })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	db, err := database.Open(t.Context(), u.String(), database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	index := pgvec.New(pgvec.Options{})
	err = index.Prepare(t.Context(), db)
	if err == nil || !strings.Contains(err.Error(), "CREATE EXTENSION vector") {
		t.Errorf("%v", err)
	}
	run("CREATE EXTENSION vector")
	if err := index.Prepare(t.Context(), db); err != nil {
		t.Errorf("with the extension: %v", err)
	}
}
