package export

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		ok       bool
	}{{"", "", false}, {" \t\n", "", false}, {" a b ", "a b", true}, {"NA", "NA", true}, {"null", "null", true}} {
		if got, ok := Text(tt.in); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %q, %t", tt.in, got, ok)
		}
	}
}

func TestBool(t *testing.T) {
	for _, tt := range []struct {
		in            string
		want, ok, bad bool
	}{
		{in: "", ok: false}, {in: " ", ok: false},
		{in: "1", want: true, ok: true}, {in: "true", want: true, ok: true}, {in: " TRUE ", want: true, ok: true},
		{in: "Yes", want: true, ok: true}, {in: "0", ok: true}, {in: "False", ok: true}, {in: "NO", ok: true},
		{in: "2", bad: true}, {in: "y", bad: true}, {in: "NA", bad: true}, {in: "01", bad: true},
	} {
		if got, ok, err := Bool(tt.in); got != tt.want || ok != tt.ok || (err != nil) != tt.bad {
			t.Errorf("%q: %t, %t, %v", tt.in, got, ok, err)
		}
	}
}

func TestAmount(t *testing.T) {
	for in, want := range map[string]float64{
		"0": 0, "1250": 1250, " 1250.50 ": 1250.5, "-12.5": -12.5, "+3": 3, "$1,250.00": 1250, "-$5": -5, "$-5": -5,
		"$ 5": 5, "(1,250.00)": -1250, "($5)": -5, "$(5)": math.NaN(), "1,234,567.89": 1234567.89, ".5": 0.5, "5.": 5,
		"1.39E8": 139000000, "1e3": 1000, "2.5E-3": 0.0025, "00012": 12, "9007199254740993": 9007199254740992,
	} {
		got, ok, err := Amount(in)
		if math.IsNaN(want) {
			if err == nil {
				t.Errorf("%q: %v, want an error", in, got)
			}
		} else if got != want || !ok || err != nil {
			t.Errorf("%q: %v, %t, %v, want %v", in, got, ok, err, want)
		}
	}
	if v, ok, err := Amount("  "); v != 0 || ok || err != nil {
		t.Errorf("empty: %v, %t, %v", v, ok, err)
	}
	for in, want := range map[string]string{
		"abc": "want digits", "NA": "want digits", "1 000": "want digits", "1.2.3": "want digits", "--1": "want digits",
		"(-5)": "want digits", "$$5": "want digits", "€5": "want digits", "5%": "want digits", "0x10": "want digits",
		"Inf": "want digits", "NaN": "want digits", "1_000": "want digits", "-": "want digits", "$": "want digits",
		"1,5": "groups of three", "0,125": "groups of three", "-00,125": "groups of three", "1,50": "groups of three", "1,2345": "groups of three", "1234,567": "groups of three",
		",123": "groups of three", "1,,234": "groups of three", "1.234,56": "want digits", "1e": "want digits",
		"1e9999": "want digits", "1e999": "too large", "e5": "want digits", "1,234e-+5": "want digits", "1e+5+": "want digits",
		strings.Repeat("9", 400): "too large", "()": "want digits",
	} {
		if got, ok, err := Amount(in); err == nil || ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v and %v, want an error with %q", in, got, err, want)
		}
	}
}

func TestInt(t *testing.T) {
	for in, want := range map[string]int64{
		"5600": 5600, "5,600": 5600, "5600.0": 5600, "1.39E8": 139000000, "-3": -3, "(3)": -3, ".0": 0, "-.0": 0,
		"9007199254740993": 9007199254740993, "9223372036854775807": math.MaxInt64,
	} {
		if got, ok, err := Int(in); got != want || !ok || err != nil {
			t.Errorf("%q: %v, %t, %v, want %v", in, got, ok, err, want)
		}
	}
	if v, ok, err := Int(""); v != 0 || ok || err != nil {
		t.Errorf("empty: %v, %t, %v", v, ok, err)
	}
	for in, want := range map[string]string{
		"1.5": "fraction", "9223372036854775808": "too large", "1e99": "too large", "1.5e0": "not whole", "x": "want digits", "1,5": "three",
	} {
		if got, ok, err := Int(in); err == nil || ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v and %v, want an error with %q", in, got, err, want)
		}
	}
}

func TestValueErrorsAreShort(t *testing.T) {
	_, _, err := Amount(strings.Repeat("x", 1<<20) + "\x00\xff")
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("%v", err)
	}
}

func FuzzAmount(f *testing.F) {
	for _, s := range []string{"1250", "$1,250.00", "(1)", "1.39E8", "-$.5", "1e-400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		v, ok, err := Amount(in)
		if math.IsNaN(v) || math.IsInf(v, 0) || ok && err != nil {
			t.Fatalf("%q: %v, %t, %v", in, v, ok, err)
		}
		i, iok, ierr := Int(in)
		if iok && (ierr != nil || !ok || float64(i) != v) {
			t.Fatalf("%q: as a whole number %d, %v, as an amount %v", in, i, ierr, v)
		}
	})
}

func BenchmarkValues(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _, e1 := Amount("$1,250,000.50")
		_, _, e2 := Int("20000")
		_, _, e3 := Bool("1")
		_, _, e4 := Time("2026-02-23 20:55:00", Unsettled)
		_, e5 := ParseID("001bm00001ZL8U9AAL")
		if err := errors.Join(e1, e2, e3, e4, e5); err != nil {
			b.Fatal(err)
		}
	}
}
