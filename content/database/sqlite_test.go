package database_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

func TestEightProcessesOpenOneNewFile(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), openedBy+"="+dsn)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	group.Wait()
	db := open(t, dsn)
	var n int
	if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Get(ctx, &n, "SELECT count(*) FROM opened")
	}); err != nil || n != 8 {
		t.Errorf("%d of 8 wrote, %v", n, err)
	}
}

func open(t *testing.T, dsn string) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), dsn, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestPathsWithSpecialCharacters(t *testing.T) {
	for _, name := range []string{"a b.db", "100%.db", "%20.db", "no#1.db", "a&b=c.db", "ü→.db", "a+b.db", "quote'\".db", "semi;colon.db", "x@y:z.db"} {
		path := filepath.Join(t.TempDir(), name)
		for _, scheme := range []string{"sqlite:", "sqlite3:", "file:"} {
			db := open(t, scheme+path)
			if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
				return tx.Run(ctx, "CREATE TABLE IF NOT EXISTS x (y INTEGER)")
			}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		found, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !strings.HasPrefix(f.Name(), name) {
				t.Errorf("opening %q made the file %q", name, f.Name())
			}
		}
	}
}

func TestRelativePathsAndTwoSlashes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dsn := range []string{"sqlite:here.db", "sqlite://here.db", "sqlite:./here.db"} {
		open(t, dsn)
	}
	if _, err := os.Stat("here.db"); err != nil {
		t.Error(err)
	}
}

func TestSQLiteIsBusyWhileAnotherWriterStays(t *testing.T) {
	path := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	one, two := open(t, path), open(t, path)
	if err := one.Write(context.Background(), func(context.Context, *database.Tx) error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // longer than the busy time-out
		defer cancel()
		err := two.Write(ctx, func(context.Context, *database.Tx) error { return nil })
		if !errors.Is(err, content.ErrBusy) {
			t.Errorf("a second writer gets %v", err)
		}
		return two.Read(ctx, func(context.Context, *database.Tx) error { return nil }) // readers do not wait
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSQLiteRefusesAFileThatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("Dear Sir or Madam, ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(context.Background(), "sqlite:"+path, database.Options{})
	if err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("%v", err)
	}
	if err == nil {
		_ = db.Close()
	}
}
