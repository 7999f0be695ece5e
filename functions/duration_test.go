package functions_test

import (
	"testing"
	"time"

	"github.com/curatore/curatore-go/functions"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT1H30M": 90 * time.Minute, "P2D": 48 * time.Hour, "P1W": 168 * time.Hour, "PT0S": 0,
		"P1DT1H1M1S": 25*time.Hour + time.Minute + time.Second, "PT1H0M1S": time.Hour + time.Second, "PT59S": 59 * time.Second, "PT2M1S": 121 * time.Second, "PT90M": 90 * time.Minute, "P106751D": 106751 * 24 * time.Hour,
	} {
		var d functions.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%s: got %s, %v", text, time.Duration(d), err)
		}
		var again functions.Duration
		if got, want := functions.Duration(want+time.Millisecond).String(), d.String(); got != want {
			t.Errorf("with a fraction: %s, not %s", got, want)
		}
		if raw, err := d.MarshalText(); err != nil || again.UnmarshalText(raw) != nil || again != d {
			t.Errorf("%s became %s and %s, %v", text, raw, again, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "P1Y", "P1M", "-P1D", "1h", "P1.5D", "PT0.5S", "P106752D", "PT999999999999S0", "P1W2D", "PT153722867280912930M"} {
		d := functions.Duration(7)
		if err := d.UnmarshalText([]byte(text)); err == nil || d != 7 {
			t.Errorf("%q was read as %s", text, time.Duration(d))
		}
	}
	if _, err := functions.Duration(-1).MarshalText(); err == nil {
		t.Error("a negative duration was written")
	}
	type in struct {
		Wait functions.Duration  `json:"wait"`
		Max  *functions.Duration `json:"max,omitempty"`
	}
	e := engine(t, functions.Config{}, echo[in]("wait"))
	result, err := e.Call(t.Context(), scope, "wait", []byte(`{"wait":"PT90M"}`))
	if err != nil || string(result.Data) != `{"wait":"PT1H30M"}` {
		t.Errorf("got %v, %v", result, err)
	}
	for _, args := range []string{`{"wait":"soon"}`, `{"wait":"P1Y"}`, `{"wait":true}`} {
		if _, err := e.Call(t.Context(), scope, "wait", []byte(args)); failure(t, err).Code != functions.CodeInvalid {
			t.Errorf("%s: %v", args, err)
		}
	}
}
