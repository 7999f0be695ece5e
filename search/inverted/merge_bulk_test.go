//go:build !race

package inverted

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestMergeOfLargeSegments(t *testing.T) {
	db := databasetest.Open(t, database.SQLite)
	x := newTableIndex(t, db)
	for i := range 12 {
		x.add(texts(i*1000, i*1000+1000)...)
	}
	var gone []int64
	for n := int64(1); n < 12000; n += 5 {
		gone = append(gone, n)
	}
	x.remove(gone...)
	before := x.answers()
	if n := x.merge(); n < 12 {
		t.Errorf("%d segments were merged", n)
	}
	x.check()
	if diff := cmp.Diff(before, x.answers()); diff != "" {
		t.Error(diff)
	}
}
