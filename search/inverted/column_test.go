package inverted

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestColumnRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	texts := func() any { return fmt.Sprintf("value %d", rnd.IntN(300)) }
	makers := map[string]func() any{
		"strings": texts,
		"one":     func() any { return "same" },
		"ints":    func() any { return rnd.Int64() - rnd.Int64() },
		"extreme": func() any { return []any{int64(math.MinInt64), int64(math.MaxInt64), int64(0)}[rnd.IntN(3)] },
		"floats":  func() any { return rnd.NormFloat64() },
		"bools":   func() any { return rnd.IntN(2) == 0 },
		"times":   func() any { return time.UnixMicro(rnd.Int64N(1 << 50)) },
		"lists":   func() any { return []string{texts().(string), texts().(string), texts().(string)} },
		"mixed": func() any {
			return []any{texts(), rnd.Int64(), rnd.Float64(), true, time.UnixMicro(1), "", math.Copysign(0, -1), int64(-5), []string{}}[rnd.IntN(9)]
		},
	}
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			for _, documents := range []int{1, 2, 7, 500, 3000} {
				for _, missing := range []bool{false, true} {
					b, want := newColumnBuilder(), map[int][]value{}
					for doc := range documents {
						if missing && rnd.IntN(3) > 0 {
							continue
						}
						values, err := valuesOf(make())
						if err != nil {
							t.Fatal(err)
						}
						if len(values) > 0 {
							want[doc] = values
						}
						for _, v := range values {
							b.add(doc, b.id(v))
						}
					}
					c, err := decodeColumn(b.encode(documents), documents)
					if err != nil {
						t.Fatal(err)
					}
					got := map[int][]value{}
					var buf [1]uint32
					for doc := range documents {
						for _, code := range c.codes(doc, &buf) {
							got[doc] = append(got[doc], c.value(code))
						}
					}
					if diff := cmp.Diff(want, got, cmp.AllowUnexported(value{})); diff != "" {
						t.Fatal(diff)
					}
					for code := 2; code <= c.distinct(); code++ {
						if compareValues(c.value(uint32(code-1)), c.value(uint32(code))) >= 0 {
							t.Fatalf("values %d and %d are out of order", code-1, code)
						}
					}
				}
			}
		})
	}
}

func TestValuesOf(t *testing.T) {
	if _, err := valuesOf(math.NaN()); err == nil {
		t.Error("NaN was taken")
	}
	if _, err := valuesOf(struct{}{}); err == nil || !strings.Contains(err.Error(), "struct {}") {
		t.Errorf("a struct was taken: %v", err)
	}
	if v, err := valuesOf([]any{"b", int64(2), "a", "b"}); err != nil || len(v) != 3 || v[0].String() != "2" || v[2].text != "b" {
		t.Errorf("a list: %v, %v", v, err)
	}
	v, err := valuesOf(strings.Repeat("é", maxValue))
	if err != nil || len(v[0].text) != maxValue {
		t.Errorf("a long value has %d bytes, %v", len(v[0].text), err)
	}
	for in, want := range map[any]string{
		int64(-3): "-3", 2.50: "2.5", 1e6: "1000000", true: "true", "x": "x",
		time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC):     "2026-01-31",
		time.Date(2026, 1, 31, 15, 4, 5, 6000, time.UTC): "2026-01-31T15:04:05.000006Z",
		time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC):    "1815-12-10",
		time.Date(2026, 1, 31, 1, 0, 0, 0, time.UTC):     "2026-01-31T01:00:00Z",
	} {
		v, err := valuesOf(in)
		if err != nil || v[0].String() != want {
			t.Errorf("%v is written %v, want %s (%v)", in, v, want, err)
		}
	}
}

func TestChunkTableRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for _, gaps := range []bool{false, true} {
		var b chunkTableBuilder
		number := int64(1000)
		var want []int64
		for i := range 2000 {
			if gaps {
				number += rnd.Int64N(5)
			}
			want = append(want, number)
			b.add(number, i == 0 || rnd.IntN(3) > 0, rnd.IntN(9), rnd.IntN(100000))
			number++
		}
		table, err := decodeChunks(b.encode())
		if err != nil {
			t.Fatal(err)
		}
		table.first = b.first
		if table.documents != b.documents || table.len() != b.chunks || (table.numbers != nil) != gaps {
			t.Fatalf("%d documents, %d chunks", table.documents, table.len())
		}
		var title, body int64
		for i, n := range want {
			title += int64(table.title[i])
			body += int64(table.body[i])
			if o, ok := table.ordinal(n); o != i || !ok || table.number(i) != n {
				t.Fatalf("number %d has ordinal %d (%v), ordinal %d has number %d", n, o, ok, i, table.number(i))
			}
		}
		if title != b.title || body != b.body {
			t.Fatalf("lengths %d, %d; want %d, %d", title, body, b.title, b.body)
		}
		if _, ok := table.ordinal(number + 1); ok {
			t.Fatal("found a number that is not there")
		}
	}
}
