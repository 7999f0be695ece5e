package database_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// roundTrip stores values of a kind and returns what is read back, ordered by
// the column.
func roundTrip(t *testing.T, db *database.DB, k content.Kind, values ...any) (back []any) {
	t.Helper()
	d := db.Dialect()
	if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		table := "kind_" + k.String() // prepared statements know the types of their table
		if err := tx.Run(ctx, "DROP TABLE IF EXISTS "+table+"; CREATE TABLE "+table+" (n BIGINT, v "+d.Type(k)+")"); err != nil {
			return err
		}
		for i, v := range values {
			if _, err := tx.Exec(ctx, "INSERT INTO "+table+" (n, v) VALUES (?, ?)", i, d.Bind(k, v)); err != nil {
				return err
			}
		}
		order := "v, n"
		if k == content.JSON {
			order = "n"
		}
		rows, err := tx.Query(ctx, "SELECT v FROM "+table+" ORDER BY "+order)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var raw any
			if err := rows.Scan(&raw); err != nil {
				return err
			}
			v, err := d.Value(k, raw)
			if err != nil {
				return err
			}
			back = append(back, v)
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	return back
}

// The values of each kind stand in their order.
func TestKindsRoundTripInOrder(t *testing.T) {
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		for k, values := range map[content.Kind][]any{
			content.String: {"", " ", "10", "9", "A", "Z", "a", "a'b", `a\b`, "z", "é", "→", "😀"},
			content.Int:    {int64(math.MinInt64), int64(-1), int64(0), int64(9), int64(10), int64(math.MaxInt64)},
			content.Float:  {-math.MaxFloat64, -1.5, 0.0, math.SmallestNonzeroFloat64, 0.1, 1.0 / 3, 1.0, 9007199254740993.0, math.MaxFloat64},
			content.Bool:   {false, true},
			content.Time: {utc("0001-01-01T00:00:00.000001Z"), utc("1969-12-31T23:59:59.999999Z"), utc("1970-01-01T00:00:00Z"),
				utc("2026-03-04T05:06:07Z"), utc("2026-03-04T05:06:07.000001Z"), utc("2026-03-04T05:06:07.1Z"), utc("9999-12-31T23:59:59.999999Z")},
			content.Date: {utc("0001-01-02T00:00:00Z"), utc("1969-12-31T00:00:00Z"), utc("2026-03-04T00:00:00Z"), utc("9999-12-31T00:00:00Z")},
		} {
			shuffled := slices.Clone(values)
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if d := cmp.Diff(values, roundTrip(t, db, k, shuffled...)); d != "" {
				t.Errorf("%s: %s", k, d)
			}
			if got := roundTrip(t, db, k, nil); got[0] != nil {
				t.Errorf("%s: NULL comes back as %v", k, got[0])
			}
		}
		got := roundTrip(t, db, content.JSON, json.RawMessage(`{"a":[1,"ü",null,true],"b":"\"\\/"}`))
		var want, back any
		if err := json.Unmarshal(got[0].(json.RawMessage), &back); err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal([]byte(`{"a":[1,"ü",null,true],"b":"\"\\/"}`), &want)
		if d := cmp.Diff(want, back); d != "" {
			t.Error(d)
		}
	})
}

func TestTimesAreUTCInMicroseconds(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		east := time.Date(2026, 3, 4, 1, 2, 3, 123456789, time.FixedZone("east", 5*3600+1800))
		want := time.Date(2026, 3, 3, 19, 32, 3, 123456000, time.UTC)
		d := db.Dialect()
		if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			if err := tx.Run(ctx, "CREATE TABLE times (at "+d.Type(content.Time)+" NOT NULL, none "+d.Type(content.Time)+")"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO times (at) VALUES (?)", d.Time(east)); err != nil {
				return err
			}
			var at, zero time.Time
			var set, none *time.Time
			zero = east
			none = &east
			if err := tx.QueryRow(ctx, "SELECT at, at, none, none FROM times").Scan(database.ScanTime(&at), database.ScanNullTime(&set),
				database.ScanTime(&zero), database.ScanNullTime(&none)); err != nil {
				return err
			}
			if at != want || *set != want || !zero.IsZero() || none != nil {
				t.Errorf("got %v, %v, %v, %v; want %v twice, zero and nil", at, set, zero, none, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheClockOfTheDatabaseComparesWithStoredTimes(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			if err := tx.Run(ctx, "CREATE TABLE leases (name TEXT, until "+d.Type(content.Time)+" NOT NULL)"); err != nil {
				return err
			}
			for name, seconds := range map[string]any{"past": -2, "future": 60, "part": 90.5} {
				if _, err := tx.Exec(ctx, "INSERT INTO leases (name, until) VALUES (?, "+d.After()+")", name, seconds); err != nil {
					return err
				}
			}
			for name, at := range map[string]time.Time{"bound past": time.Now().Add(-time.Minute), "bound future": time.Now().Add(time.Minute)} {
				if _, err := tx.Exec(ctx, "INSERT INTO leases (name, until) VALUES (?, ?)", name, d.Time(at)); err != nil {
					return err
				}
			}
			var expired []string
			if err := tx.Select(ctx, &expired, "SELECT name FROM leases WHERE until <= "+d.Now()+" ORDER BY name"); err != nil {
				return err
			}
			if diff := cmp.Diff([]string{"bound past", "past"}, expired); diff != "" {
				t.Error(diff)
			}
			var now, part time.Time
			if err := tx.QueryRow(ctx, "SELECT "+d.Now()+", (SELECT until FROM leases WHERE name = 'part')").Scan(database.ScanTime(&now), database.ScanTime(&part)); err != nil {
				return err
			}
			if off := time.Since(now).Abs(); off > 30*time.Second {
				t.Errorf("the clock of the database is %v away", off)
			}
			if ahead := part.Sub(now); ahead < 80*time.Second || ahead > 91*time.Second {
				t.Errorf("90.5 seconds from now are %v", ahead)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestValueTellsWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		kind content.Kind
		held any
	}{{content.Int, "x"}, {content.Int, 1.5}, {content.Float, "x"}, {content.Bool, "true"}, {content.Time, int64(5)}, {content.Time, "yesterday"},
		{content.Date, "infinity"}, {content.String, int64(1)}, {content.JSON, 1.5}, {0, "x"}} {
		if v, err := (database.Dialect{}).Value(c.kind, c.held); err == nil {
			t.Errorf("%T %v as %s gives %v", c.held, c.held, c.kind, v)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "?", 3: "?, ?, ?"} {
		if got := database.Placeholders(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := database.Rows(2, 2); got != "(?, ?), (?, ?)" {
		t.Errorf("%q", got)
	}
}
