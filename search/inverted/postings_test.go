package inverted

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type testPosting struct {
	Ordinal     int
	Body, Title []uint32
}

func randomPostings(rnd *rand.Rand, chunks int) []testPosting {
	positions := func() []uint32 {
		var p []uint32
		at := uint32(0)
		for range rnd.IntN(4) {
			at += uint32(rnd.IntN(300)) + 1
			p = append(p, at)
		}
		return p
	}
	var list []testPosting
	for o := 0; o < chunks; o += 1 + rnd.IntN(1+rnd.IntN(400)) {
		p := testPosting{o, positions(), positions()}
		if len(p.Body)+len(p.Title) == 0 {
			p.Body = []uint32{0}
		}
		list = append(list, p)
	}
	return list
}

func encodePostings(list []testPosting) (data, positions []byte) {
	var w postingsWriter
	w.reset()
	for _, p := range list {
		w.add(p.Ordinal, uint32(len(p.Body)), uint32(len(p.Title)))
		for _, field := range [][]uint32{p.Body, p.Title} {
			w.field()
			for _, at := range field {
				w.position(at)
			}
		}
	}
	return w.data, w.positions
}

func TestPostingsRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		chunks := 1 + rnd.IntN(70000)
		want := randomPostings(rnd, chunks)
		data, positions := encodePostings(want)
		c, pr := newCursor(entry{data: data}, chunks), positionReader{data: positions}
		var got []testPosting
		for c.next() {
			p := testPosting{Ordinal: c.ordinal}
			p.Body = pr.read(p.Body, c.body)
			p.Title = pr.read(p.Title, c.title)
			got = append(got, p)
		}
		if c.err != nil || pr.err != nil || len(pr.data) != 0 {
			t.Fatalf("errors %v, %v; %d bytes of positions left", c.err, pr.err, len(pr.data))
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatal(cmp.Diff(want, got))
		}
		c, pr = newCursor(entry{data: data}, chunks), positionReader{data: positions}
		for c.next() {
			pr.skip(c.body + c.title)
		}
		if pr.err != nil || len(pr.data) != 0 {
			t.Fatalf("skip: %v, %d bytes left", pr.err, len(pr.data))
		}
	}
}

func TestBlocksRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var want []entry
	for i := range 1500 {
		most := 400
		if i%50 == 0 {
			most = 3000
		}
		list := randomPostings(rnd, 1+rnd.IntN(most))
		e := entry{term: fmt.Sprintf("term%05d", i*7), count: len(list)}
		e.data, e.positions = encodePostings(list)
		want = append(want, e)
	}
	var blocks []block
	w := blockWriter{full: func(b block) error { blocks = append(blocks, b); return nil }}
	for _, e := range want {
		if err := w.add(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	var got []entry
	for _, b := range blocks {
		r := newBlockReader(b.data, b.positions)
		for r.next() {
			e := r.entry
			e.term = string(r.term)
			got = append(got, e)
		}
		if r.err != nil {
			t.Fatal(r.err)
		}
		if size := len(b.data) + len(b.positions); size > blockSize && b.first != got[len(got)-1].term {
			t.Errorf("block of %d bytes with more than one term", len(b.data))
		}
	}
	if !reflect.DeepEqual(want, got) {
		t.Fatal(cmp.Diff(want, got, cmp.AllowUnexported(entry{})))
	}
	if len(blocks) < 10 || len(blocks) > len(want)/4 {
		t.Errorf("%d terms are in %d blocks", len(want), len(blocks))
	}
	for _, e := range want {
		i, found := slices.BinarySearchFunc(blocks, e.term, func(b block, term string) int { return cmpStrings(b.first, term) })
		if !found {
			i--
		}
		got, err := findEntry(blocks[i].data, blocks[i].positions, e.term)
		if err != nil || !reflect.DeepEqual(e, got) {
			t.Fatalf("find %s: %v %v", e.term, got, err)
		}
		if got, err := findEntry(blocks[i].data, nil, e.term+"x"); err != nil || got.data != nil {
			t.Fatalf("find %sx: %v %v", e.term, got, err)
		}
	}
}

func cmpStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// FuzzDecode holds that broken rows are errors, not panics or endless loops.
func FuzzDecode(f *testing.F) {
	data, positions := encodePostings(randomPostings(rand.New(rand.NewPCG(5, 6)), 500))
	f.Add(data, positions)
	f.Fuzz(func(t *testing.T, data, positions []byte) {
		c, pr := newCursor(entry{data: data}, 1000), positionReader{data: positions}
		last := -1
		for c.next() {
			if c.ordinal <= last || c.ordinal >= 1000 {
				t.Fatalf("ordinal %d after %d", c.ordinal, last)
			}
			last = c.ordinal
			if c.body < 100 && c.title < 100 {
				pr.read(nil, c.body)
				pr.skip(c.title)
			}
		}
		r := newBlockReader(data, positions)
		for r.next() {
			continue
		}
		if _, err := decodeColumn(data, 100); err == nil && len(data) == 0 {
			t.Fatal("an empty column was decoded")
		}
		if _, err := decodeChunks(data); err == nil && len(data) == 0 {
			t.Fatal("an empty table of chunks was decoded")
		}
		_, _ = decodeStrings(data)
		for _, term := range []string{"", "term00007", "\xff\xff"} {
			if e, err := findEntry(data, positions, term); err == nil && len(e.data)+len(e.positions) > len(data)+len(positions) {
				t.Fatal("an entry larger than its block")
			}
		}
	})
}

// Positions of any length are passed over as they would be read.
func TestSkipPositions(t *testing.T) {
	rnd := rand.New(rand.NewPCG(71, 1))
	for range 500 {
		var data []byte
		n := rnd.IntN(40)
		for range n {
			data = binary.AppendUvarint(data, rnd.Uint64N(1<<rnd.IntN(33)+1))
		}
		skipped := rnd.IntN(n + 2)
		read, pass := positionReader{data: data}, positionReader{data: data}
		read.read(nil, uint32(skipped))
		pass.skip(uint32(skipped))
		if (read.err == nil) != (pass.err == nil) || read.err == nil && !bytes.Equal(read.data, pass.data) {
			t.Fatalf("%d of %d positions: %d bytes are left, %v; want %d, %v", skipped, n, len(pass.data), pass.err, len(read.data), read.err)
		}
	}
}
