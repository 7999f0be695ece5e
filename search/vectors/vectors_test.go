package vectors_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/vectors"
)

func ExampleModel_Unit() {
	model := vectors.Model{Name: "text-embedding-3-small", Dimension: 2}
	unit, err := model.Unit([]float32{3, 4})
	fmt.Println(model.Key(), unit, err)
	_, err = model.Unit([]float32{3, 4, 5})
	fmt.Println(err)
	// Output:
	// text-embedding-3-small/2 [0.6 0.8] <nil>
	// invalid vector: it has 3 values, those of model "text-embedding-3-small" have 2
}

func TestUnit(t *testing.T) {
	tiny := float32(math.SmallestNonzeroFloat32)
	for _, v := range [][]float32{{1}, {-5}, {tiny}, {math.MaxFloat32, math.MaxFloat32}, {tiny, 0, tiny}, {1e-20, 1e20}} {
		unit, err := vectors.Model{Name: "m", Dimension: len(v)}.Unit(v)
		length := 0.0
		for i, x := range unit {
			length += float64(x) * float64(x)
			if x*v[i] < 0 {
				t.Errorf("%v became %v", v, unit)
			}
		}
		if err != nil || math.Abs(length-1) > 1e-6 {
			t.Errorf("%v became %v, of length %v, %v", v, unit, length, err)
		}
	}
}

func TestPack(t *testing.T) {
	v := []float32{1, -2.5, math.MaxFloat32, 0}
	data, got := vectors.Pack(v), make([]float32, 4)
	if err := vectors.Unpack(data, got); err != nil || !slices.Equal(v, got) || len(data) != 16 {
		t.Errorf("%v became %v, %v", v, got, err)
	}
	for _, n := range []int{0, 15, 17, 20} {
		if err := vectors.Unpack(make([]byte, n), got); err == nil {
			t.Errorf("%d bytes were taken for 4 values", n)
		}
	}
}

func TestModelCheck(t *testing.T) {
	for _, m := range []vectors.Model{{Name: "m", Dimension: 1}, {Name: "a/b/3", Dimension: 5}, {Name: strings.Repeat("m", vectors.MaxName), Dimension: vectors.MaxDimension}} {
		got, err := vectors.ParseKey(m.Key())
		if m.Check() != nil || err != nil || got != m {
			t.Errorf("%v became %v, %v", m, got, err)
		}
	}
	for _, key := range []string{"", "m", "m/", "/3", "m/x", "m/0", "m/-1", "m/99999999999999999999"} {
		if m, err := vectors.ParseKey(key); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%q became %v, %v", key, m, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("text-embedding-3-small/1536")
	f.Fuzz(func(t *testing.T, key string) {
		m, err := vectors.ParseKey(key)
		if err != nil {
			return
		}
		if again, err := vectors.ParseKey(m.Key()); err != nil || again != m {
			t.Errorf("%q became %v, and that %v, %v", key, m, again, err)
		}
	})
}
