package search

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/search/inverted"
)

func TestFuse(t *testing.T) {
	hit := func(document int64, score float64) inverted.Hit {
		return inverted.Hit{Document: document, Chunk: document, Score: score}
	}
	for _, c := range []struct {
		name     string
		rankings []ranking
		want     []inverted.Hit
	}{
		{"one arm as it is", []ranking{{0.3, []inverted.Hit{hit(1, 12), hit(2, 3)}}}, []inverted.Hit{hit(1, 12), hit(2, 3)}},
		{"weights and scales", []ranking{{1, []inverted.Hit{hit(1, 20), hit(2, 15), hit(3, 10)}}, {0.5, []inverted.Hit{hit(3, 0.9), hit(2, 0.85), hit(4, 0.7)}}},
			[]inverted.Hit{hit(1, 1), hit(2, 0.5+0.5*0.75), hit(3, 0.5), hit(4, 0)}},
		{"an arm that found nothing", []ranking{{1, []inverted.Hit{hit(1, 2), hit(2, 1)}}, {1, nil}}, []inverted.Hit{hit(1, 1), hit(2, 0)}},
		{"a single hit counts in full", []ranking{{1, []inverted.Hit{hit(1, 2)}}, {1, []inverted.Hit{hit(2, 9), hit(1, 8)}}}, []inverted.Hit{hit(1, 1), hit(2, 1)}},
		{"equal scores count in full", []ranking{{1, []inverted.Hit{hit(2, 2), hit(5, 2)}}, {1, nil}}, []inverted.Hit{hit(2, 1), hit(5, 1)}},
		{"the chunk of the stronger arm", []ranking{{1, []inverted.Hit{{Document: 1, Chunk: 3, Score: 9}, hit(2, 1)}}, {0.5, []inverted.Hit{{Document: 1, Chunk: 4, Score: 9}, hit(9, 1)}}},
			[]inverted.Hit{{Document: 1, Chunk: 3, Score: 1.5}, hit(2, 0), hit(9, 0)}},
		{"nothing", []ranking{{1, nil}, {1, nil}}, []inverted.Hit{}},
	} {
		got := fuse(c.rankings)
		for i := range got {
			got[i].Score = float64(int(got[i].Score*1e9+0.5)) / 1e9
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
