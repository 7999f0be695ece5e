//go:build !linux

package databasetest

import "testing"

// OnDisk is [DSN] with the database on a small disk of its own. Here it skips the
// test.
func OnDisk(t testing.TB, _ string) (dsn string, disk *Disk) {
	t.Helper()
	t.Skip("a small disk is mounted on Linux only")
	return "", newDisk(t, "")
}
