//go:build !race

package upload_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/upload"
)

// Whatever stands in an archive stays in its folder and within its bounds, and
// each entry that does not says so.
func TestHostileArchives(t *testing.T) {
	bomb := zipped(t, "x.zip", "bomb.txt", strings.Repeat("\x00", 200<<20), "good.txt", "good")
	if bomb.Size > 300<<10 {
		t.Fatalf("the bomb has %d bytes", bomb.Size)
	}
	for _, c := range []struct {
		name    string
		file    connectors.File
		message string
	}{
		{"slip", zipped(t, "x.zip", "../../etc/passwd", "x", "good.txt", "good"), "leads out of its folder"},
		{"slip inside", zipped(t, "x.zip", "a/../../b.txt", "x", "good.txt", "good"), "leads out of its folder"},
		{"slip of Windows", zipped(t, "x.zip", `..\..\b.txt`, "x", "good.txt", "good"), "leads out of its folder"},
		{"absolute", zipped(t, "x.zip", "/etc/passwd", "x", "good.txt", "good"), "not relative"},
		{"drive", zipped(t, "x.zip", `C:\b.txt`, "x", "good.txt", "good"), "not relative"},
		{"bomb", bomb, "more than 200 times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			org := open(t, upload.New(upload.Settings{Folder: "in/box"}))
			r := add(t, org, connectors.Options{}, c.file)
			if len(r.Failures) == 0 || !strings.Contains(r.Failures[0].Reason, c.message) {
				t.Errorf("failures: %v", r.Failures)
			}
			if diff := cmp.Diff([]string{"in/box/good.txt"}, paths(t, org)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("no archive", func(t *testing.T) {
		org := open(t, upload.New())
		run, err := org.Import(t.Context(), "upload", file("x.zip", "PK\x03\x04 and no more"))
		if err == nil {
			_, err = run.Wait(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), `the archive "x.zip" cannot be read`) {
			t.Error(err)
		}
	})
}
