package export

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		in    string
		order DateOrder
		want  string
	}{
		{"2026-02-23", Unsettled, "2026-02-23T00:00:00Z"},
		{"2026-02-23 00:00:00", Unsettled, "2026-02-23T00:00:00Z"},
		{" 2026-02-23 20:55:01 ", Unsettled, "2026-02-23T20:55:01Z"},
		{"2026-02-23 20:55", Unsettled, "2026-02-23T20:55:00Z"},
		{"2026-02-23T20:55:00.000Z", Unsettled, "2026-02-23T20:55:00Z"},
		{"2026-02-23T20:55:00.123456789Z", Unsettled, "2026-02-23T20:55:00.123456789Z"},
		{"2026-02-23T20:55:00", Unsettled, "2026-02-23T20:55:00Z"},
		{"2026-02-23t20:55:00z", Unsettled, "2026-02-23T20:55:00Z"},
		{"2026-02-23T20:55:00.000+0000", Unsettled, "2026-02-23T20:55:00Z"},
		{"2026-02-23T20:55:00+02:00", Unsettled, "2026-02-23T18:55:00Z"},
		{"2026-02-23T20:55:00-0530", Unsettled, "2026-02-24T02:25:00Z"},
		{"2026-02-23T20:55:00+02", Unsettled, "2026-02-23T18:55:00Z"},
		{"2024-02-29", Unsettled, "2024-02-29T00:00:00Z"},
		{"2000-02-29", Unsettled, "2000-02-29T00:00:00Z"},
		{"02/23/26", MonthFirst, "2026-02-23T00:00:00Z"},
		{"2/3/2024", MonthFirst, "2024-02-03T00:00:00Z"},
		{"2/3/2024", DayFirst, "2024-03-02T00:00:00Z"},
		{"23/02/2026", DayFirst, "2026-02-23T00:00:00Z"},
		{"02/23/26 08:55 PM", MonthFirst, "2026-02-23T20:55:00Z"},
		{"02/23/26 8:55PM", MonthFirst, "2026-02-23T20:55:00Z"},
		{"02/23/26 8:55\u202fpm", MonthFirst, "2026-02-23T20:55:00Z"},
		{"02/23/26 12:05 AM", MonthFirst, "2026-02-23T00:05:00Z"},
		{"02/23/26 12:05 PM", MonthFirst, "2026-02-23T12:05:00Z"},
		{"02/23/2026 20:55", MonthFirst, "2026-02-23T20:55:00Z"},
		{"02/23/2026 20:55:30", MonthFirst, "2026-02-23T20:55:30Z"},
		{"1/1/68", MonthFirst, "2068-01-01T00:00:00Z"},
		{"1/1/69", MonthFirst, "1969-01-01T00:00:00Z"},
	} {
		got, ok, err := Time(tt.in, tt.order)
		if !ok || err != nil || !got.Equal(at(tt.want)) || got.Location() != time.UTC {
			t.Errorf("%q, %v: %v, %t, %v, want %s", tt.in, tt.order, got, ok, err, tt.want)
		}
		day, ok, err := Date(tt.in, tt.order)
		if !ok || err != nil || day.Hour() != 0 || day.Location() != time.UTC {
			t.Errorf("%q, %v: date %v, %t, %v", tt.in, tt.order, day, ok, err)
		}
	}
	if v, ok, err := Time("  ", MonthFirst); !v.IsZero() || ok || err != nil {
		t.Errorf("empty: %v, %t, %v", v, ok, err)
	}
	if v, ok, err := Date("", MonthFirst); !v.IsZero() || ok || err != nil {
		t.Errorf("empty: %v, %t, %v", v, ok, err)
	}
}

// A date is the one that is written, whatever its zone.
func TestDateKeepsTheWrittenDay(t *testing.T) {
	got, _, err := Date("2026-02-23T23:00:00-05:00", Unsettled)
	if want := time.Date(2026, 2, 23, 0, 0, 0, 0, time.UTC); err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestTimeRefuses(t *testing.T) {
	for _, tt := range []struct {
		in    string
		order DateOrder
		want  string
	}{
		{"tomorrow", MonthFirst, "want a form"},
		{"NA", MonthFirst, "want a form"},
		{"2026-2-3", MonthFirst, "want a form"},
		{"2026-02-23x", MonthFirst, "want a form"},
		{"2026-02-23 ", MonthFirst, ""},
		{"2026-02-23T", MonthFirst, "want a form"},
		{"2026-02-23T20", MonthFirst, "want a form"},
		{"2026-02-23T20:55:00 PST", MonthFirst, "want a form"},
		{"2026-02-23T20:55:00+99:00", MonthFirst, "want a form"},
		{"20260223", MonthFirst, "want a form"},
		{"1/2", MonthFirst, "want a form"},
		{"1/2/3", MonthFirst, "want a form"},
		{"1/2/345", MonthFirst, "want a form"},
		{"1/2/34567", MonthFirst, "want a form"},
		{"24/7/365", MonthFirst, "want a form"},
		{"13/13/2024", MonthFirst, "want a form"},
		{"0/1/2024", MonthFirst, "want a form"},
		{"2/3/2024 13:00 PM", MonthFirst, "want a form"},
		{"2/3/2024 0:30 AM", MonthFirst, "want a form"},
		{"2026-13-01", MonthFirst, "no month 13"},
		{"2026-00-01", MonthFirst, "no month 0"},
		{"2026-02-29", MonthFirst, "no day 29"},
		{"1900-02-29", MonthFirst, "no day 29"},
		{"2026-04-31", MonthFirst, "no day 31"},
		{"0000-01-01", MonthFirst, "year 0"},
		{"0001-01-01", MonthFirst, "year 1"},
		{"2026-01-01 24:00:00", MonthFirst, "no time 24:00:00"},
		{"2026-01-01 23:60", MonthFirst, "no time"},
		{"13/2/2024", MonthFirst, "no month 13, and dates are month first"},
		{"2/13/2024", DayFirst, "no month 13, and dates are day first"},
		{"2/30/2024", MonthFirst, "no day 30"},
		{"2/3/2024", Unsettled, "not settled"},
		{"2/13/2024", Unsettled, "not settled"},
	} {
		got, ok, err := Time(tt.in, tt.order)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%q: %v", tt.in, err)
			}
			continue
		}
		if err == nil || ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v and %v, want an error with %q", tt.in, got, err, tt.want)
		}
		if tt.want == "not settled" && !errors.Is(err, ErrDateOrder) {
			t.Errorf("%q: %v is not ErrDateOrder", tt.in, err)
		}
	}
}

// FuzzTime holds what is read against the time package.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-02-23", "2026-02-23 20:55:00", "2026-02-23T20:55:00.5Z", "2026-02-23T20:55:00+02:00", "2/3/2024", "12/31/99 08:55 PM", "31/1/2024 20:55"} {
		f.Add(s)
	}
	layouts := []string{"2006-01-02", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999Z0700"}
	months := []string{"1/2/2006", "1/2/06", "1/2/2006 15:04", "1/2/06 15:04:05", "1/2/06 3:04 PM"}
	days := []string{"2/1/2006", "2/1/06", "2/1/2006 15:04", "2/1/06 15:04:05", "2/1/06 3:04 PM"}
	f.Fuzz(func(t *testing.T, in string) {
		for order, slash := range map[DateOrder][]string{Unsettled: nil, MonthFirst: months, DayFirst: days} {
			got, ok, err := Time(in, order)
			if ok != (err == nil && strings.TrimSpace(in) != "") {
				t.Fatalf("%q: %v, %t, %v", in, got, ok, err)
			}
			if ok && (got.Year() < 0 || got.Year() > 10000) {
				t.Fatalf("%q: %v", in, got)
			}
			for _, layout := range append(slash, layouts...) {
				want, perr := time.Parse(layout, in)
				if perr != nil || want.Year() == 0 {
					continue
				}
				if _, offset := want.Zone(); offset > 14*3600 || offset < -14*3600 {
					continue // no place on earth
				}
				if strings.Contains(in, ",") {
					continue // the time package takes it for a point
				}
				if len(in)-strings.LastIndexByte(in, '.') > 10 && strings.Contains(in, ".") {
					continue // more digits than nanoseconds
				}
				if !ok || !got.Equal(want) {
					t.Fatalf("%q as %q: %v, %v, want %v", in, layout, got, err, want)
				}
			}
		}
	})
}
