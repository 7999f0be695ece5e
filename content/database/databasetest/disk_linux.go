package databasetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content/database"
)

// OnDisk is [DSN] with the database on a small disk of its own, 64 MB of memory.
// While that is full a Postgres server can make no checkpoint, so that other tests
// on it may fail: give this one a server of its own. A test is skipped where it may not
// mount one: that needs root, and for Postgres a server on this machine.
func OnDisk(t testing.TB, kind string) (dsn string, disk *Disk) {
	t.Helper()
	if kind == database.SQLite {
		dir := t.TempDir()
		mount(t, dir, "mode=700")
		path := filepath.Join(dir, "test.db")
		if err := copyTemplate(path); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path, newDisk(t, dir)
	}
	admin := server(t)
	template, err := postgresTemplate(context.Background(), admin)
	if err != nil {
		t.Fatalf("make the template of the test databases: %v", err)
	}
	root, uid := serverRoot(t)
	name := "curatore_disk_" + uuid.New().String()[:8]
	dir := filepath.Join(root, "tmp", name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	mount(t, dir, fmt.Sprintf("mode=700,uid=%d", uid))
	if _, err := admin.Exec(fmt.Sprintf(`CREATE TABLESPACE %q LOCATION '/tmp/%s'`, name, name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(fmt.Sprintf(`DROP TABLESPACE %q`, name)); err != nil {
			t.Error(err)
		}
	})
	return create(t, admin, template, name), newDisk(t, dir)
}

func mount(t testing.TB, dir, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,"+options); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// serverRoot returns what the server takes for the root of the file system, and
// the user that it is.
func serverRoot(t testing.TB) (root string, uid uint32) {
	t.Helper()
	var pid int
	if err := server(t).QueryRow("SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	process := fmt.Sprintf("/proc/%d/", pid) // of an idle connection
	name, err := os.ReadFile(process + "comm")
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		t.Skip("the Postgres of the tests is on another machine, whose disk cannot be filled")
	}
	info, err := os.Stat(process)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = os.Readlink(process + "root"); err != nil {
		t.Skipf("the folder of the Postgres of the tests cannot be told: %v", err)
	}
	return root, info.Sys().(*syscall.Stat_t).Uid
}
